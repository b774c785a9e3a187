"""Where plain http leads whoever claims to have asked another host, and whether a challenge gets through."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from cutover.facts.evidence import Evidence
from cutover.facts.http import Exchange

STRANGER = "cutover-stranger.example"


@dataclass(frozen=True, slots=True)
class Detours:
    """``claims`` are the answers by the header that named the other host, None where none came; ``challenge`` is that
    to a file below /.well-known/acme-challenge/ that does not exist."""

    claims: dict[str, Exchange | None]
    challenge: Exchange

    def led_to(self, claim: str) -> str:
        """The host that the answer leads to; ``nowhere`` when it leads nowhere."""
        answer = self.claims[claim]
        try:
            return (urlsplit(answer.location).hostname or "nowhere") if answer else "nowhere"
        except ValueError:
            return "an address that is none"

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The transcript of all that answered."""
        return tuple(answer.evidence() for answer in (*self.claims.values(), self.challenge) if answer)
