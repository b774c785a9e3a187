"""Each way in which a certificate can be wrong, made up and served on loopback: exactly which checks say what."""

import inspect
import time
from types import FunctionType

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from cutover.errors import ProbeError, Unreachable
from cutover.inventory import Limits, Peer, Target
from cutover.inventory import Ports as PromisedPorts
from cutover.probes import certificate
from selftest.pki import NOW, make, server_context, tcp
from selftest.rows import HOST, Row, judge
from tests_security import test_certificate as checks

TRUST = checks.test_chain_leads_to_a_trusted_root
ORDER = checks.test_chain_is_in_order
NAME = checks.test_certificate_is_for_this_name
VALID = checks.test_certificate_is_valid_now
RENEWED = checks.test_certificate_was_renewed_in_time
KEYS = checks.test_certificate_keys_are_long_enough
ALL = {check for name, check in vars(checks).items() if name.startswith("test_") and isinstance(check, FunctionType)}
GUARD_SECONDS = 30.0

ROOT = make("Made-up root", authority=True, begin=-900, end=900)
MIDDLE = make("Made-up intermediate", ROOT, authority=True, begin=-400, end=400)
OTHER_ROOT = make("Other root", authority=True, begin=-900, end=900)
OTHER = make("Other intermediate", OTHER_ROOT, authority=True, begin=-400, end=400)
OLD_MIDDLE = make("Old intermediate", ROOT, authority=True, begin=-400, end=-1)
NO_AUTHORITY = make("No authority", ROOT, names=[HOST])


def leaf(issuer=MIDDLE, names=(HOST,), **how):
    return make(HOST, issuer, names=names, **how)


def served(chain, folder):
    """What the probe sees of a server that presents ``chain``, and the target it was asked for."""
    (folder / "root.pem").write_bytes(ROOT.pem)
    context = server_context(folder, chain)
    with tcp(lambda client: context.wrap_socket(client, server_side=True).close()) as port:
        target = Target(host=HOST, ca=folder / "root.pem", ports=PromisedPorts(https=port))
        return certificate.probe(Peer(target, "127.0.0.1")), target


def failures(chain, folder):
    facts, target = served(chain, folder)
    known = {"certificate": facts, "certificates": [facts], "target": target}
    judged = {
        check: judge(Row(check, {name: known[name] for name in inspect.signature(check).parameters}, None))
        for check in ALL
    }
    return {check: told[1] for check, told in judged.items() if told}


EXPIRED = {VALID: f"CN={HOST}: expired {(leaf(end=-1).certificate.not_valid_after_utc)}"}
GONE = "-3% of its lifetime left (-1.0 days)"
NEITHER = "is neither sent nor trusted here"
ABSENT = f"unknown issuer, or its intermediate is missing: CN=Made-up intermediate {NEITHER}"
AT = "http://example.com/intermediate.der"


@pytest.mark.parametrize(
    ("chain", "told"),
    [
        pytest.param([leaf(), MIDDLE], {}, id="good"),
        pytest.param([leaf(), MIDDLE, ROOT], {}, id="good-with-root"),
        pytest.param([leaf(ROOT)], {}, id="good-without-intermediate"),
        pytest.param([leaf(names=["example.com", "*.example.com"]), MIDDLE], {}, id="wildcard"),
        pytest.param([leaf()], {TRUST: ABSENT}, id="intermediate-missing-or-unknown"),
        pytest.param(
            [leaf(at=AT)],
            {TRUST: f"incomplete chain: the intermediate CN=Made-up intermediate is not sent (it is at {AT})"},
            id="intermediate-missing",
        ),
        pytest.param(
            [leaf(OTHER), OTHER],
            {TRUST: f"unknown issuer: CN=Other root {NEITHER}"},
            id="unknown-root",
        ),
        pytest.param(
            [leaf(OTHER), OTHER, OTHER_ROOT],
            {TRUST: "unknown root: the chain ends in CN=Other root, which is not trusted here"},
            id="unknown-root-sent",
        ),
        pytest.param([leaf(None)], {TRUST: "self-signed: no authority vouches for it"}, id="self-signed"),
        pytest.param([leaf(end=-1), MIDDLE], EXPIRED | {RENEWED: GONE}, id="expired"),
        pytest.param([leaf(end=-1)], EXPIRED | {RENEWED: GONE, TRUST: ABSENT}, id="expired-and-incomplete"),
        pytest.param(
            [leaf(begin=1), MIDDLE],
            {VALID: f"CN={HOST}: not valid before {leaf(begin=1).certificate.not_valid_before_utc}"},
            id="not-yet-valid",
        ),
        pytest.param(
            [leaf(OLD_MIDDLE), OLD_MIDDLE],
            {VALID: f"CN=Old intermediate: expired {OLD_MIDDLE.certificate.not_valid_after_utc}"},
            id="expired-intermediate",
        ),
        pytest.param([leaf(begin=-80, end=20), MIDDLE], {RENEWED: "20% of its lifetime left (20.0 days)"}, id="late"),
        pytest.param(
            [leaf(names=["www.example.com"]), MIDDLE], {NAME: "www.example.com"}, id="wrong-name"
        ),
        pytest.param([leaf(names=["*.com"]), MIDDLE], {NAME: "*.com"}, id="too-wide"),
        pytest.param([leaf(names=["*.api.example.com"]), MIDDLE], {NAME: "*.api.example.com"}, id="wildcard-below"),
        pytest.param([leaf(names=()), MIDDLE], {NAME: "no name"}, id="name-in-subject-only"),
        pytest.param(
            [leaf(OTHER, names=["www.example.com"], end=-1)],
            EXPIRED
            | {
                NAME: "www.example.com",
                RENEWED: GONE,
                TRUST: f"unknown issuer, or its intermediate is missing: CN=Other intermediate {NEITHER}",
            },
            id="all-at-once",
        ),
        pytest.param(
            [leaf(), ROOT, MIDDLE],
            {ORDER: f"CN={HOST} ← CN=Made-up root ← CN=Made-up intermediate"},
            id="reversed",
        ),
        pytest.param([leaf(), OTHER], {ORDER: f"CN={HOST} ← CN=Other intermediate", TRUST: ABSENT}, id="wrong-one",),
        pytest.param(
            [leaf(usage=ExtendedKeyUsageOID.CLIENT_AUTH), MIDDLE],
            {TRUST: "unsuitable certificate purpose"},
            id="for-clients-only",
        ),
        pytest.param(
            [leaf(NO_AUTHORITY), NO_AUTHORITY],
            {TRUST: "invalid CA certificate"},
            id="not-an-authority",
        ),
        pytest.param([leaf(rsa_bits=1024), MIDDLE], {KEYS: f"CN={HOST}: RSA 1024"}, id="short-key"),
        pytest.param([leaf(rsa_bits=2048), MIDDLE], {}, id="rsa-2048"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_else(chain, told, tmp_path):
    assert failures(chain, tmp_path) == told


def test_the_chain_is_read_as_it_was_sent(tmp_path):
    facts, _ = served([leaf(names=["a.example.com", HOST]), MIDDLE], tmp_path)
    assert [link.subject for link in facts.chain] == [f"CN={HOST}", "CN=Made-up intermediate"]
    assert [link.issuer for link in facts.chain] == ["CN=Made-up intermediate", "CN=Made-up root"]
    assert facts.leaf.names == ("a.example.com", HOST)
    assert [link.signed_by_next for link in facts.chain] == [True, False]
    assert [str(link.key) for link in facts.chain] == ["EC 256", "EC 256"]
    assert [link.digest for link in facts.chain] == ["sha256", "sha256"]
    assert (facts.refusal, facts.refusal_code) == ("", 0)
    assert abs((facts.at - NOW).total_seconds()) < 3600
    (evidence,) = facts.evidence
    assert evidence.answer.endswith("\nverified")


def broken(serve):
    with tcp(serve) as port:
        limits = Limits(connect_seconds=1.0, answer_seconds=1.0)
        target = Target(host=HOST, limits=limits, ports=PromisedPorts(https=port))
        begun = time.monotonic()
        with pytest.raises(ProbeError) as caught:
            certificate.probe(Peer(target, "127.0.0.1"))
        assert time.monotonic() - begun < GUARD_SECONDS
        return caught.value


def trickle(client):
    client.recv(4096)
    for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
        client.sendall(bytes([byte]))
        time.sleep(0.2)


def speak(client):
    client.recv(4096)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("serve", "cause"),
    [
        (speak, "no TLS handshake"),
        (lambda client: client.recv(4096), "127.0.0.1 (for api.example.com)"),
        (lambda client: (client.recv(4096), time.sleep(20)), "did not answer"),
        (trickle, "did not answer"),
    ],
    ids=["plain-http", "hangs-up", "silent", "trickle"],
)
def test_a_peer_without_tls_is_a_probe_error(serve, cause):
    assert cause in broken(serve).cause


def test_a_peer_that_hangs_up_was_reached():
    assert not isinstance(broken(lambda client: client.recv(4096)), Unreachable)


def test_a_refused_port_is_a_probe_error():
    with tcp(lambda client: None) as port:
        pass
    target = Target(host=HOST, ports=PromisedPorts(https=port))
    with pytest.raises(ProbeError, match=f"refuses connections on port {port}"):
        certificate.probe(Peer(target, "127.0.0.1"))
