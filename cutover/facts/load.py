"""What came of many requests at once to one page of one peer, in one stage or in a ramp of them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

from cutover.facts.evidence import Evidence

Failure = Literal["", "dns", "connect", "tls", "timeout", "reset", "4xx", "429", "5xx", "wrong-body", "other"]

IN_FLIGHT_SHARE = 0.8  # of the concurrency, at least: Little's law
CPU_SHARE = 0.9  # of one core, at most: a gevent process has no more
LATE_SECONDS = 0.1  # by which the client may be late with one request in twenty


@dataclass(frozen=True, slots=True)
class Sample:
    """One request: when it was due and how long it took from then, in seconds, and what came of it.

    ``started`` counts from the moment at which the stage's users were let go, on each worker its own; ``seconds``
    runs to the last byte of the body, from before the connection, in an open stage from when the request was due.
    ``late`` is the part of it by which the client itself was late to begin. ``status`` is 0 when no answer came,
    ``length`` counts the bytes of the body that came. ``failure`` is empty for a whole answer of 200 to 299 that is
    the page, otherwise the place where it went wrong:

    - ``dns``, ``connect``, ``tls``: before the request was sent, a phase that did not end in time included;
    - ``timeout``: the answer was not whole in time, or the request could not even be sent by then;
    - ``reset``: the connection ended where an answer was due;
    - ``4xx``, ``429``, ``5xx``: the answer's status, whatever its body;
    - ``wrong-body``: a body that ended early, is longer than is read, or is another page than the quiet host's;
    - ``other``: anything else, redirects included, as `ab` counts them.
    """

    started: float
    seconds: float
    status: int
    length: int
    failure: Failure
    late: float = 0.0
    worker: int = 0


@dataclass(frozen=True, slots=True)
class Client:
    """How busy the load machine's processes were: the busiest one's share of a core, and by how many seconds the one
    that was latest came late to what it was to do, in 95 of 100 cases at most.
    """

    cpu: float = 0.0
    lag: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """All requests of one stage, in the order in which they were due.

    ``requests`` is how many were wanted, 0 when the stage ended with its time. ``address`` was dialled,
    ``concurrency`` users asked one request after the other; with an ``offered`` rate (per second) requests came at
    that rate, and ``concurrency`` is how many could be under way. ``seconds`` passed from the first request to the
    end of the last. Without ``keep_alive`` each had a connection of its own. The derived times count every sample,
    failed ones too: look at ``failures`` first. ``causes`` are the words of the first failure of each class.
    ``stopped`` tells why the stage was ended early; it is empty when it was not. ``workers`` processes drove it. With
    ``waits`` its users are those of a locustfile of the user's own, who may wait between two requests.
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
    offered: float = 0.0
    stopped: str = ""
    client: Client = Client()
    workers: int = 1
    waits: bool = False

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
        """Requests under way on average (Little's law, rate × mean), as long as there were more to begin.

        In a closed stage far below ``concurrency``, the client was slow: its users wait for nothing but answers.
        """
        by_worker: dict[int, float] = {}
        for sample in self.samples:
            by_worker[sample.worker] = max(sample.started, by_worker.get(sample.worker, 0.0))
        end = min(by_worker.values())
        if end <= 0:
            return float(min(self.concurrency, len(self.samples)))
        busy = (min(sample.started + sample.seconds, end) - sample.started for sample in self.samples)
        return math.fsum(seconds for seconds in busy if seconds > 0) / end

    def quantile(self, share: float) -> float:
        """The seconds in which ``share`` (above 0, up to 1) of all requests ended, by nearest rank."""
        ordered = sorted(sample.seconds for sample in self.samples)
        return ordered[math.ceil(share * len(ordered)) - 1]

    def slower_than(self, limit: float) -> int:
        """How many requests took longer than ``limit`` seconds."""
        return sum(sample.seconds > limit for sample in self.samples)

    @property
    def doubt(self) -> str:
        """Why the times tell of the load machine and not of the host; empty when they can be believed.

        The exact number of requests of the checklist's stage is judged by their answers alone: there, a busy
        processor only makes it take longer, and Little's law tells whether they were put at once.
        """
        wanted = min(self.concurrency, len(self.samples))
        if not self.offered and not self.waits and self.in_flight < IN_FLIGHT_SHARE * wanted:
            return f"{self.in_flight:.1f} requests were under way on average where {wanted} should have been"
        if self.requests and not self.offered:
            return ""
        late = sum(sample.late > LATE_SECONDS for sample in self.samples)
        if late > len(self.samples) / 20:
            return f"{late} of {len(self.samples)} requests began more than {LATE_SECONDS:g} s late"
        if self.client.lag > LATE_SECONDS:
            return f"its process came {self.client.lag:.2f} s late to what was due"
        if self.client.cpu > CPU_SHARE and self.seconds >= 1:
            return f"its process used {self.client.cpu:.0%} of a processor's core"
        return ""


@dataclass(frozen=True, slots=True)
class Ramp:
    """Steps of rising concurrency, the last of which broke the promise of ``limit`` seconds, unless none did.

    ``users`` are the steps that were declared. ``ended`` tells why the ramp ended before the last of them without
    the promise broken: the budget was used up, or the load machine gave out.
    """

    limit: float
    users: tuple[int, ...]
    steps: tuple[Load, ...]
    ended: str
    evidence: tuple[Evidence, ...]

    @property
    def broken(self) -> Load | None:
        """The first step that broke the promise."""
        return next((step for step in self.steps if breaks(step, self.limit)), None)

    @property
    def knee(self) -> int:
        """The users of the last step that held; 0 when none did."""
        return max((step.concurrency for step in self.steps if not breaks(step, self.limit)), default=0)


def breaks(step: Load, limit: float) -> str:
    """Why a step of a ramp breaks the promise; empty when it keeps it."""
    if failures := step.failures:
        many = sum(failures.values())
        kind = next(iter(failures))
        return f"{many} of {len(step.samples)} failed, {kind} most: {step.causes.get(kind, '')}"
    p95 = step.quantile(0.95)
    return f"p95 {p95:.2f} s" if p95 > limit else ""


def may_be_slower(requests: int, share: float = 0.05, confidence: float = 0.95) -> int:
    """How many of so many requests may be slow, that no more than ``share`` of all are, with this confidence.

    Exact binomial (Clopper and Pearson, one-sided): 1 of 100, 20 of 600. -1 when there are too few to tell.
    """
    below = 0.0
    for slow in range(requests + 1):
        below += math.exp(
            math.lgamma(requests + 1)
            - math.lgamma(slow + 1)
            - math.lgamma(requests - slow + 1)
            + slow * math.log(share)
            + (requests - slow) * math.log1p(-share)
        )
        if below > 1 - confidence:
            return slow - 1
    return requests
