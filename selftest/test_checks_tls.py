"""The check of the TLS grade, and what it makes of facts that are missing."""

from dataclasses import replace

import pytest

from cutover.errors import ProbeError
from cutover.facts.grade import rate
from cutover.facts.http import Http
from cutover.fixtures_outside import grade
from cutover.inventory import Peer
from selftest.rows import TARGET, exchange, fails, judge, passes
from selftest.tls_facts import CERTIFICATE, HSTS, PEER_TLS, offering, scanned, with_leaf
from tests_security import test_tls as checks

PEER = Peer(TARGET, "192.0.2.1")
OLD = offering(tls_1_0=["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"])
HTTP = Http({"/": exchange(headers=(("Strict-Transport-Security", HSTS[0]),))})


def of_grade():
    check, promised = checks.test_tls_grade_is_a_or_better, "A or better"
    for told, hsts in (("A+", HSTS), ("A", ("max-age=300",))):
        assert rate(PEER_TLS, CERTIFICATE, hsts).letter == told
        yield passes(told, check, tls_grade=rate(PEER_TLS, CERTIFICATE, hsts))
    for told, given in (
        ("A-: HSTS is missing (A-)", (PEER_TLS, CERTIFICATE, ())),
        ("B: TLS 1.0 is offered (B)", (OLD, CERTIFICATE, HSTS)),
        ("F: Heartbleed (F)", (scanned(heartbleed=True), CERTIFICATE, HSTS)),
        (
            "M (A+ without that): the certificate is for another name (M)",
            (PEER_TLS, with_leaf(names=("www.example.com",)), HSTS),
        ),
    ):
        yield fails(told[0], check, promised, told, tls_grade=rate(*given))


ROWS = [*of_grade()]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure


class Seen:
    """A survey that saw this; what is an exception is raised."""

    def __init__(self, **facts):
        self.known = facts

    def facts(self, probe, _):
        if isinstance(self.known[probe], Exception):
            raise self.known[probe]
        return self.known[probe]


NO_HTTP = ProbeError("TLS failed")
NO_CERTIFICATE = ProbeError("no certificate")


def test_the_grade_is_put_together_from_three_probes():
    assert grade(Seen(certificate=CERTIFICATE, http=HTTP), PEER, PEER_TLS).told == "A+"
    bare = Http({"/": exchange()})
    assert grade(Seen(certificate=CERTIFICATE, http=bare), PEER, PEER_TLS).letter == "A-"


@pytest.mark.parametrize(
    ("certificate", "http", "cause"),
    [
        (CERTIFICATE, NO_HTTP, "TLS failed"),
        (NO_CERTIFICATE, HTTP, "no certificate"),
        (NO_CERTIFICATE, NO_HTTP, "no certificate"),
    ],
)
def test_a_good_grade_needs_everything(certificate, http, cause):
    with pytest.raises(ProbeError, match=cause):
        grade(Seen(certificate=certificate, http=http), PEER, PEER_TLS)


@pytest.mark.parametrize("flaw", ["heartbleed", "ccs_injection", "robot", "compression", "secure_renegotiation"])
def test_a_flaw_that_could_not_be_tested_is_no_good_grade(flaw):
    with pytest.raises(ProbeError, match="could not find out about"):
        grade(Seen(certificate=CERTIFICATE, http=HTTP), PEER, scanned(**{flaw: None}))


def test_what_is_bad_enough_is_bad_without_the_rest():
    rated = grade(Seen(certificate=NO_CERTIFICATE, http=NO_HTTP), PEER, replace(OLD, generic=None))
    assert (rated.letter, rated.unknown) == ("B", ("the certificate", "HSTS"))
    untrusted = with_leaf(names=("www.example.com",))
    assert grade(Seen(certificate=untrusted, http=NO_HTTP), PEER, PEER_TLS).letter == "M"
