"""sslyze's JSON, as it was printed for servers of the lab's catalogue, and everything that is not that.

Recorded with ``python -m sslyze --json_out=-`` and its commands from servers that ``python -m lab tls`` made; most
rejected suites, keys and paths are cut out.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from cutover.errors import ProbeError
from cutover.facts.certificate import Key
from cutover.facts.tls import VERSIONS, Negotiated, Scan, Tls
from cutover.probes.sslyze import read
from selftest.rows import AT, HOST

RECORDED = Path(__file__).parent / "recorded"
GOOD = (RECORDED / "sslyze-good.json").read_bytes()


def recorded(name):
    return read((RECORDED / f"sslyze-{name}.json").read_bytes(), "peer")


def changed(path, value):
    """The good recording with one place of it changed, or taken out."""
    document = json.loads(GOOD)
    *way, last = path.split(".")
    place = document["server_scan_results"][0]
    for step in way:
        place = place[int(step) if step.isdigit() else step]
    if value is KeyError:
        del place[last]
    else:
        place[last] = value
    return json.dumps(document).encode()


def test_a_good_server():
    scan = recorded("good")
    names = {version: [suite.name for suite in suites] for version, suites in scan.suites.items() if suites}
    assert names == {
        "TLS 1.2": [
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
        ],
        "TLS 1.3": ["TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"],
    }
    assert tuple(scan.suites) == VERSIONS
    assert {str(suite.exchange) for suite in scan.suites["TLS 1.2"]} == {"EC 253", "EC 256", "DH 2048"}
    assert [suite.bits for suite in scan.suites["TLS 1.3"]] == [256, 256, 128]
    assert scan.keys == (Key("RSA", 2048),)
    assert scan.curves == ("X25519", "X448", "secp256r1", "secp384r1", "secp521r1")
    flaws = (scan.heartbleed, scan.ccs_injection, scan.robot, scan.compression, scan.client_renegotiation)
    assert flaws == (False,) * 5
    assert (scan.secure_renegotiation, scan.fallback_scsv, scan.extended_master_secret) == (True, True, True)
    assert (scan.tickets, scan.session_ids, scan.early_data, scan.stapled) == (True, False, False, ())
    assert scan.program == "sslyze 6.3.1"


def test_other_servers():
    assert recorded("two-certificates").keys == (Key("EC", 256), Key("RSA", 1024))
    assert recorded("stapled").stapled == ("REVOKED",)
    assert recorded("tls13-only").tickets is None
    ssl3 = recorded("ssl3")
    assert [version for version, suites in ssl3.suites.items() if suites] == list(VERSIONS[1:5])
    everything = {suite.name: suite for suite in recorded("everything").suites["TLS 1.2"]}
    assert {suite.anonymous for suite in everything.values()} == {True, False}
    refused = [suite for suite in recorded("dhe-512").suites["TLS 1.2"] if suite.exchange is None]
    assert [suite.name for suite in refused] == ["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"]
    with pytest.raises(ProbeError, match=r"peer: sslyze could not connect: .*could not find a TLS version"):
        recorded("refused")


def test_saved_and_read_back():
    tls = Tls(HOST, "192.0.2.1", AT, recorded("good"), None, Negotiated("TLS 1.2", "TLS_RSA_WITH_RC4_128_SHA"))
    kept = TypeAdapter(Tls)
    assert kept.validate_json(kept.dump_json(tls)) == tls


def test_facts_are_told_with_the_verdict():
    tls = Tls(HOST, "192.0.2.1", AT, recorded("good"), Negotiated("TLSv1.3", "TLS_AES_256_GCM_SHA384", "h2"), None)
    (evidence,) = tls.evidence
    assert evidence.asked == f"sslyze 6.3.1 of 192.0.2.1, name {HOST}"
    assert evidence.answer.splitlines()[0] == (
        "ALPN: h2, OCSP stapling: none, resumption by ticket: yes, resumption by id: no, early data: no, "
        "downgrade protection: yes, extended master secret: yes, curves: X25519 X448 secp256r1 secp384r1 secp521r1"
    )
    assert evidence.answer.splitlines()[1].startswith("TLS 1.3: TLS_CHACHA20")


FAILED = {
    "status": "ERROR",
    "error_reason": "BUG_IN_SSLYZE",
    "error_trace": "Traceback\n  x\nKeyError: 5",
    "result": None,
}


@pytest.mark.parametrize(
    ("path", "value", "cause"),
    [
        ("scan_result.tls_1_2_cipher_suites", FAILED, "could not find out about TLS 1.2: KeyError: 5"),
        ("scan_result.tls_1_2_cipher_suites", KeyError, "unknown form at .*tls_1_2_cipher_suites"),
        ("scan_result.tls_1_2_cipher_suites.result.accepted_cipher_suites.0.cipher_suite.name", "<b>", "unknown form"),
        ("scan_result.tls_1_2_cipher_suites.result.accepted_cipher_suites.0.cipher_suite.key_size", "256", "unknown"),
        ("scan_result.tls_1_2_cipher_suites.result.accepted_cipher_suites.0.cipher_suite.key_size", -1, "unknown form"),
        ("scan_result.heartbleed.result.is_vulnerable_to_heartbleed", "no", "unknown form"),
        ("scan_result.heartbleed.result.is_vulnerable_to_heartbleed", 0, "unknown form"),
        ("scan_result", None, "could not connect: it gave no reason"),
        ("connectivity_error_trace", KeyError, "unknown form"),
    ],
)
def test_what_is_not_a_whole_scan_is_a_probe_error(path, value, cause):
    with pytest.raises(ProbeError, match=cause):
        read(changed(path, value), "peer")


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("heartbleed", "heartbleed"),
        ("openssl_ccs_injection", "ccs_injection"),
        ("robot", "robot"),
        ("tls_compression", "compression"),
        ("session_renegotiation", "secure_renegotiation"),
        ("session_renegotiation", "client_renegotiation"),
        ("session_resumption", "tickets"),
        ("tls_fallback_scsv", "fallback_scsv"),
        ("tls_extended_master_secret", "extended_master_secret"),
        ("tls_1_3_early_data", "early_data"),
    ],
)
def test_what_sslyze_could_not_find_out_is_unknown(path, field):
    assert getattr(read(changed(f"scan_result.{path}", FAILED), "peer"), field) is None
    assert getattr(read(changed(f"scan_result.{path}.result", {}), "peer"), field) is None


@pytest.mark.parametrize(
    ("result", "robot"),
    [
        ("VULNERABLE_STRONG_ORACLE", True),
        ("VULNERABLE_WEAK_ORACLE", True),
        ("NOT_VULNERABLE_NO_ORACLE", False),
        ("NOT_VULNERABLE_RSA_NOT_SUPPORTED", False),
        ("UNKNOWN_INCONSISTENT_RESULTS", None),
        ("SOMETHING_NEW", None),
    ],
)
def test_robot(result, robot):
    assert read(changed("scan_result.robot.result.robot_result", result), "peer").robot is robot


def rejected(*messages):
    return [{"cipher_suite": {}, "error_message": message} for message in messages]


SILENT, REFUSED = "Connection to server timed out during the TLS handshake", "TLS alert: handshake failure"


@pytest.mark.parametrize(
    ("version", "messages", "told"),
    [
        ("ssl_2_0", [SILENT, SILENT], None),
        ("ssl_2_0", [SILENT, REFUSED], "1 of 2 handshakes of SSL 2.0 were not answered"),
        ("tls_1_2", [SILENT], "1 of 6 handshakes of TLS 1.2 were not answered"),
        ("tls_1_2", [REFUSED], None),
    ],
)
def test_a_handshake_that_was_lost_is_no_refusal(version, messages, told):
    document = changed(f"scan_result.{version}_cipher_suites.result.rejected_cipher_suites", rejected(*messages))
    if told is None:
        assert isinstance(read(document, "peer"), Scan)
    else:
        with pytest.raises(ProbeError, match=told):
            read(document, "peer")


def test_what_a_stranger_wrote_is_bounded_and_holds_no_control_codes():
    trace = "Traceback\nError: \x1b[31m" + "x" * 10_000
    document = changed("scan_result.tls_1_2_cipher_suites", FAILED | {"error_trace": trace})
    with pytest.raises(ProbeError) as caught:
        read(document, "peer")
    assert len(caught.value.cause) < 400
    assert "\x1b" not in caught.value.cause


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=20), inner, max_size=3),
    max_leaves=10,
)


def places(node, path=()):
    """Every place in a document, as the keys that lead there."""
    yield path
    for key, inner in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(inner, (*path, key))


PLACES = [path for path in places(json.loads(GOOD)) if path]


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_whatever_is_printed_is_a_probe_error(document):
    with pytest.raises(ProbeError):
        read(document, "peer")


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_a_spoilt_document_is_a_scan_or_a_probe_error(spoilt):
    document = json.loads(GOOD)
    for (*way, last), value in spoilt:
        place = document
        try:
            for step in way:
                place = place[step]
            place[last] = value
        except (KeyError, IndexError, TypeError):
            pass
    try:
        scan = read(json.dumps(document).encode(), "peer")
    except ProbeError:
        return
    assert set(scan.suites) == set(VERSIONS)


EXHAUSTING = [b"[" * 100_000, b'{"a":' * 100_000, b'{"sslyze_version": "' + b"9" * 10**6 + b'"}']


@pytest.mark.parametrize("document", EXHAUSTING, ids=["lists", "objects", "long"])
def test_what_is_made_to_exhaust_a_parser_is_a_probe_error(document):
    with pytest.raises(ProbeError):
        read(document, "peer")
