"""What the application answers to tokens that it never gave, and to a password that is none."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.facts.evidence import Evidence
from cutover.facts.http import Exchange


@dataclass(frozen=True, slots=True)
class Forgeries:
    """What ``me`` answered, by what was wrong with the token.

    ``known_key`` is a key that stands in documentation and examples, when the operator's own token is signed with
    it; else empty.
    """

    answers: dict[str, Exchange]
    known_key: str

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The transcript of all; the tokens are redacted."""
        return tuple(answer.evidence() for answer in self.answers.values())


@dataclass(frozen=True, slots=True)
class WrongPassword:
    """The answer to the operator's name with a random password, tried once."""

    exchange: Exchange

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Its transcript."""
        return (self.exchange.evidence(),)
