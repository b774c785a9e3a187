"""What one peer's TLS offers: every version and suite that sslyze could agree on with it, and its known flaws."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.facts.certificate import Key
from cutover.facts.evidence import EXCERPT, Evidence

VERSIONS = ("SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3")


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher suite by its IANA name, the length of its symmetric key, and the ephemeral key it was seen with."""

    name: str
    bits: int
    exchange: Key | None

    @property
    def strength(self) -> int:
        """The bits that an attacker has to try (three keys of DES are worth two)."""
        if "NULL" in self.name:
            return 0
        return 112 if "3DES" in self.name or "EDE3" in self.name else self.bits

    @property
    def ephemeral(self) -> bool:
        """Whether what was recorded stays secret when the server's key becomes known. TLS 1.3 has no other suites."""
        return "_WITH_" not in self.name or self.name.startswith(("TLS_ECDHE_", "TLS_DHE_"))

    @property
    def authenticated(self) -> bool:
        """Whether it encrypts and authenticates in one (AEAD)."""
        return any(mode in self.name for mode in ("GCM", "CCM", "POLY1305"))

    @property
    def anonymous(self) -> bool:
        """Whether anybody at all can be at the other end."""
        return "_anon_" in self.name

    @property
    def export(self) -> bool:
        """Whether it was made weak by law."""
        return "EXPORT" in self.name

    @property
    def rc4(self) -> bool:
        """Whether it encrypts with RC4."""
        return "RC4" in self.name

    @property
    def cbc(self) -> bool:
        """Whether it chains blocks, which the padding attacks need."""
        return "CBC" in self.name

    @property
    def small_blocks(self) -> bool:
        """Whether its blocks are of 64 bits (CVE-2016-2183)."""
        return any(cipher in self.name for cipher in ("DES", "IDEA", "RC2"))


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What a server chose of what a client offered. ``protocol`` is ALPN's, empty when none was agreed on."""

    version: str
    suite: str
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class Scan:
    """What sslyze found; None where it could not find out.

    ``suites`` has every version, an empty tuple where it is not offered. ``keys`` are those of all certificates
    the server has, ``stapled`` what its authority says of each, ``curves`` are for ECDH.
    """

    program: str
    suites: dict[str, tuple[Suite, ...]]
    keys: tuple[Key, ...]
    curves: tuple[str, ...]
    heartbleed: bool | None
    ccs_injection: bool | None
    robot: bool | None
    compression: bool | None
    client_renegotiation: bool | None
    early_data: bool | None
    secure_renegotiation: bool | None
    fallback_scsv: bool | None
    extended_master_secret: bool | None
    tickets: bool | None
    session_ids: bool | None
    stapled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tls:
    """A scan beside two handshakes of our own.

    ``modern`` is with an up-to-date client, None when none came about. ``generic`` is with a client of TLS 1.2
    that offers everything from AES-GCM down to RC4, the best first: what it gets is what the server wants.
    """

    host: str
    address: str
    at: str
    scan: Scan
    modern: Negotiated | None
    generic: Negotiated | None

    @property
    def offered(self) -> tuple[str, ...]:
        """The versions it speaks, the oldest first."""
        return tuple(version for version in VERSIONS if self.scan.suites[version])

    def suites(self, *versions: str) -> tuple[Suite, ...]:
        """The suites of these versions, of all without any."""
        return tuple(suite for version in versions or VERSIONS for suite in self.scan.suites[version])

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was found, in words."""
        scan = self.scan
        facts = {
            "ALPN": (self.modern and self.modern.protocol) or "none",
            "OCSP stapling": " ".join(scan.stapled) or "none",
            "resumption by ticket": _word(scan.tickets),
            "resumption by id": _word(scan.session_ids),
            "early data": _word(scan.early_data),
            "downgrade protection": _word(scan.fallback_scsv),
            "extended master secret": _word(scan.extended_master_secret),
            "curves": " ".join(scan.curves) or "unknown",
        }
        lines = [", ".join(f"{name}: {value}" for name, value in facts.items())]
        for version in reversed(self.offered):
            lines.append(f"{version}: {' '.join(suite.name for suite in scan.suites[version])}")
        asked = f"{scan.program} of {self.address}, name {self.host}"
        return (Evidence(asked, self.at, "\n".join(lines)[: 4 * EXCERPT]),)


def _word(found: bool | None) -> str:
    return "unknown" if found is None else "yes" if found else "no"
