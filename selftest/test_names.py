"""Names are asked of a declared DNS server: here one of our own on loopback, at a port that needs no privilege."""

import socket
import threading
import time
from ipaddress import ip_address

import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from cutover.inventory import Peer, Target
from cutover.probes import names
from selftest.rows import HOST

TARGET = Target(host=HOST, resolvers=(ip_address("127.0.0.1"),))
GUARD_SECONDS = 30.0
A, AAAA = ["192.0.2.1", "192.0.2.2"], ["2001:db8::1"]


class Zone:
    """Answers over UDP; for each record type a list of values, an error code, or None for no answer at all."""

    def __init__(self):
        self.records = {"A": [], "AAAA": []}
        self.alias = ""
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            packet, client = self.socket.recvfrom(4096)
            if not packet:
                return
            answer = self.answer(dns.message.from_wire(packet))
            if answer is not None:
                self.socket.sendto(answer.to_wire(), client)

    def answer(self, query):
        (question,) = query.question
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((question.name.to_text(omit_final_dot=True), kind))
        records = self.records[kind]
        if records is None:
            return None
        answer = dns.message.make_response(query, recursion_available=True)
        if isinstance(records, dns.rcode.Rcode):
            answer.set_rcode(records)
            return answer
        name = question.name
        if self.alias:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", self.alias))
            name = self.alias
        if records:
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *records))
        return answer

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join(GUARD_SECONDS)
        self.socket.close()


@pytest.fixture
def zone(monkeypatch):
    zone = Zone()
    ours = names.resolver

    def at_our_port(target):
        resolver = ours(target)
        resolver.port = zone.port
        return resolver

    monkeypatch.setattr(names, "resolver", at_our_port)
    yield zone
    zone.close()


def found(target=TARGET):
    peers = names.peers(target)
    assert len({peer.label for peer in peers}) == len(peers)
    return [(peer.address, peer.problem) for peer in peers]


@pytest.mark.parametrize(
    ("a", "aaaa"), [(A, AAAA), (A, []), ([], AAAA), (A[:1], AAAA)], ids=["both", "ipv4", "ipv6", "one-each"]
)
def test_a_peer_for_each_record(zone, a, aaaa):
    zone.records = {"A": a, "AAAA": aaaa}
    assert sorted(found()) == sorted((address, "") for address in (*a, *aaaa))
    assert zone.asked == [(HOST, "A"), (HOST, "AAAA")]


def test_an_alias_is_followed(zone):
    zone.alias, zone.records["A"] = "front.example.net.", A
    assert sorted(found()) == [(address, "") for address in A]


def test_a_name_that_does_not_exist_is_one_cause(zone):
    zone.records = dict.fromkeys(("A", "AAAA"), dns.rcode.NXDOMAIN)
    assert found() == [("", "the name does not exist in DNS")]


def test_a_name_without_addresses_is_one_cause(zone):
    assert found() == [("", "the name has neither A nor AAAA record")]


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED], ids=["servfail", "refused"])
def test_a_type_that_could_not_be_asked_stands_beside_the_good_one(zone, code):
    zone.records = {"A": A[:1], "AAAA": code}
    good, bad = found()
    assert good == (A[0], "")
    assert bad[0] == ""
    assert bad[1].startswith("DNS could not be asked for AAAA: ")
    assert dns.rcode.to_text(code) in bad[1]


def test_a_server_that_fails_altogether_is_told_for_both(zone):
    zone.records = dict.fromkeys(("A", "AAAA"), dns.rcode.SERVFAIL)
    assert [(address, problem.partition(":")[0]) for address, problem in found()] == [
        ("", "DNS could not be asked for A"),
        ("", "DNS could not be asked for AAAA"),
    ]
    assert [peer.label for peer in names.peers(TARGET)] == [f"{HOST}@unresolved-A", f"{HOST}@unresolved-AAAA"]


def test_a_server_that_is_silent_costs_a_bounded_time(zone, monkeypatch):
    monkeypatch.setattr(names, "SECONDS", 0.5)
    zone.records = {"A": A[:1], "AAAA": None}
    begun = time.monotonic()
    good, bad = found()
    assert time.monotonic() - begun < GUARD_SECONDS
    assert good == (A[0], "")
    assert "DNS could not be asked for AAAA: The resolution lifetime expired" in bad[1]
    assert "\n" not in bad[1]


def test_an_address_that_was_found_is_not_forgotten(zone):
    zone.records = {"A": A[:1], "AAAA": dns.rcode.NXDOMAIN}
    assert (A[0], "") in found()


@pytest.mark.parametrize("address", ["0.0.0.0", "255.255.255.255", "224.0.0.1"])  # noqa: S104
def test_an_address_of_no_host_is_not_dialled(zone, address):
    zone.records = {"A": [address, A[0]], "AAAA": ["::", "ff02::1", "fe80::1", "::ffff:0.0.0.0"]}
    assert found() == [
        (A[0], ""),
        ("", f"DNS says {address}, the address of no one host"),
        ("", "DNS says ::, ::ffff:0.0.0.0, fe80::1, ff02::1, the address of no one host"),
    ]


def test_declared_addresses_are_dialled_without_asking(zone):
    declared = (ip_address("198.51.100.1"), ip_address("2001:db8:0::1"))
    target = TARGET.model_copy(update={"addresses": declared})
    assert names.peers(target) == (Peer(target, "198.51.100.1"), Peer(target, "2001:db8::1"))
    assert zone.asked == []


def test_only_declared_servers_are_asked():
    assert names.resolver(TARGET).nameservers == ["127.0.0.1"]


def test_a_machine_without_resolvers_is_told(monkeypatch):
    def none():
        raise dns.resolver.NoResolverConfiguration("cannot open /etc/resolv.conf")

    monkeypatch.setattr(dns.resolver, "Resolver", none)
    assert [problem for _, problem in found(Target(host=HOST))] == [
        "DNS could not be asked for A: cannot open /etc/resolv.conf",
        "DNS could not be asked for AAAA: cannot open /etc/resolv.conf",
    ]
