"""Response times of one endpoint of one quiet peer."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.facts.evidence import Evidence

# "p95 within the limit, with 95 % confidence" holds when at most 1 of 100 answers is slower (exact binomial).
SAMPLES = 100
MAY_BE_SLOWER = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, and the seconds from sending its request to its last byte; ``flaw`` as an Exchange has it."""

    seconds: float
    status: int
    content_type: str
    flaw: str


@dataclass(frozen=True, slots=True)
class Latency:
    """The answers on a warm connection, in order.

    ``first`` are the seconds of the one answer on a new connection that went before (DNS is not in it: the
    address is dialled).
    """

    url: str
    at: str
    first: float
    answers: tuple[Answer, ...]

    def slower_than(self, limit: float) -> int:
        """How many answers took longer than ``limit`` seconds."""
        return sum(answer.seconds > limit for answer in self.answers)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The samples' extent."""
        if not self.answers:
            return ()
        ordered = sorted(answer.seconds for answer in self.answers)
        answer = (
            f"n {len(ordered)}, first {self.first:.3f} s, min {ordered[0]:.3f} s, "
            f"median {ordered[len(ordered) // 2]:.3f} s, max {ordered[-1]:.3f} s"
        )
        return (Evidence(f"GET {self.url}", self.at, answer),)
