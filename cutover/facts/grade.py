"""The grade by SSL Labs' rating guide, version 2009r (May 2025), worked out from what was seen from here.

SSL Labs itself cannot look at an address before DNS leads to it. What it tests beside this is told as untested.
Where the guide speaks of its reference browsers, the generic client of ``Tls`` stands for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from cutover.facts import mozilla
from cutover.facts.certificate import Certificate, Key
from cutover.facts.evidence import Evidence
from cutover.facts.hsts import max_age
from cutover.facts.tls import Suite, Tls

S = TypeVar("S", int, str)

LETTERS = ("A+", "A", "A-", "B", "C", "D", "E", "F", "M", "T")  # each worse than the one before
GOOD = ("A+", "A")
LONG_HSTS = 180 * 24 * 3600

PROTOCOL_POINTS = {"SSL 2.0": 0, "SSL 3.0": 80, "TLS 1.0": 90, "TLS 1.1": 95, "TLS 1.2": 100, "TLS 1.3": 100}
KEY_POINTS = {4096: 100, 2048: 90, 1024: 80, 512: 40, 0: 20}  # from so many bits of RSA on
CIPHER_POINTS = {256: 100, 128: 80, 1: 20, 0: 0}
LETTER_POINTS = {80: "A", 65: "B", 50: "C", 35: "D", 20: "E", 0: "F"}

# sslyze's own client refuses Diffie-Hellman that is shorter than 1024 bits, and tells no length then.
REFUSED = Key("DH", 512)


@dataclass(frozen=True, slots=True)
class Cap:
    """Why the grade is not better than this letter."""

    letter: str
    reason: str


@dataclass(frozen=True, slots=True)
class Grade:
    """The letter, the three scores and their sum by the guide's weights (0 to 100), and what capped it.

    ``untrusted`` is the letter with trust and name left aside. ``unknown`` would count and could not be found
    out; ``untested`` is what this program does not test. ``deviations`` are from Mozilla's Intermediate.
    """

    letter: str
    untrusted: str
    protocols: float
    key_exchange: float
    ciphers: float
    score: float
    caps: tuple[Cap, ...]
    unknown: tuple[str, ...]
    untested: tuple[str, ...]
    deviations: tuple[str, ...]
    address: str
    evidence: tuple[Evidence, ...]

    @property
    def is_good(self) -> bool:
        """Whether it is A or better."""
        return self.letter in GOOD

    @property
    def told(self) -> str:
        """The letter and what it comes from, the worst first."""
        letter = self.letter if self.letter == self.untrusted else f"{self.letter} ({self.untrusted} without that)"
        reasons = "; ".join(f"{cap.reason} ({cap.letter})" for cap in self.caps)
        return f"{letter}: {reasons}" if reasons else letter

    @property
    def details(self) -> str:
        """The scores, and what is told beside the grade."""
        parts = [
            f"protocols {self.protocols:g}, key exchange {self.key_exchange:g}, ciphers {self.ciphers:g}: "
            f"{self.score:g} of 100",
            f"{mozilla.NAME}: {', '.join(self.deviations) or 'yes'}",
            f"not tested: {', '.join((*self.unknown, *self.untested))}",
        ]
        return "; ".join(parts)


def rate(tls: Tls, certificate: Certificate | None, hsts: tuple[str, ...] | None) -> Grade:
    """The grade; ``certificate`` and ``hsts`` (the header of ``/``, as often as sent) are None when nobody knows."""
    protocols = [PROTOCOL_POINTS[version] for version in tls.offered]
    suites = tls.suites()
    strengths = [suite.strength for suite in suites]
    # Without any of them, nothing was agreed on at all.
    points_of_protocols = (max(protocols, default=0) + min(protocols, default=0)) / 2
    points_of_keys = 0 if any(suite.anonymous for suite in suites) else _step(KEY_POINTS, _weakest(tls, certificate))
    points_of_ciphers = (
        _step(CIPHER_POINTS, max(strengths, default=0)) + _step(CIPHER_POINTS, min(strengths, default=0))
    ) / 2
    scores = (points_of_protocols, points_of_keys, points_of_ciphers)
    score = round(0.3 * scores[0] + 0.3 * scores[1] + 0.4 * scores[2], 2) if all(scores) else 0.0
    by_score = Cap(_step(LETTER_POINTS, score), f"{score:g} of 100 points")
    caps = sorted(
        {by_score, *_trust(certificate, tls), *_configuration(tls, certificate), *_headers(hsts)}
        - {Cap("A", by_score.reason)},
        key=lambda cap: (-LETTERS.index(cap.letter), cap.reason),
    )
    untrusted = _worst(["A", *(cap.letter for cap in caps if cap.letter not in ("M", "T"))])
    if untrusted == "A" and (max_age(hsts or ()) or 0) >= LONG_HSTS:
        untrusted = "A+"
    return Grade(
        letter=_worst([untrusted, *(cap.letter for cap in caps)]),
        untrusted=untrusted,
        protocols=scores[0],
        key_exchange=scores[1],
        ciphers=scores[2],
        score=score,
        caps=tuple(caps),
        unknown=tuple(_unknown(tls, certificate, hsts)),
        untested=tuple(_untested(tls)),
        deviations=mozilla.deviations(tls),
        address=tls.address,
        evidence=tls.evidence,
    )


def _step(steps: dict[int, S], value: float) -> S:
    """What the highest step that is reached holds."""
    return next(held for least, held in steps.items() if value >= least)


def _worst(letters: list[str]) -> str:
    return max(letters, key=LETTERS.index)


def _keys(tls: Tls, certificate: Certificate | None) -> set[Key]:
    return {*tls.scan.keys, *([certificate.leaf.key] if certificate else [])}


def _exchanges(tls: Tls) -> set[Key]:
    """The ephemeral keys; of a suite with DHE whose key was refused, one that is short."""
    hidden = {REFUSED for suite in tls.suites() if suite.exchange is None and "_DHE_" in suite.name}
    return hidden | {suite.exchange for suite in tls.suites() if suite.exchange}


def _weakest(tls: Tls, certificate: Certificate | None) -> int:
    return min((key.strength for key in _keys(tls, certificate) | _exchanges(tls)), default=0)


def _trust(certificate: Certificate | None, tls: Tls) -> Iterator[Cap]:
    if "REVOKED" in tls.scan.stapled:
        yield Cap("T", "the certificate is revoked")
    if certificate is None:
        return
    if certificate.trust == "incomplete":
        yield Cap("B", "the chain is incomplete")
    elif certificate.trust != "trusted":
        yield Cap("T", f"the certificate is not trusted: {certificate.trust}")
    if not certificate.in_time:
        yield Cap("T", "a certificate is out of its time")
    if not certificate.for_host:
        yield Cap("M", "the certificate is for another name")
    digests = {link.digest for link in certificate.relied_on}
    if "sha1" in digests:
        yield Cap("T", "a certificate is signed with SHA-1")
    if digests & {"md2", "md4", "md5"}:
        yield Cap("F", "a certificate is signed with MD5 or older")


def _configuration(tls: Tls, certificate: Certificate | None) -> Iterator[Cap]:
    scan, offered, suites = tls.scan, set(tls.offered), tls.suites()
    recent = tls.suites("TLS 1.1", "TLS 1.2", "TLS 1.3")
    preferred = Suite(tls.generic.suite, 0, None) if tls.generic else None
    newer = tls.generic is not None and tls.generic.version not in ("SSL 3.0", "TLS 1.0")
    shortest = _weakest(tls, certificate)
    short = ", ".join(sorted(str(key) for key in _keys(tls, certificate) | _exchanges(tls) if key.strength < 2048))
    short = short.replace(str(REFUSED), "DH below 1024")
    rules = [
        ("F", "SSL 2.0" in offered, "SSL 2.0 is offered"),
        ("F", offered <= {"SSL 2.0", "SSL 3.0"}, "nothing newer than SSL 3.0 is offered"),
        ("F", scan.client_renegotiation and scan.secure_renegotiation is False, "insecure renegotiation"),
        ("F", shortest < 1024, f"a key is far too short: {short}"),
        ("F", any(suite.anonymous for suite in suites), "anonymous suites are offered"),
        ("F", any(suite.strength == 0 for suite in suites), "suites without encryption are offered"),
        ("F", any(suite.export for suite in suites), "export suites are offered"),
        ("F", bool(suites) and all(suite.rc4 for suite in suites), "nothing but RC4 is offered"),
        ("F", scan.heartbleed, "Heartbleed"),
        ("F", scan.ccs_injection, "OpenSSL CCS injection"),
        ("F", scan.robot, "ROBOT"),
        ("C", not offered & {"TLS 1.2", "TLS 1.3"}, "neither TLS 1.2 nor TLS 1.3 is offered"),
        ("C", any(suite.rc4 for suite in recent), "RC4 is offered with TLS 1.1 or newer"),
        ("C", any(suite.cbc for suite in tls.suites("SSL 3.0")), "POODLE: SSL 3.0 with CBC"),
        ("C", scan.compression, "CRIME: TLS compression"),
        ("C", preferred and newer and preferred.small_blocks, "64-bit blocks are preferred"),
        ("B", 1024 <= shortest < 2048, f"a key is too short: {short}"),
        ("B", "SSL 3.0" in offered, "SSL 3.0 is offered"),
        ("B", any(suite.rc4 for suite in suites), "RC4 is offered"),
        ("B", not any(suite.authenticated for suite in suites), "no suite is an AEAD"),
        ("B", "TLS 1.0" in offered, "TLS 1.0 is offered"),
        ("B", "TLS 1.1" in offered, "TLS 1.1 is offered"),
        ("A-", "TLS 1.3" not in offered, "TLS 1.3 is not offered"),
        ("A-", scan.secure_renegotiation is False, "secure renegotiation is not supported"),
    ]
    if not any(suite.ephemeral for suite in suites):
        rules.append(("B", True, "no suite has forward secrecy"))
    elif preferred and not preferred.ephemeral:
        rules.append(("B", True, "a suite without forward secrecy is preferred"))
    yield from (Cap(letter, reason) for letter, applies, reason in rules if applies)


def _headers(hsts: tuple[str, ...] | None) -> Iterator[Cap]:
    if hsts == ():
        yield Cap("A-", "HSTS is missing")
    elif hsts is not None and not max_age(hsts):
        yield Cap("A-", "HSTS is not valid or off")


def _unknown(tls: Tls, certificate: Certificate | None, hsts: tuple[str, ...] | None) -> Iterator[str]:
    scan = tls.scan
    found = {
        "the certificate": certificate,
        "HSTS": hsts,
        "Heartbleed": scan.heartbleed,
        "OpenSSL CCS injection": scan.ccs_injection,
        "ROBOT": scan.robot,
        "compression": scan.compression,
        "renegotiation": scan.secure_renegotiation,
    }
    yield from (name for name, value in found.items() if value is None)


def _untested(tls: Tls) -> Iterator[str]:
    yield "Debian's weak keys"
    if not tls.scan.stapled:
        yield "revocation"
    if any(key.kind == "RSA" for key in tls.scan.keys):
        yield "DROWN by another host with the same key"
    if tls.scan.tickets:
        yield "Ticketbleed"
    if any(suite.cbc for suite in tls.suites("TLS 1.0", "TLS 1.1", "TLS 1.2")):
        yield "padding oracles (POODLE over TLS, GOLDENDOODLE and kin, CVE-2016-2107)"
