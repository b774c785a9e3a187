"""The load that an inventory declares beyond the checklist's own, with its hard caps.

It is put on a host when the run permits it (`--load`), never by the inventory alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from cutover.promise import Promise

# Fewer answers cannot tell "p95 in time, with 95 % confidence" (exact binomial), even when none is slow.
FEWEST = 59

StageSeconds = Annotated[float, Field(ge=1, le=300)]
Users = Annotated[int, Field(ge=1, le=1000)]


def _ssh(way: str) -> str:
    """Accept a machine that ssh leads to."""
    if not re.fullmatch(r"ssh://([\w.-]+@)?(\[[\da-fA-F:]+\]|(?!-)[\w.-]+)(:\d{1,5})?", way):
        raise ValueError("expected ssh://user@host or ssh://user@host:port")
    return way


class OpenModel(Promise):
    """Requests that come at a ``rate`` per second for so many ``seconds``, whatever became of those before."""

    rate: Annotated[float, Field(gt=0, le=500)] = 20.0
    seconds: StageSeconds = 30.0

    @property
    def requests(self) -> int:
        """All of the stage."""
        return round(self.rate * self.seconds)

    @model_validator(mode="after")
    def _enough(self) -> OpenModel:
        if self.requests < FEWEST:
            raise ValueError(f"rate × seconds are {self.requests} requests; fewer than {FEWEST} cannot tell a p95")
        return self


class RampModel(Promise):
    """Steps of ``users`` who ask one request after the other, each for so many ``seconds``, until the promise breaks.

    Up to ``holds`` users it must hold; the steps beyond look for where it breaks.
    """

    users: Annotated[tuple[Users, ...], Field(min_length=1, max_length=20)] = (10, 20, 40, 80)
    seconds: StageSeconds = 10.0
    holds: Users = 10

    @model_validator(mode="after")
    def _rising(self) -> RampModel:
        if list(self.users) != sorted(set(self.users)):
            raise ValueError("users must rise from step to step")
        if self.holds not in self.users:
            raise ValueError(f"holds must be one of the steps ({', '.join(map(str, self.users))})")
        return self


class OwnModel(Promise):
    """A locustfile of the user's own, with so many of its ``users`` for so many ``seconds``."""

    locustfile: Path
    users: Users = 10
    seconds: StageSeconds = 30.0


class DeclaredLoad(Promise):
    """All that is declared beyond the checklist's load, and from where it is driven.

    ``requests`` is the budget: no address gets more in a run, all stages with the checklist's own together. Stages
    whose number of requests is not known beforehand end when it is used up.

    ``workers`` are machines that ssh leads to; without any, ``processes`` of this one. ``python`` is there a Python
    3.11 or newer with this environment's version of locust.
    """

    requests: Annotated[int, Field(ge=1, le=100_000)] = 20_000
    workers: Annotated[tuple[Annotated[str, AfterValidator(_ssh)], ...], Field(max_length=50)] = ()
    processes: Annotated[int, Field(ge=0, le=64)] = 0
    python: Annotated[str, Field(pattern=r"^[\w/][\w./+-]*$")] = "python3"
    ssh_config: Path | None = None
    open: OpenModel | None = None
    ramp: RampModel | None = None
    own: OwnModel | None = None
    _permitted: bool = False

    @property
    def permitted(self) -> bool:
        """Whether this run may put it on the host."""
        return self._permitted

    def permit(self) -> DeclaredLoad:
        """The same, for a run with `--load`."""
        copy = self.model_copy()
        copy._permitted = True
        return copy

    @model_validator(mode="after")
    def _one_place(self) -> DeclaredLoad:
        if self.workers and self.processes:
            raise ValueError("workers and processes exclude each other")
        if not (self.open or self.ramp or self.own):
            raise ValueError("declares no stage: open, ramp or own")
        return self
