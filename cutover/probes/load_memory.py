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
AGAIN_SECONDS, AGAIN = 1.0, 5  # after which a mark that was not heard is said once more, and how often it is said
SETTLE_SECONDS = 3.0  # after the load, in which memory may come back
_TICK_SECONDS = 0.05


class Watch:
    """The visit's standard input: it hears from there when the load begins and ends."""

    def __init__(self) -> None:
        self._reads, self._writes = os.pipe()
        self._heard = b""

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
            self._wait(visit, START_SECONDS, b"begun\n")
            self._say(visit, MARKS[0])
            yield
            self._say(visit, MARKS[1])
            self._wait(visit, SETTLE_SECONDS)
        finally:
            os.close(self._writes)
            visit.join()
            os.close(self._reads)

    def _hear(self, printed: bytearray) -> None:
        self._heard = bytes(printed)

    def _say(self, visit: threading.Thread, mark: str) -> None:
        for _ in range(AGAIN):
            # It may have ended already; then its outputs tell why.
            with contextlib.suppress(BrokenPipeError):
                os.write(self._writes, f"{mark}\n".encode())
            if self._wait(visit, AGAIN_SECONDS, f"heard {mark}\n".encode()):
                break

    def _wait(self, visit: threading.Thread, seconds: float, for_: bytes = b"") -> bool:
        """Wait until the visit says that; False when it did not within so many seconds, or nothing more will come."""
        end = time.monotonic() + seconds
        while visit.is_alive() and time.monotonic() < end and not INTERRUPTED.wait(_TICK_SECONDS):
            if for_ and for_ in self._heard:
                return True
        return False
