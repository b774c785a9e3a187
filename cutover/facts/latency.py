"""Response times of the endpoints of one quiet peer."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Literal

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.evidence import Evidence
from cutover.facts.http import Phases
from cutover.facts.sampling import Claim

Endpoint = Literal["root", "login", "me", "knowledge"]

CLAIM = Claim(percentile=95, confidence=95)
PLAN = CLAIM.plan

JSON = ("application/json",)
TYPES: dict[Endpoint, tuple[str, ...]] = {
    "root": ("text/html", *JSON),
    "login": JSON,
    "me": JSON,
    "knowledge": JSON,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of an endpoint, and where its time went.

    ``dns`` are the seconds of looking the name up, 0 when it was not. ``status`` is 0 when no answer came. ``flaw``
    is why this is not one whole answer, ``objection`` what its JSON says against itself; both are empty as a rule.
    """

    endpoint: Endpoint
    status: int
    content_type: str
    phases: Phases
    dns: float = 0.0
    flaw: str = ""
    objection: str = ""

    @property
    def seconds(self) -> float:
        """From the question for the name, or else from before the connection, to the last byte."""
        return self.dns + self.phases.connect + self.phases.tls + self.phases.first_byte + self.phases.body

    @property
    def wrong(self) -> str:
        """Why it is not the answer that was asked for; empty when it is."""
        if not self.status:
            return self.flaw
        if (self.status, self.flaw, self.objection) == (200, "", "") and self.content_type in TYPES[self.endpoint]:
            return ""
        parts = (str(self.status), self.content_type or "no content type", self.flaw, self.objection)
        return ", ".join(part for part in parts if part)

    @property
    def split(self) -> str:
        """Its seconds by phase."""
        phases = self.phases
        times = {"DNS": self.dns, "connect": phases.connect, "TLS": phases.tls, "first byte": phases.first_byte}
        told = [f"{name} {seconds:.3f}" for name, seconds in times.items() if seconds]
        return ", ".join([*told, f"body {phases.body:.3f}"])


@dataclass(frozen=True, slots=True)
class Series:
    """Answers to requests that followed each other, as many as it took to tell, or as there was time for.

    ``warm_up`` went before, on the same connection, and does not count. The first wrong answer was the last.
    """

    url: str
    at: str
    answers: tuple[Answer, ...]
    warm_up: Answer | None = None

    @property
    def wrong(self) -> str:
        """What was wrong with which answer; empty when all were right."""
        for number, answer in enumerate((self.warm_up, *self.answers)):
            if answer and answer.wrong:
                return f"{f'answer {number}' if number else 'the warm-up'}: {answer.wrong}"
        return ""

    @property
    def slowest(self) -> Answer:
        """The answer that took longest."""
        return max(self.answers, key=lambda answer: answer.seconds)

    def holds(self, slower: int) -> bool:
        """Whether so many slower answers support the claim; ProbeError when it takes more answers to tell."""
        if self.wrong:
            return False
        verdict = PLAN.verdict(len(self.answers), slower)
        if verdict is None:
            raise ProbeError(
                f"{self.url}: {slower} of {len(self.answers)} answers slower, and no time for enough of them to tell",
                "look why it answers slowly, then verify again",
            )
        return verdict

    def told(self, slower: int) -> str:
        """The series in one line."""
        if not self.answers:
            return self.wrong
        middle = median(answer.seconds for answer in self.answers)
        parts = [f"{slower or 'none'} of {len(self.answers)} slower", f"median {middle:.3f} s"]
        parts += [f"slowest {self.slowest.seconds:.3f} s ({self.slowest.split})"]
        if self.warm_up and not self.warm_up.wrong:
            parts.append(f"after a first of {self.warm_up.seconds:.3f} s")
        return "; ".join([*parts, *filter(None, [self.wrong])])


@dataclass(frozen=True, slots=True)
class Unasked:
    """Why what needs a token was not asked: as an error, or because nothing is declared."""

    kind: Literal["error", "not declared"]
    cause: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Latency:
    """How fast the endpoints answer one client.

    ``first`` is the very first request, on a connection of its own, as `time curl` makes it. ``warm`` are series on
    one connection each. ``new`` is a series in which every request has a connection of its own, to the same
    endpoints in turn: what a connection costs is no matter of the page, so that one claim is made for all of them.
    """

    url: str
    at: str
    first: Answer
    warm: dict[Endpoint, Series]
    new: Series
    unasked: Unasked | None = None

    def of(self, endpoint: Endpoint) -> Series:
        """The series of one endpoint; ProbeError or NotDeclared when there was no token to ask with."""
        if self.unasked and endpoint not in self.warm:
            raise (
                ProbeError(self.unasked.cause, self.unasked.advice)
                if self.unasked.kind == "error"
                else NotDeclared(self.unasked.cause)
            )
        return self.warm[endpoint]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The times of each series, in milliseconds and in the order of the answers."""
        told: list[tuple[str, str, tuple[Answer, ...]]] = [(f"GET {self.url}, once", self.at, (self.first,))]
        told += [(f"GET {series.url}, on one connection", series.at, series.answers) for series in self.warm.values()]
        told.append((f"GET {self.new.url}, a new connection each", self.new.at, self.new.answers))
        return tuple(
            Evidence(asked, at, f"ms: {' '.join(f'{1000 * answer.seconds:.0f}' for answer in answers)}")
            for asked, at, answers in told
        )
