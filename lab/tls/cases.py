"""The catalogue: each case with the grade it must get, and the checks that must fail or cannot look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

GRADE = "tls_grade_is_a_or_better"
TRUST = "chain_leads_to_a_trusted_root"
ORDER = "chain_is_in_order"
NAME = "certificate_is_for_this_name"
VALID = "certificate_is_valid_now"
RENEWED = "certificate_was_renewed_in_time"
KEYS = "certificate_keys_are_long_enough"
SIGNATURES = "certificate_signatures_are_sound"
SAME = "certificate_is_the_same_on_all_addresses"
HSTS = "hsts_on_every_https_surface"
OF_THE_CERTIFICATE = {TRUST, ORDER, NAME, VALID, RENEWED, KEYS, SIGNATURES, SAME}

NO_GRADE = "-"

GCM = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
TEMPLATE = f"{GCM}:DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384"
YEAR = "max-age=31536000; includeSubDomains"


@dataclass(frozen=True)
class Yesterday:
    """What tlslite-ng serves: versions by their minor number (0 is SSL 3.0), and its own words for the rest.

    ``dh`` is a file of parameters.
    """

    versions: tuple[int, int]
    ciphers: tuple[str, ...]
    exchanges: tuple[str, ...] = ("rsa", "ecdhe_rsa")
    dh: str = ""


@dataclass(frozen=True)
class Case:
    """One server: what it presents, by whom it is served, and what the suite must say of it."""

    name: str
    grade: str
    fails: frozenset[str]
    errors: frozenset[str] = frozenset()
    chain: str = "ec"
    # Of nginx: the two settings that matter, and lines beside them.
    protocols: str = "TLSv1.2 TLSv1.3"
    ciphers: str = GCM
    hsts: tuple[str, ...] = (YEAR,)
    lines: str = ""
    # Or of tlslite-ng in its place.
    yesterday: Yesterday | None = None


def case(name: str, grade: str, *, fails: Iterable[str] = (), errors: Iterable[str] = (), **how: object) -> Case:
    """A row; that the grade fails goes without saying."""
    bad = {GRADE} if grade not in ("A+", "A", NO_GRADE) else set()
    return Case(name, grade, frozenset({*fails} | bad), frozenset(errors), **how)  # type: ignore[arg-type]


LEGACY = "@SECLEVEL=0"
OLD = f"DEFAULT:{LEGACY}"
CBC = "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA384:ECDHE-RSA-AES128-SHA"

CASES = (
    # As it should be.
    case("good", "A+"),
    case("template", "A+", chain="rsa", ciphers=TEMPLATE, lines="ssl_dhparam dh2048.pem;"),
    case("rsa-3072", "A+", chain="rsa-3072"),
    case("root-sent", "A+", chain="with-root"),
    case("without-intermediate", "A+", chain="by-root"),
    case("wildcard", "A+", chain="wildcard"),
    case("tls13-only", "A+", protocols="TLSv1.3"),
    case("stapled", "A+", lines="ssl_stapling on; ssl_stapling_file good.ocsp;"),
    case("three-des-not-built-in", "A+", ciphers=f"{GCM}:DES-CBC3-SHA"),
    # The certificate.
    case("expired", "T", chain="expired", fails={VALID, RENEWED}, errors={HSTS}),
    case("not-yet-valid", "T", chain="not-yet-valid", fails={VALID}, errors={HSTS}),
    case("late", "A+", chain="late", fails={RENEWED}),
    case("expired-intermediate", "T", chain="expired-intermediate", fails={VALID}, errors={HSTS}),
    case("wrong-host", "M", chain="wrong-name", fails={NAME}, errors={HSTS}),
    case("name-in-subject-only", "M", chain="no-name", fails={NAME}, errors={HSTS}),
    case("self-signed", "T", chain="self-signed", fails={TRUST}, errors={HSTS}),
    case("unknown-root", "T", chain="unknown-root", fails={TRUST}, errors={HSTS}),
    case("unknown-root-sent", "T", chain="unknown-root-sent", fails={TRUST}, errors={HSTS}),
    case("incomplete-chain", "B", chain="incomplete", fails={TRUST}, errors={HSTS}),
    case("incomplete-or-unknown", "T", chain="incomplete-or-unknown", fails={TRUST}, errors={HSTS}),
    case("wrong-intermediate", "B", chain="wrong-intermediate", fails={TRUST, ORDER}, errors={HSTS}),
    case("reversed-chain", "A+", chain="out-of-order", fails={ORDER}),
    case("not-an-authority", "T", chain="not-an-authority", fails={TRUST}, errors={HSTS}),
    case("sha1", "T", chain="sha1", ciphers=f"{GCM}:{LEGACY}", fails={SIGNATURES}, errors={HSTS}),
    case(
        "sha1-intermediate",
        "T",
        chain="sha1-intermediate",
        ciphers=f"{GCM}:{LEGACY}",
        fails={SIGNATURES},
        errors={HSTS},
    ),
    case("md5", "F", chain="md5", ciphers=f"{GCM}:{LEGACY}", fails={SIGNATURES}, errors={HSTS}),
    case("rsa-1024", "B", chain="rsa-1024", ciphers=f"{GCM}:{LEGACY}", fails={KEYS}, errors={HSTS}),
    case(
        "rsa-1024-beside-ec",
        "B",
        ciphers=f"{GCM}:{LEGACY}",
        lines="ssl_certificate rsa-1024.pem; ssl_certificate_key rsa-1024.key;",
    ),
    case("revoked", "T", lines="ssl_stapling on; ssl_stapling_file revoked.ocsp;"),
    # HSTS.
    case("hsts-short", "A", hsts=("max-age=86400; includeSubDomains",), fails={HSTS}),
    case("hsts-half-a-year", "A+", hsts=("max-age=15552000; includeSubDomains",), fails={HSTS}),
    case("hsts-missing", "A-", hsts=(), fails={HSTS}),
    case("hsts-off", "A-", hsts=("max-age=0",), fails={HSTS}),
    case("hsts-invalid", "A-", hsts=("max-age=one-year",), fails={HSTS}),
    case("hsts-twice", "A-", hsts=(YEAR, YEAR), fails={HSTS}),
    # Protocols.
    case("tls12-only", "A-", protocols="TLSv1.2"),
    case("tls11-only", "C", chain="rsa", protocols="TLSv1.1", ciphers=OLD, errors={HSTS}),
    case("tls10-only", "C", chain="rsa", protocols="TLSv1", ciphers=OLD, errors={HSTS}),
    case("tls10-and-11", "C", chain="rsa", protocols="TLSv1 TLSv1.1", ciphers=OLD, errors={HSTS}),
    case("tls11-beside-12", "B", chain="rsa", protocols="TLSv1.1 TLSv1.2 TLSv1.3", ciphers=OLD),
    case("tls10-beside-12", "B", chain="rsa", protocols="TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", ciphers=OLD),
    case(
        "ssl3-only",
        "F",
        yesterday=Yesterday((0, 0), ("aes128", "3des"), ("rsa",)),
        errors=OF_THE_CERTIFICATE | {HSTS},
    ),
    case("ssl3-beside-12", "C", yesterday=Yesterday((0, 3), ("aes128gcm", "aes128"))),
    # Suites.
    # Nobody's client agrees to that, nor does sslyze's.
    case(
        "anonymous-only",
        NO_GRADE,
        protocols="TLSv1.2",
        ciphers=f"aNULL:{LEGACY}",
        errors=OF_THE_CERTIFICATE | {HSTS, GRADE},
    ),
    case("anonymous-beside", "F", chain="rsa", ciphers=f"{GCM}:aNULL:{LEGACY}"),
    case("no-encryption", "F", chain="rsa", ciphers=f"{GCM}:eNULL:!aNULL:{LEGACY}"),
    case("no-aead", "B", chain="rsa", protocols="TLSv1.2", ciphers=CBC),
    case("no-aead-beside-13", "A+", chain="rsa", ciphers=CBC),
    case(
        "no-forward-secrecy",
        "B",
        chain="rsa",
        protocols="TLSv1.2",
        ciphers="AES128-GCM-SHA256:AES256-GCM-SHA384",
    ),
    case(
        "forward-secrecy-not-preferred",
        "B",
        chain="rsa",
        ciphers=f"AES128-GCM-SHA256:{GCM}",
        lines="ssl_prefer_server_ciphers on;",
    ),
    case("no-forward-secrecy-below-13", "B", chain="rsa", ciphers="AES128-GCM-SHA256"),
    case("rsa-exchange-offered-last", "A+", chain="rsa", ciphers=f"{GCM}:AES128-GCM-SHA256"),
    case(
        "dhe-1024",
        "B",
        chain="rsa",
        protocols="TLSv1.2",
        ciphers=f"DHE-RSA-AES128-GCM-SHA256:{LEGACY}",
        lines="ssl_dhparam dh1024.pem;",
        errors={HSTS},
    ),
    case("dhe-1024-beside", "B", chain="rsa", ciphers=f"{TEMPLATE}:{LEGACY}", lines="ssl_dhparam dh1024.pem;"),
    case(
        "dhe-512-beside",
        "F",
        yesterday=Yesterday((3, 3), ("aes128gcm",), ("ecdhe_rsa", "dhe_rsa"), "dh512.pem"),
    ),
    case("rc4-only", "F", yesterday=Yesterday((1, 3), ("rc4",), ("rsa",)), errors=OF_THE_CERTIFICATE | {HSTS}),
    case("rc4-beside", "C", yesterday=Yesterday((3, 3), ("aes128gcm", "rc4"))),
    case("rc4-with-tls10", "C", yesterday=Yesterday((1, 1), ("aes128", "rc4"), ("ecdhe_rsa",)), errors={HSTS}),
    case("three-des-only", "C", yesterday=Yesterday((3, 3), ("3des",)), errors=OF_THE_CERTIFICATE | {HSTS}),
    case("three-des-last", "A-", yesterday=Yesterday((3, 3), ("aes256gcm", "aes128gcm", "3des"))),
    case("three-des-beside-128-bits", "B", yesterday=Yesterday((3, 3), ("aes128gcm", "3des"))),
)
