"""What one peer answered to plain requests: the surfaces whose headers are judged, and the redirects."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cutover.facts.evidence import EXCERPT, Evidence
from cutover.redact import redact

REDIRECT_PATHS = ("/", "/api/v1/knowledge?page=2&q=%E6%A9%8B")


@dataclass(frozen=True, slots=True)
class Phases:
    """Where the seconds of one exchange went, which they add up to.

    ``connect`` and ``tls`` are 0 on a connection that was there already. ``first_byte`` is from then until the answer
    began to come (its first line was there), ``body`` from then to its end.
    """

    connect: float = 0.0
    tls: float = 0.0
    first_byte: float = 0.0
    body: float = 0.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer.

    ``headers`` keeps order, repetition and spelling. ``body`` is at most the first 4096 characters, undecodable bytes
    replaced; ``length`` counts the bytes read, ``complete`` tells whether that was the whole body, ``surplus``
    whether something came after it that nobody had asked for. ``seconds`` runs from before the connection to the
    end of the body, and ``phases`` splits them.
    """

    method: str
    url: str
    at: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: str
    length: int
    complete: bool
    seconds: float
    surplus: bool = False
    phases: Phases = Phases()

    @property
    def flaw(self) -> str:
        """Why this is not one whole answer; empty when it is."""
        return "cut short" if not self.complete else "more came than it announced" if self.surplus else ""

    def values(self, name: str) -> tuple[str, ...]:
        """Every value of a header, in the order sent; names compare without case (RFC 9110 section 5.1)."""
        return tuple(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def content_type(self) -> str:
        """The media type without parameters, in lower case; all of them when several disagree."""
        types = (value.partition(";")[0].strip().lower() for value in self.values("Content-Type"))
        return " | ".join(dict.fromkeys(types))

    @property
    def location(self) -> str:
        """Where a redirect leads; empty when the answer has no Location."""
        return ", ".join(self.values("Location"))

    def redacted_again(self) -> Exchange:
        """Without the secrets that have become known since it was read."""
        headers = tuple((key, redact(value)) for key, value in self.headers)
        return replace(self, headers=headers, body=redact(self.body))

    def evidence(self) -> Evidence:
        """The transcript of this exchange."""
        head = "".join(f"\n{key}: {value}" for key, value in self.headers)
        return Evidence(f"{self.method} {self.url}", self.at, f"{self.status}{head}\n\n{self.body}"[:EXCERPT])


@dataclass(frozen=True, slots=True)
class Http:
    """What one peer answered, by surface (``/``, ``static``, ``404`` …) or, over plain http, by path."""

    answers: dict[str, Exchange]

    def values_of(self, name: str) -> dict[str, str]:
        """A header's value in every answer; ``absent``, ``empty``, or every value when it was sent more than once."""
        sent = {what: answer.values(name) for what, answer in self.answers.items()}
        return {what: " | ".join(value or "empty" for value in values) or "absent" for what, values in sent.items()}

    def redacted_again(self) -> Http:
        """Without the secrets that have become known since they were read."""
        return Http({what: answer.redacted_again() for what, answer in self.answers.items()})

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The transcript of all exchanges."""
        return tuple(answer.evidence() for answer in self.answers.values())
