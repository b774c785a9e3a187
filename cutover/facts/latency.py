"""Response times of one endpoint of one quiet peer."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.facts.evidence import Evidence

# "p95 within the limit, with 95 % confidence" holds when at most 1 of 100 answers is slower (exact binomial).
SAMPLES = 100
MAY_BE_SLOWER = 1


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from sending a request to the last byte of its answer, on a warm connection, in order.

    ``first`` is the one answer on a new connection that went before (DNS is not in it: the address is
    dialled). ``statuses`` go with ``seconds``.
    """

    url: str
    at: str
    first: float
    seconds: tuple[float, ...]
    statuses: tuple[int, ...]

    def slower_than(self, limit: float) -> int:
        """How many answers took longer than ``limit`` seconds."""
        return sum(seconds > limit for seconds in self.seconds)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The samples' extent."""
        if not self.seconds:
            return ()
        ordered = sorted(self.seconds)
        answer = (
            f"n {len(ordered)}, first {self.first:.3f} s, min {ordered[0]:.3f} s, "
            f"median {ordered[len(ordered) // 2]:.3f} s, max {ordered[-1]:.3f} s"
        )
        return (Evidence(f"GET {self.url}", self.at, answer),)
