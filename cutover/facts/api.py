"""What the application's API answered: login, then what the token opened. The token itself is not kept."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.facts.evidence import Evidence
from cutover.facts.http import Exchange


@dataclass(frozen=True, slots=True)
class Login:
    """The one login of a run.

    ``token_in`` is the place in the JSON where a token was found, or empty. ``objection`` is what the body says
    against itself, such as ``success: false``, or empty.
    """

    exchange: Exchange
    token_in: str
    objection: str = ""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The login's transcript; body and headers are redacted."""
        return (self.exchange.evidence(),)


@dataclass(frozen=True, slots=True)
class Api:
    """The two protected endpoints, asked with the token.

    ``username`` is whom ``me`` says the token belongs to, ``records`` how long the list of ``knowledge`` is;
    None when the answer is not JSON or holds no such thing. ``no_objects`` of the list are no JSON objects. The
    objections are what the bodies say against themselves, or empty.
    """

    me: Exchange
    username: str | None
    knowledge: Exchange
    records: int | None
    no_objects: int = 0
    me_objection: str = ""
    knowledge_objection: str = ""

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The transcript of both."""
        return (self.me.evidence(), self.knowledge.evidence())
