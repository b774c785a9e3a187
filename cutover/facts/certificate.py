"""The certificate chain one peer sent, and what a client that verifies made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cutover.facts.evidence import Evidence

# OpenSSL's X509_V_ERR numbers that speak of something else than the chain's trust: times and name.
NOT_ABOUT_TRUST = {0: "verified", 9: "not yet valid", 10: "expired", 62: "name mismatch"}

UNKNOWN_ISSUER = {2, 18, 19, 20, 21}

Trust = Literal["trusted", "self-signed", "unknown root", "unknown issuer", "incomplete", "refused"]


@dataclass(frozen=True, slots=True)
class Key:
    """A public key: ``RSA``, ``EC``, ``Ed25519`` … and its length in bits."""

    kind: str
    bits: int

    def __str__(self) -> str:
        """As it is told: ``RSA 2048``."""
        return f"{self.kind} {self.bits}"

    @property
    def strength(self) -> int:
        """The length of an RSA key that is as hard to break (NIST SP 800-57 part 1, table 2)."""
        if self.kind in ("RSA", "DSA", "DH"):
            return self.bits
        steps = {512: 15360, 384: 7680, 250: 3072, 224: 2048, 160: 1024}
        return next((strength for bits, strength in steps.items() if self.bits >= bits), 512)


@dataclass(frozen=True, slots=True)
class Link:
    """One certificate of the chain, as sent. Times are UTC.

    ``digest`` is the hash under its signature, empty where the algorithm has one of its own (Ed25519).
    ``issuer_at`` is where the certificate says that its issuer's can be fetched, or empty.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    self_signed: bool
    signed_by_next: bool
    key: Key
    digest: str
    issuer_at: str


@dataclass(frozen=True, slots=True)
class Certificate:
    """The chain in the order sent, leaf first.

    ``refusal`` is why a verifying client refuses it, in OpenSSL's words, or empty; ``refusal_code`` its
    X509_V_ERR number. ``at`` is the operator's clock when it was seen.
    """

    host: str
    address: str
    at: datetime
    chain: tuple[Link, ...]
    refusal: str
    refusal_code: int

    @property
    def leaf(self) -> Link:
        """The server's own certificate."""
        return self.chain[0]

    @property
    def in_order(self) -> bool:
        """Whether each certificate is signed by the next (RFC 8446 section 4.4.2 allows strays; clients differ)."""
        return all(link.signed_by_next for link in self.chain[:-1])

    @property
    def relied_on(self) -> tuple[Link, ...]:
        """The certificates whose keys and signatures count: a root's own is trusted without looking at it."""
        return (self.leaf, *(link for link in self.chain[1:] if not link.self_signed))

    @property
    def lifetime_left(self) -> float:
        """The fraction of the leaf's lifetime that is left; negative after its end."""
        lifetime = self.leaf.not_after - self.leaf.not_before
        return (self.leaf.not_after - self.at) / lifetime

    @property
    def out_of_time(self) -> tuple[Link, ...]:
        """The certificates that are not valid at the moment they were seen."""
        return tuple(link for link in self.chain if not link.not_before <= self.at < link.not_after)

    @property
    def in_time(self) -> bool:
        """Whether all of them are, and a client says so too."""
        return not self.out_of_time and self.refusal_code not in (9, 10)

    @property
    def for_host(self) -> bool:
        """Whether the name stands in subjectAltName, exactly or behind one wildcard label (RFC 9525 section 6.3)."""
        wanted = (self.host, "*." + self.host.partition(".")[2])
        return self.refusal_code != 62 and any(name.lower() in wanted for name in self.leaf.names)

    @property
    def trust(self) -> Trust:
        """What the chain comes to, told apart where OpenSSL words it alike; times and name are other matters."""
        if self.refusal_code in NOT_ABOUT_TRUST:
            return "trusted"
        if self.refusal_code not in UNKNOWN_ISSUER:
            return "refused"
        if self.leaf.self_signed:
            return "self-signed"
        last = self.last
        if last.self_signed:
            return "unknown root"
        # An authority's intermediate tells its users where to fetch it; one's own root has no such place.
        return "incomplete" if last is self.leaf and last.issuer_at else "unknown issuer"

    @property
    def last(self) -> Link:
        """Where the signatures break off: what was sent beyond it does not belong to the chain."""
        return next((link for link in self.chain if not link.signed_by_next), self.chain[-1])

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The chain in words."""
        lines = [
            f"{link.subject} issued by {link.issuer}, {link.key}, {link.digest or 'own digest'}, "
            f"sha256 {link.fingerprint}"
            for link in self.chain
        ]
        answer = "\n".join([*lines, self.refusal or "verified"])
        asked = f"TLS handshake with {self.address}, name {self.host}"
        return (Evidence(asked, self.at.isoformat(timespec="seconds"), answer),)
