"""How many answers have to be timed before a claim on all answers can be made, by the exact binomial distribution."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import count
from math import comb

# Of the risk that a claim allows, what the first stage of a plan may take. The more, the fewer answers a good host is
# asked for, and the more a host with one slow answer.
FIRST_STAGE = Fraction(9, 10)


@dataclass(frozen=True, slots=True)
class Plan:
    """A double sampling plan, each stage with how many answers it ends after and how many of them may be slower.

    The second stage is for whom the first did not do. Looking twice has its price: at the sizes of two plans of one
    stage each, a claim would be made wrongly more often than it says.
    """

    stages: tuple[tuple[int, int], ...]

    def verdict(self, samples: int, slower: int) -> bool | None:
        """Whether the claim holds after so many answers; None when it takes more of them to tell."""
        if slower > self.stages[-1][1]:
            return False
        return True if any(samples == size and slower <= most for size, most in self.stages) else None

    def __str__(self) -> str:
        return ", or ".join(f"{most or 'none'} of {size} slower" for size, most in self.stages)


@dataclass(frozen=True)
class Claim:
    """``percentile`` % of all answers are within a limit, said with ``confidence`` %; both from 1 to 99."""

    percentile: int = 95
    confidence: int = 95

    def __str__(self) -> str:
        return f"{self.percentile} % of all answers, with {self.confidence} % confidence"

    @property
    def _risk(self) -> Fraction:
        return 1 - Fraction(self.confidence, 100)

    def _chance(self, samples: int, slower: int) -> Fraction:
        """That exactly so many are slower, on a host of which the claim is just false."""
        within = Fraction(self.percentile, 100)
        return comb(samples, slower) * (1 - within) ** slower * within ** (samples - slower)

    def supports(self, samples: int, slower: int) -> bool:
        """Whether the claim can be made when ``slower`` of ``samples`` answers were slower than the limit."""
        return sum(self._chance(samples, each) for each in range(slower + 1)) <= self._risk

    def may_be_slower(self, samples: int) -> int | None:
        """How many of so many answers may be slower; None when even none would not do."""
        most = next(each for each in range(samples + 1) if not self.supports(samples, each))
        return most - 1 if most else None

    def samples(self, slower: int) -> int:
        """The fewest answers that will do when so many of them are slower."""
        return next(samples for samples in count(slower + 1) if self.supports(samples, slower))

    @cached_property
    def plan(self) -> Plan:
        """None slower of the fewest, or one of more: then one late packet is no reason to refuse a good host."""
        first = next(n for n in count(1) if self._chance(n, 0) <= FIRST_STAGE * self._risk)
        left = self._risk - self._chance(first, 0)
        more = next(n for n in count(1) if self._chance(first, 1) * self._chance(n, 0) <= left)
        return Plan(((first, 0), (first + more, 1)))
