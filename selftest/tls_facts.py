"""Facts of a host whose TLS is as it should be, to be spoilt one thing at a time."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cutover.facts.certificate import Certificate, Key, Link
from cutover.facts.tls import VERSIONS, Negotiated, Scan, Suite, Tls
from selftest.rows import AT, HOST

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HSTS = ("max-age=31536000; includeSubDomains",)

X25519 = Key("EC", 253)
TLS_1_3 = (Suite("TLS_AES_256_GCM_SHA384", 256, X25519), Suite("TLS_AES_128_GCM_SHA256", 128, X25519))
TLS_1_2 = (
    Suite("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 256, X25519),
    Suite("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 128, X25519),
)
SCAN = Scan(
    program="sslyze 6.3.1",
    suites=dict.fromkeys(VERSIONS, ()) | {"TLS 1.2": TLS_1_2, "TLS 1.3": TLS_1_3},
    keys=(Key("EC", 256),),
    curves=("X25519", "secp256r1", "secp384r1"),
    heartbleed=False,
    ccs_injection=False,
    robot=False,
    compression=False,
    client_renegotiation=False,
    early_data=False,
    secure_renegotiation=True,
    fallback_scsv=True,
    extended_master_secret=True,
    tickets=True,
    session_ids=False,
    stapled=(),
)
PEER_TLS = Tls(
    host=HOST,
    address="192.0.2.1",
    at=AT,
    scan=SCAN,
    modern=Negotiated("TLSv1.3", "TLS_AES_256_GCM_SHA384", "h2"),
    generic=Negotiated("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
)
LEAF = Link(
    subject=f"CN={HOST}",
    issuer="CN=E7",
    names=(HOST,),
    not_before=NOW - 30 * DAY,
    not_after=NOW + 60 * DAY,
    fingerprint="ab" * 32,
    self_signed=False,
    signed_by_next=False,
    key=Key("EC", 256),
    digest="sha384",
    issuer_at="",
)
CERTIFICATE = Certificate(HOST, "192.0.2.1", NOW, (LEAF,), "", 0)


def scanned(**change):
    return replace(PEER_TLS, scan=replace(SCAN, **change))


def offering(generic="", **suites):
    """Suites by version (``tls_1_0``) as names, or as whole Suites; the others as they were."""
    changed = {
        name.upper().replace("_", " ", 1).replace("_", "."): tuple(
            one if isinstance(one, Suite) else Suite(one, bits(one), None) for one in those
        )
        for name, those in suites.items()
    }
    assert set(changed) <= set(VERSIONS), changed
    tls = scanned(suites=SCAN.suites | changed)
    return replace(tls, generic=Negotiated("TLS 1.2", generic)) if generic else tls


def bits(name):
    """The length of the symmetric key that stands in a suite's name."""
    known = {"AES_256": 256, "CHACHA20": 256, "_128": 128, "3DES": 168, "_DES_": 56, "DES40": 40, "NULL": 0}
    return next(length for part, length in known.items() if part in name)


def with_leaf(**change):
    return replace(CERTIFICATE, chain=(replace(LEAF, **change),))
