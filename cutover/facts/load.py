"""What came of many requests at once to one page of one peer."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from cutover.facts.evidence import Evidence

Failure = Literal["", "dns", "connect", "tls", "timeout", "reset", "4xx", "429", "5xx", "wrong-body", "other"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when it began and how long it took, in seconds, and what came of it.

    ``started`` counts from the first request of the stage; ``seconds`` runs from before the connection to the
    last byte of the body. ``status`` is 0 when no answer came, ``length`` counts the bytes of the body that
    came. ``failure`` is empty for a whole answer of 200 to 299, otherwise the place where it went wrong:

    - ``dns``, ``connect``, ``tls``: before the request was sent, a phase that did not end in time included;
    - ``timeout``: the answer was not whole in time;
    - ``reset``: the connection ended where an answer was due;
    - ``4xx``, ``429``, ``5xx``: the answer's status, whatever its body;
    - ``wrong-body``: a body that ended early, or that is longer than is read;
    - ``other``: anything else, redirects included, as `ab` counts them.
    """

    started: float
    seconds: float
    status: int
    length: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Load:
    """All ``requests`` that were wanted of one stage, in the order in which they began.

    ``address`` was dialled, ``concurrency`` requests were under way at any time, and ``seconds`` passed from
    the first request to the end of the last. Without ``keep_alive`` each had a connection of its own. The
    derived times count every sample, failed ones too: look at ``failures`` first. ``causes`` are the words of
    the first failure of each class.
    """

    url: str
    address: str
    requests: int
    concurrency: int
    keep_alive: bool
    seconds: float
    samples: tuple[Sample, ...]
    evidence: tuple[Evidence, ...]
    causes: dict[Failure, str] = field(default_factory=dict)

    @property
    def failures(self) -> dict[Failure, int]:
        """How many requests failed, by class, the most frequent first."""
        return dict(Counter(sample.failure for sample in self.samples if sample.failure).most_common())

    @property
    def rate(self) -> float:
        """Requests per second over the whole stage."""
        return len(self.samples) / self.seconds

    @property
    def mean(self) -> float:
        """Mean seconds of a request."""
        return math.fsum(sample.seconds for sample in self.samples) / len(self.samples)

    @property
    def in_flight(self) -> float:
        """Requests under way on average (Little's law); far below ``concurrency``, the client was slow."""
        return self.rate * self.mean

    def quantile(self, share: float) -> float:
        """The seconds in which ``share`` (above 0, up to 1) of all requests ended, by nearest rank."""
        ordered = sorted(sample.seconds for sample in self.samples)
        return ordered[math.ceil(share * len(ordered)) - 1]
