"""Whom the API lets read its answers from a web page of another origin (the Fetch standard's CORS protocol)."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.facts.evidence import Evidence
from cutover.facts.http import Exchange

STRANGER = "https://cutover-stranger.example"
NOWHERE = "null"  # the origin of a page that has none, such as a file


@dataclass(frozen=True, slots=True)
class Cors:
    """By origin: the answer to the question before the request (preflight), and that to the request itself."""

    preflight: dict[str, Exchange]
    request: dict[str, Exchange]

    @property
    def declared(self) -> tuple[str, ...]:
        """The origins that were asked for because the inventory declares them."""
        return tuple(origin for origin in self.request if origin not in (STRANGER, NOWHERE))

    def lets(self, origin: str) -> str:
        """Who may read, as the answers to this origin tell: ``nobody``, or the origins that they name."""
        answers = (self.preflight[origin], self.request[origin])
        named = {", ".join(answer.values("Access-Control-Allow-Origin")) or "nobody" for answer in answers}
        return " | ".join(sorted(named))

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The transcript of all exchanges."""
        return tuple(answer.evidence() for answer in (*self.preflight.values(), *self.request.values()))
