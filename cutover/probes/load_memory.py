"""Watching the application's memory while load runs: one visit that lasts as long as the load, and a little longer."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from functools import partial

from cutover.errors import NotDeclared
from cutover.facts.evidence import Outputs
from cutover.facts.load_memory import MARKS
from cutover.inventory import Target
from cutover.probes import server
from cutover.probes.process import INTERRUPTED, run_bounded

START_SECONDS = 15.0  # in which the way in is open and the first sample there; longer, and the load goes without
SETTLE_SECONDS = 3.0  # after the load, in which memory may come back
_TICK_SECONDS = 0.05


class Watch:
    """The visit's standard input: it hears from there when the load begins and ends."""

    def __init__(self) -> None:
        self._reads, self._writes = os.pipe()
        self._sampling = threading.Event()

    def look(self, target: Target) -> Outputs:
        """Sample until the load is over; ProbeError or NotDeclared when that cannot be."""
        if target.server and not target.server.way_in.startswith(("ssh://", "local://")):
            raise NotDeclared(f"memory under load is watched by ssh:// or local://, not by {target.server.way_in}")
        run = partial(run_bounded, stdin=self._reads, hears=self._hear)
        return server.probe(target, server.DURING, run)

    @contextlib.contextmanager
    def over(self, visit: threading.Thread) -> Iterator[None]:
        """Have the load of the block watched by a visit that has begun."""
        try:
            end = time.monotonic() + START_SECONDS
            while visit.is_alive() and not self._sampling.is_set() and time.monotonic() < end:
                INTERRUPTED.wait(_TICK_SECONDS)
            self._say(MARKS[0])
            yield
            self._say(MARKS[1])
            end = time.monotonic() + SETTLE_SECONDS
            while visit.is_alive() and time.monotonic() < end and not INTERRUPTED.wait(_TICK_SECONDS):
                pass
        finally:
            os.close(self._writes)
            visit.join()
            os.close(self._reads)

    def _hear(self, printed: bytearray) -> None:
        if b"begun\n" in printed:
            self._sampling.set()

    def _say(self, mark: str) -> None:
        # It may have ended already; then its outputs tell why.
        with contextlib.suppress(BrokenPipeError):
            os.write(self._writes, f"{mark}\n".encode())
