"""The certificate chain one peer sent, and what a client that verifies made of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cutover.facts.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Link:
    """One certificate of the chain, as sent. Times are UTC."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    self_signed: bool
    signed_by_next: bool


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
    def lifetime_left(self) -> float:
        """The fraction of the leaf's lifetime that is left; negative after its end."""
        lifetime = self.leaf.not_after - self.leaf.not_before
        return (self.leaf.not_after - self.at) / lifetime

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The chain in words."""
        lines = [f"{link.subject} issued by {link.issuer}, sha256 {link.fingerprint}" for link in self.chain]
        answer = "\n".join([*lines, self.refusal or "verified"])
        asked = f"TLS handshake with {self.address}, name {self.host}"
        return (Evidence(asked, self.at.isoformat(timespec="seconds"), answer),)
