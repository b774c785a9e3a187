"""Signatures of a zone's answers, made here with keys of our own, against the DS record that the parent has."""

import time

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rrset
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from cutover.probes import dnssec
from selftest.rows import HOST

APEX = dns.name.from_text("example.com.")
DAY = 86400


class Signer:
    """A zone's key, and answers that are signed with it."""

    def __init__(self):
        self.private = ed25519.Ed25519PrivateKey.generate()
        self.key = dns.dnssec.make_dnskey(self.private.public_key(), dns.dnssec.Algorithm.ED25519, flags=257)

    def ds(self):
        return [dns.dnssec.make_ds(APEX, self.key, "SHA256").to_text()]

    def answer(self, name, kind, *values, begin=-DAY, end=DAY, signed=True, key=None):
        message = dns.message.make_response(dns.message.make_query(name, kind))
        rrset = dns.rrset.from_text(dns.name.from_text(name), 300, "IN", kind, *values)
        message.answer.append(rrset)
        if signed:
            now = time.time()
            signature = dns.dnssec.sign(rrset, self.private, APEX, key or self.key, now + begin, now + end)
            message.answer.append(dns.rrset.from_rdata(rrset.name, 300, signature))
        return dns.message.from_wire(message.to_wire())

    def keys(self, *more, **options):
        return self.answer("example.com.", "DNSKEY", self.key.to_text(), *more, **options)

    def address(self, **options):
        return self.answer(f"{HOST}.", "A", "192.0.2.1", **options)


@pytest.fixture
def signer():
    return Signer()


def problem(signer, *answers, ds=None):
    return dnssec.signatures(APEX, signer.ds() if ds is None else ds, list(answers)).problem


def test_a_zone_that_is_signed_well(signer):
    found = dnssec.signatures(APEX, signer.ds(), [signer.keys(end=3 * DAY), signer.address(end=DAY)])
    assert found.problem == ""
    assert abs(found.end - time.time() - DAY) < 60


def test_nothing_is_expected_without_a_ds_record(signer):
    assert dnssec.signatures(APEX, [], [signer.address(signed=False)]) == dnssec.Signatures()


@pytest.mark.parametrize("ds", ["1 5 2 " + "00" * 32, "1 13 3 " + "00" * 32], ids=["algorithm", "digest"])
def test_what_validators_do_not_know_counts_as_not_signed(signer, ds):
    assert problem(signer, signer.address(signed=False), ds=[ds]) == ""


def test_ends_and_beginnings(signer):
    told = problem(signer, signer.keys(), signer.address(begin=-2 * DAY, end=-DAY))
    assert told.startswith(f"A of {HOST}: signed from ")
    assert told.endswith(" UTC only")
    assert "signed from" in problem(signer, signer.keys(begin=DAY, end=2 * DAY), signer.address())


def test_what_is_not_signed_is_bogus(signer):
    assert problem(signer, signer.keys(), signer.address(signed=False)) == f"A of {HOST}: not signed"


def test_a_zone_that_is_no_longer_signed_at_all(signer):
    assert problem(signer, signer.address(signed=False)) == "no DNSKEY record, and a DS record at the parent"


def test_keys_that_the_parent_does_not_know(signer):
    told = "none of its keys is the one that the DS record at the parent names"
    assert problem(signer, signer.keys(), signer.address(), ds=Signer().ds()) == told


def test_a_key_in_the_zone_that_has_not_signed_the_keys(signer):
    other = Signer()
    # The parent's key is there, and the set of keys is signed by another one.
    keys = other.keys(signer.key.to_text())
    assert problem(signer, keys, signer.address()).startswith("DNSKEY of example.com: a signature that does not hold")


def test_a_signature_by_nobodys_key(signer):
    told = problem(signer, signer.keys(), Signer().address())
    assert told == f"A of {HOST}: a signature that does not hold (verify failure)"


def test_an_answer_that_was_changed_on_its_way(signer):
    wire = signer.address().to_wire()
    changed = wire.replace(b"\xc0\x00\x02\x01", b"\xc0\x00\x02\x02")
    assert changed != wire
    told = problem(signer, signer.keys(), dns.message.from_wire(changed))
    assert told == f"A of {HOST}: a signature that does not hold (verify failure)"


def test_one_good_signature_of_two_is_enough(signer):
    message = signer.address()
    stranger = Signer().address().answer[1]
    message.answer[1].update(stranger)
    assert problem(signer, signer.keys(), dns.message.from_wire(message.to_wire())) == ""


def test_where_an_alias_leads_is_another_zones_affair(signer):
    message = signer.answer(f"{HOST}.", "CNAME", "front.k8s.example.com.")
    message.answer.append(dns.rrset.from_text("front.k8s.example.com.", 60, "IN", "A", "192.0.2.7"))
    assert problem(signer, signer.keys(), dns.message.from_wire(message.to_wire())) == ""


def test_an_alias_that_was_made_of_a_signed_one_need_not_be_signed(signer):
    message = signer.answer("example.com.", "DNAME", "example.net.")
    message.question[0].name = dns.name.from_text(f"{HOST}.")
    message.answer.append(dns.rrset.from_text(f"{HOST}.", 60, "IN", "CNAME", "api.example.net."))
    assert problem(signer, signer.keys(), dns.message.from_wire(message.to_wire())) == ""


def test_more_signatures_than_are_verified(signer, monkeypatch):
    monkeypatch.setattr(dnssec, "MOST_SIGNATURES", 3)
    told = "more than 2 keys of one tag, or than 3 signatures to verify"
    assert problem(signer, signer.keys(), signer.address(), signer.address(), signer.address()) == told


def test_more_keys_of_one_tag_than_are_tried(signer, monkeypatch):
    monkeypatch.setattr(dns.dnssec, "key_id", lambda key: 1)
    others = [Signer().key.to_text() for _ in range(2)]
    told = problem(signer, signer.keys(*others), signer.address())
    assert told.startswith("more than 2 keys of one tag")


def test_a_key_that_is_no_key(signer):
    broken = signer.keys()
    wire = broken.to_wire()
    key = signer.key.key
    message = dns.message.from_wire(wire.replace(key, bytes(len(key)), 1))
    ds = dns.dnssec.make_ds(APEX, message.answer[0][0], "SHA256").to_text()
    assert problem(signer, message, signer.address(), ds=[ds]).startswith("DNSKEY of example.com: ")
