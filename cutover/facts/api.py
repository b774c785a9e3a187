"""What the application's API answered: login, then what the token opened. The token itself is not kept."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.facts.evidence import Evidence
from cutover.facts.http import Exchange


@dataclass(frozen=True, slots=True)
class Login:
    """The one login of a run. ``token_in`` is the place in the JSON where a token was found, or empty."""

    exchange: Exchange
    token_in: str

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The login's transcript; body and headers are redacted."""
        return (self.exchange.evidence(),)


@dataclass(frozen=True, slots=True)
class Api:
    """The two protected endpoints, asked with the token.

    ``username`` is whom ``me`` says the token belongs to, ``records`` how many records ``knowledge`` holds;
    None when the answer is not JSON or holds no such thing.
    """

    me: Exchange
    username: str | None
    knowledge: Exchange
    records: int | None

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The transcript of both."""
        return (self.me.evidence(), self.knowledge.evidence())
