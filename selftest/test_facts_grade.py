"""SSL Labs' guide as a table: every cap, every score, every boundary, and what is told beside the letter."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.facts import mozilla
from cutover.facts.certificate import Key
from cutover.facts.grade import LETTERS, rate
from cutover.facts.hsts import max_age
from cutover.facts.tls import VERSIONS, Negotiated, Scan, Suite
from selftest.tls_facts import (
    CERTIFICATE,
    DAY,
    HSTS,
    LEAF,
    NOW,
    PEER_TLS,
    SCAN,
    TLS_1_2,
    TLS_1_3,
    bits,
    offering,
    scanned,
    with_leaf,
)

GCM = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
CBC = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
RSA_GCM = "TLS_RSA_WITH_AES_128_GCM_SHA256"
RC4 = "TLS_RSA_WITH_RC4_128_SHA"
DES3 = "TLS_RSA_WITH_3DES_EDE_CBC_SHA"
ROOT = replace(LEAF, subject="CN=Root", self_signed=True, digest="sha1", key=Key("RSA", 1024))


def dhe(bits):
    return Suite("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", 256, Key("DH", bits) if bits else None)


def issued(code, *links, **change):
    return replace(with_leaf(**change), chain=(replace(LEAF, **change), *links), refusal="no", refusal_code=code)


# What is changed, and all that is told of it; what is not changed is good.
TABLE = {
    "good": ({}, "A+"),
    "hsts-180-days": ({"hsts": ("max-age=15552000",)}, "A+"),
    "hsts-a-second-less": ({"hsts": ("max-age=15551999",)}, "A"),
    "hsts-missing": ({"hsts": ()}, "A-: HSTS is missing (A-)"),
    "hsts-off": ({"hsts": ("max-age=0",)}, "A-: HSTS is not valid or off (A-)"),
    "hsts-invalid": ({"hsts": ("on",)}, "A-: HSTS is not valid or off (A-)"),
    "hsts-twice": ({"hsts": HSTS * 2}, "A-: HSTS is not valid or off (A-)"),
    "hsts-unknown": ({"hsts": None}, "A"),
    "no-tls-1.3": ({"tls": offering(tls_1_3=())}, "A-: TLS 1.3 is not offered (A-)"),
    "tls-1.3-only": ({"tls": offering(tls_1_2=())}, "A+"),
    "no-secure-renegotiation": (
        {"tls": scanned(secure_renegotiation=False)},
        "A-: secure renegotiation is not supported (A-)",
    ),
    "insecure-renegotiation": (
        {"tls": scanned(secure_renegotiation=False, client_renegotiation=True)},
        "F: insecure renegotiation (F); secure renegotiation is not supported (A-)",
    ),
    "client-renegotiation": ({"tls": scanned(client_renegotiation=True)}, "A+"),
    # Protocols.
    "tls-1.1": ({"tls": offering(tls_1_1=[CBC])}, "B: TLS 1.1 is offered (B)"),
    "tls-1.0": ({"tls": offering(tls_1_0=[CBC])}, "B: TLS 1.0 is offered (B)"),
    "no-tls-1.2-nor-1.3": (
        {"tls": offering(tls_1_1=[CBC], tls_1_2=(), tls_1_3=())},
        "C: neither TLS 1.2 nor TLS 1.3 is offered (C); TLS 1.1 is offered (B); no suite is an AEAD (B); "
        "TLS 1.3 is not offered (A-)",
    ),
    "ssl-3.0-without-cbc": (
        {"tls": offering(ssl_3_0=["TLS_ECDHE_RSA_WITH_RC4_128_SHA"])},
        "B: RC4 is offered (B); SSL 3.0 is offered (B)",
    ),
    "ssl-3.0-with-cbc": (
        {"tls": offering(ssl_3_0=[CBC])},
        "C: POODLE: SSL 3.0 with CBC (C); SSL 3.0 is offered (B)",
    ),
    "ssl-3.0-only": (
        {"tls": offering(ssl_3_0=[CBC], tls_1_2=(), tls_1_3=())},
        "F: nothing newer than SSL 3.0 is offered (F); POODLE: SSL 3.0 with CBC (C); neither TLS 1.2 nor TLS 1.3 is "
        "offered (C); SSL 3.0 is offered (B); no suite is an AEAD (B); TLS 1.3 is not offered (A-)",
    ),
    "ssl-2.0": (
        {"tls": offering(ssl_2_0=["SSL_CK_IDEA_128_CBC_WITH_MD5"])},
        "F: SSL 2.0 is offered (F); 78 of 100 points (B)",
    ),
    # Keys.
    "key-2047": ({"certificate": with_leaf(key=Key("RSA", 2047))}, "B: a key is too short: RSA 2047 (B)"),
    "key-2048": ({"certificate": with_leaf(key=Key("RSA", 2048))}, "A+"),
    "key-1024": ({"certificate": with_leaf(key=Key("RSA", 1024))}, "B: a key is too short: RSA 1024 (B)"),
    "key-1023": (
        {"certificate": with_leaf(key=Key("RSA", 1023))},
        "F: a key is far too short: RSA 1023 (F); 78 of 100 points (B)",
    ),
    "key-of-224-on-a-curve": ({"certificate": with_leaf(key=Key("EC", 224))}, "A+"),
    "key-of-192-on-a-curve": ({"certificate": with_leaf(key=Key("EC", 192))}, "B: a key is too short: EC 192 (B)"),
    "key-of-nobody-knows-what": (
        {"certificate": with_leaf(key=Key("unknown", 0))},
        "F: a key is far too short: unknown 0 (F); 78 of 100 points (B)",
    ),
    "key-of-a-second-certificate": (
        {"tls": scanned(keys=(Key("EC", 256), Key("RSA", 1024)))},
        "B: a key is too short: RSA 1024 (B)",
    ),
    "dhe-2048": ({"tls": offering(tls_1_2=[GCM, dhe(2048)])}, "A+"),
    "dhe-1024": ({"tls": offering(tls_1_2=[GCM, dhe(1024)])}, "B: a key is too short: DH 1024 (B)"),
    "dhe-1023": (
        {"tls": offering(tls_1_2=[GCM, dhe(1023)])},
        "F: a key is far too short: DH 1023 (F); 78 of 100 points (B)",
    ),
    "dhe-refused-by-the-client": (
        {"tls": offering(tls_1_2=[GCM, dhe(None)])},
        "F: a key is far too short: DH below 1024 (F); 78 of 100 points (B)",
    ),
    "ecdhe-on-a-short-curve": (
        {"tls": offering(tls_1_2=[Suite(GCM, 128, Key("EC", 160))])},
        "B: a key is too short: EC 160 (B)",
    ),
    "ecdhe-without-its-key": ({"tls": offering(tls_1_2=[Suite(GCM, 128, None)])}, "A+"),
    # Suites.
    "anonymous": (
        {"tls": offering(tls_1_2=[GCM, "TLS_DH_anon_WITH_AES_128_GCM_SHA256"])},
        "F: 0 of 100 points (F); anonymous suites are offered (F)",
    ),
    "no-encryption": (
        {"tls": offering(tls_1_2=[GCM, "TLS_RSA_WITH_NULL_SHA256"])},
        "F: suites without encryption are offered (F); 77 of 100 points (B)",
    ),
    "export": (
        {"tls": offering(tls_1_2=[GCM, "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"])},
        "F: export suites are offered (F)",
    ),
    "rc4-with-tls-1.0": (
        {"tls": offering(tls_1_0=[RC4])},
        "B: RC4 is offered (B); TLS 1.0 is offered (B)",
    ),
    "rc4-with-tls-1.1": (
        {"tls": offering(tls_1_1=[RC4])},
        "C: RC4 is offered with TLS 1.1 or newer (C); RC4 is offered (B); TLS 1.1 is offered (B)",
    ),
    "rc4-with-tls-1.2": (
        {"tls": offering(tls_1_2=[GCM, RC4])},
        "C: RC4 is offered with TLS 1.1 or newer (C); RC4 is offered (B)",
    ),
    "rc4-only": (
        {"tls": offering(tls_1_2=[RC4], tls_1_3=())},
        "F: nothing but RC4 is offered (F); RC4 is offered with TLS 1.1 or newer (C); RC4 is offered (B); "
        "no suite has forward secrecy (B); no suite is an AEAD (B); TLS 1.3 is not offered (A-)",
    ),
    "three-des-never-chosen": ({"tls": offering(tls_1_2=[GCM, DES3])}, "A+"),
    "three-des-chosen": (
        {"tls": offering(generic=DES3, tls_1_2=[GCM, DES3])},
        "C: 64-bit blocks are preferred (C); a suite without forward secrecy is preferred (B)",
    ),
    "three-des-chosen-in-tls-1.0": (
        {"tls": replace(offering(tls_1_0=[DES3], tls_1_2=()), generic=Negotiated("TLS 1.0", DES3))},
        "B: 79.5 of 100 points (B); TLS 1.0 is offered (B); a suite without forward secrecy is preferred (B)",
    ),
    "three-des-beside-128-bits": (
        {"tls": offering(tls_1_2=[GCM, DES3], tls_1_3=())},
        "B: 77 of 100 points (B); TLS 1.3 is not offered (A-)",
    ),
    "no-aead": (
        {"tls": offering(tls_1_2=[CBC], tls_1_3=())},
        "B: no suite is an AEAD (B); TLS 1.3 is not offered (A-)",
    ),
    "no-aead-below-tls-1.3": ({"tls": offering(tls_1_2=[CBC])}, "A+"),
    "ccm-is-an-aead": (
        {"tls": offering(tls_1_2=["TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"], tls_1_3=())},
        "A-: TLS 1.3 is not offered (A-)",
    ),
    "no-forward-secrecy": (
        {"tls": offering(generic=RSA_GCM, tls_1_2=[RSA_GCM], tls_1_3=())},
        "B: no suite has forward secrecy (B); TLS 1.3 is not offered (A-)",
    ),
    "no-forward-secrecy-preferred": (
        {"tls": offering(generic=RSA_GCM, tls_1_2=[GCM, RSA_GCM])},
        "B: a suite without forward secrecy is preferred (B)",
    ),
    "no-forward-secrecy-offered-last": ({"tls": offering(generic=GCM, tls_1_2=[GCM, RSA_GCM])}, "A+"),
    "static-ecdh": (
        {"tls": offering(generic="TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256")},
        "B: a suite without forward secrecy is preferred (B)",
    ),
    "nobody-answers-the-generic-client": ({"tls": replace(PEER_TLS, generic=None)}, "A+"),
    # Flaws.
    "heartbleed": ({"tls": scanned(heartbleed=True)}, "F: Heartbleed (F)"),
    "ccs-injection": ({"tls": scanned(ccs_injection=True)}, "F: OpenSSL CCS injection (F)"),
    "robot": ({"tls": scanned(robot=True)}, "F: ROBOT (F)"),
    "compression": ({"tls": scanned(compression=True)}, "C: CRIME: TLS compression (C)"),
    # The certificate.
    "other-name": (
        {"certificate": with_leaf(names=("www.example.com",))},
        "M (A+ without that): the certificate is for another name (M)",
    ),
    "name-refused": (
        {"certificate": issued(62)},
        "M (A+ without that): the certificate is for another name (M)",
    ),
    "expired": (
        {"certificate": with_leaf(not_after=NOW)},
        "T (A+ without that): a certificate is out of its time (T)",
    ),
    "not-yet-valid": (
        {"certificate": with_leaf(not_before=NOW + DAY)},
        "T (A+ without that): a certificate is out of its time (T)",
    ),
    "self-signed": (
        {"certificate": issued(18, self_signed=True)},
        "T (A+ without that): the certificate is not trusted: self-signed (T)",
    ),
    "unknown-root": (
        {"certificate": issued(19, ROOT, signed_by_next=True)},
        "T (A+ without that): the certificate is not trusted: unknown root (T)",
    ),
    "unknown-issuer": (
        {"certificate": issued(20)},
        "T (A+ without that): the certificate is not trusted: unknown issuer (T)",
    ),
    "refused": (
        {"certificate": issued(26)},
        "T (A+ without that): the certificate is not trusted: refused (T)",
    ),
    "incomplete": (
        {"certificate": issued(20, issuer_at="http://e7.example.com/")},
        "B: the chain is incomplete (B)",
    ),
    "sha1": (
        {"certificate": with_leaf(digest="sha1")},
        "T (A+ without that): a certificate is signed with SHA-1 (T)",
    ),
    "sha1-of-the-root": ({"certificate": replace(CERTIFICATE, chain=(LEAF, ROOT))}, "A+"),
    "md5": ({"certificate": with_leaf(digest="md5")}, "F: a certificate is signed with MD5 or older (F)"),
    "revoked": (
        {"tls": scanned(stapled=("REVOKED",))},
        "T (A+ without that): the certificate is revoked (T)",
    ),
    "other-name-and-untrusted-and-old": (
        {"tls": offering(tls_1_0=[CBC]), "certificate": issued(20, names=("www.example.com",))},
        "T (B without that): the certificate is not trusted: unknown issuer (T); "
        "the certificate is for another name (M); TLS 1.0 is offered (B)",
    ),
    "certificate-unknown": ({"certificate": None}, "A+"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "told"), TABLE.values(), ids=TABLE)
def test_grade(changed, told):
    given = {"tls": PEER_TLS, "certificate": CERTIFICATE, "hsts": HSTS} | changed
    assert rate(**given).told == told
    assert rate(**given).is_good == (told in ("A+", "A"))


NULL = "TLS_RSA_WITH_NULL_SHA256"
AES_256, AES_128 = "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"
STRONG = Key("RSA", 4096)

# The versions, the key, the suites, and the three scores with their sum, and the letter of that.
SCORES = {
    "best": (["TLS 1.2", "TLS 1.3"], STRONG, [AES_256], (100, 100, 100, 100), "A"),
    "usual": (["TLS 1.2", "TLS 1.3"], Key("RSA", 2048), [AES_256, AES_128], (100, 90, 90, 93), "A"),
    "ssl-2": (["SSL 2.0", "TLS 1.2"], STRONG, [AES_256], (50, 100, 100, 85), "A"),
    "ssl-2-only": (["SSL 2.0"], STRONG, [AES_256], (0, 100, 100, 0), "F"),
    "ssl-3": (["SSL 3.0", "TLS 1.3"], STRONG, [AES_256], (90, 100, 100, 97), "A"),
    "tls-1.0": (["TLS 1.0", "TLS 1.2"], STRONG, [AES_256], (95, 100, 100, 98.5), "A"),
    "tls-1.1": (["TLS 1.1", "TLS 1.2"], STRONG, [AES_256], (97.5, 100, 100, 99.25), "A"),
    "key-4095": (["TLS 1.3"], Key("RSA", 4095), [AES_256], (100, 90, 100, 97), "A"),
    "key-2047": (["TLS 1.3"], Key("RSA", 2047), [AES_256], (100, 80, 100, 94), "A"),
    "key-1023": (["TLS 1.3"], Key("RSA", 1023), [AES_256], (100, 40, 100, 82), "A"),
    "key-511": (["TLS 1.3"], Key("RSA", 511), [AES_256], (100, 20, 100, 76), "B"),
    "p-256": (["TLS 1.3"], Key("EC", 256), [AES_256], (100, 90, 100, 97), "A"),
    "p-384": (["TLS 1.3"], Key("EC", 384), [AES_256], (100, 100, 100, 100), "A"),
    "p-521": (["TLS 1.3"], Key("EC", 521), [AES_256], (100, 100, 100, 100), "A"),
    "ed25519": (["TLS 1.3"], Key("Ed25519", 256), [AES_256], (100, 90, 100, 97), "A"),
    "128-bits": (["TLS 1.3"], STRONG, [AES_128], (100, 100, 80, 92), "A"),
    "anonymous": (["TLS 1.2"], STRONG, ["TLS_DH_anon_WITH_AES_128_CBC_SHA"], (100, 0, 80, 0), "F"),
    "nothing-secret": (["TLS 1.3"], STRONG, [NULL], (100, 100, 0, 0), "F"),
    "half-secret": (["TLS 1.3"], STRONG, [AES_256, NULL], (100, 100, 50, 80), "A"),
    "exactly-80": (["TLS 1.3"], STRONG, [AES_128, DES3], (100, 100, 50, 80), "A"),
    "below-80": (["TLS 1.1", "TLS 1.3"], STRONG, [AES_128, DES3], (97.5, 100, 50, 79.25), "B"),
    "exactly-65": (["TLS 1.3"], Key("RSA", 2048), [DES3], (100, 90, 20, 65), "B"),
    "below-65": (["TLS 1.1", "TLS 1.3"], Key("RSA", 2048), [DES3], (97.5, 90, 20, 64.25), "C"),
    "exactly-50": (["TLS 1.3"], Key("RSA", 1023), [DES3], (100, 40, 20, 50), "C"),
    "below-50": (["TLS 1.1", "TLS 1.3"], Key("RSA", 1023), [DES3], (97.5, 40, 20, 49.25), "D"),
    "exactly-35": (["SSL 2.0", "TLS 1.3"], Key("RSA", 1023), [DES3], (50, 40, 20, 35), "D"),
    "below-35": (["SSL 2.0", "TLS 1.1"], Key("RSA", 1023), [DES3], (47.5, 40, 20, 34.25), "E"),
    "least-but-none": (["SSL 2.0", "SSL 3.0"], Key("RSA", 511), [DES3, NULL], (40, 20, 10, 22), "E"),
}


@pytest.mark.parametrize(("versions", "key", "names", "scores", "letter"), SCORES.values(), ids=SCORES)
def test_scores(versions, key, names, scores, letter):
    suites = tuple(Suite(name, bits(name), None) for name in names)
    offered = dict.fromkeys(VERSIONS, ()) | dict.fromkeys(versions, suites)
    grade = rate(scanned(suites=offered, keys=(key,)), None, HSTS)
    assert (grade.protocols, grade.key_exchange, grade.ciphers, grade.score) == scores
    told = [cap.letter for cap in grade.caps if cap.reason == f"{scores[3]:g} of 100 points"]
    assert told == ([letter] if letter != "A" else [])
    assert LETTERS.index(grade.letter) >= LETTERS.index(letter) or grade.letter == "A+"


def test_what_could_not_be_found_out_is_told():
    unknown = ("heartbleed", "ccs_injection", "robot", "compression", "secure_renegotiation")
    grade = rate(scanned(**dict.fromkeys(unknown)), None, None)
    assert grade.unknown == (
        *("the certificate", "HSTS", "Heartbleed", "OpenSSL CCS injection", "ROBOT", "compression", "renegotiation"),
    )
    assert rate(PEER_TLS, CERTIFICATE, HSTS).unknown == ()


@pytest.mark.parametrize(
    ("tls", "untested"),
    [
        (scanned(tickets=False), ("Debian's weak keys", "revocation")),
        (PEER_TLS, ("Debian's weak keys", "revocation", "Ticketbleed")),
        (scanned(stapled=("GOOD",)), ("Debian's weak keys", "Ticketbleed")),
        (
            scanned(keys=(Key("RSA", 2048),), tickets=False),
            ("Debian's weak keys", "revocation", "DROWN by another host with the same key"),
        ),
        (
            offering(tls_1_2=[CBC]),
            (
                "Debian's weak keys",
                "revocation",
                "Ticketbleed",
                "padding oracles (POODLE over TLS, GOLDENDOODLE and kin, CVE-2016-2107)",
            ),
        ),
    ],
    ids=["aead", "tickets", "stapled", "rsa", "cbc"],
)
def test_what_is_not_tested_is_told(tls, untested):
    assert rate(tls, CERTIFICATE, HSTS).untested == untested


def test_what_stands_beside_the_letter():
    grade = rate(offering(tls_1_0=[CBC]), CERTIFICATE, HSTS)
    assert grade.details == (
        "protocols 95, key exchange 90, ciphers 90: 91.5 of 100; Mozilla Intermediate 5.7: offers TLS 1.0; "
        "not tested: Debian's weak keys, revocation, Ticketbleed, "
        "padding oracles (POODLE over TLS, GOLDENDOODLE and kin, CVE-2016-2107)"
    )
    assert "Mozilla Intermediate 5.7: yes;" in rate(PEER_TLS, CERTIFICATE, HSTS).details


@pytest.mark.parametrize(
    ("tls", "told"),
    [
        (PEER_TLS, ()),
        (offering(tls_1_1=[CBC]), ("offers TLS 1.1",)),
        (offering(tls_1_3=()), ("does not offer TLS 1.3",)),
        (offering(tls_1_2=[*TLS_1_2, CBC]), (f"1 other suites, such as {CBC}",)),
        (offering(tls_1_3=[*TLS_1_3, "TLS_AES_128_CCM_SHA256"]), ("1 other suites, such as TLS_AES_128_CCM_SHA256",)),
        (offering(tls_1_2=[dhe(2048)]), ()),
        (offering(tls_1_2=[dhe(1024)]), ("Diffie-Hellman of 1024 bits",)),
        (scanned(curves=("X25519", "X448", "secp521r1")), ("other curves: X448, secp521r1",)),
        (scanned(keys=(Key("RSA", 2048), Key("EC", 384))), ()),
        (scanned(keys=(Key("EC", 521),)), ("a key of EC 521",)),
        (scanned(keys=(Key("RSA", 1024),)), ("a key of RSA 1024",)),
    ],
)
def test_mozilla_intermediate(tls, told):
    assert mozilla.deviations(tls) == told


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (HSTS, 31_536_000),
        (("MAX-AGE=1",), 1),
        (('max-age="60"',), 60),
        ((" max-age = 60 ; ; preload",), 60),
        (("max-age=0",), 0),
        (("max-age=60; x=\"y\"",), 60),
        ((), None),
        (("max-age=60", "max-age=60"), None),
        (("max-age=60; max-age=60",), None),
        (("max-age=60; preload; PRELOAD",), None),
        (("max-age=60, max-age=60",), None),
        (("max-age=-1",), None),
        (("max-age=1.5",), None),
        (("max-age",), None),
        (('max-age="60',), None),
        (("max-age=1d",), None),
        (("max-age=" + "9" * 4400,), None),
        (("includeSubDomains",), None),
        (("",), None),
    ],
)  # fmt: skip
def test_hsts(headers, seconds):
    assert max_age(headers) == seconds


SUITES = st.lists(
    st.builds(
        Suite,
        st.from_regex(r"[A-Z0-9_]{1,30}|TLS_(ECDHE_|DHE_|DH_anon_)?RSA_WITH_(AES|RC4|3DES|NULL)", fullmatch=True),
        st.integers(0, 1_000_000),
        st.none() | st.builds(Key, st.sampled_from(["EC", "DH", "?"]), st.integers(0, 1_000_000)),
    ),
    max_size=3,
).map(tuple)


@given(
    st.fixed_dictionaries(dict.fromkeys(VERSIONS, SUITES)),
    st.lists(st.builds(Key, st.sampled_from(["RSA", "EC", "DSA", ""]), st.integers(0, 1_000_000)), max_size=3),
    st.sampled_from([None, CERTIFICATE]),
    st.none() | st.lists(st.text(max_size=60), max_size=2).map(tuple),
    st.none() | st.builds(Negotiated, st.sampled_from(VERSIONS), st.text(max_size=20)),
)
def test_whatever_was_seen_gets_one_grade(suites, keys, certificate, hsts, generic):
    tls = replace(PEER_TLS, scan=replace(SCAN, suites=suites, keys=tuple(keys)), generic=generic)
    grade = rate(tls, certificate, hsts)
    assert grade.letter in LETTERS
    assert 0 <= grade.score <= 100
    assert grade.told.startswith(grade.letter)
    if grade.is_good:
        assert not {"SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1"} & set(tls.offered)
        assert not any(suite.anonymous or suite.rc4 or suite.export or suite.strength == 0 for suite in tls.suites())
    assert tls.evidence[0].asked


def test_every_finding_of_a_scan_is_used():
    """A field that neither counts nor is told would be a question asked for nothing."""
    told = {
        *("program", "early_data", "fallback_scsv", "extended_master_secret", "tickets", "session_ids", "curves"),
        *("suites", "stapled"),
    }
    spoilt = {"keys": (Key("RSA", 512),)} | dict.fromkeys(("heartbleed", "ccs_injection", "robot", "compression"), True)
    before = rate(PEER_TLS, None, HSTS)
    for name, value in spoilt.items():
        assert rate(scanned(**{name: value}), None, HSTS).letter != before.letter
    renegotiation = {"client_renegotiation", "secure_renegotiation"}
    assert {field.name for field in fields(Scan)} == told | set(spoilt) | renegotiation
