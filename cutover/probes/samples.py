"""The lines that a stage's master writes, read while it writes them (``cutover.in_locust.relay`` tells each)."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from cutover.facts.load import Client, Sample

RECENT = 200  # requests of which the live p95 is

_SAMPLE = TypeAdapter(Sample)
_CLIENT = TypeAdapter(Client)


class Samples:
    """All lines so far; a line that was cut off by a sudden end is not one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._rest = b""
        self.lines: list[tuple[Sample, str]] = []
        self.clients: list[Client] = []
        self.failed = 0
        self.recent: deque[float] = deque(maxlen=RECENT)
        self.stopped = ""
        self.missing = ""

    def read(self) -> None:
        """Take what was written since."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                block = file.read()
        except FileNotFoundError:
            return
        self._offset += len(block)
        *whole, self._rest = (self._rest + block).split(b"\n")
        for line in whole:
            if line:
                self._take(json.loads(line))

    def _take(self, line: list[Any]) -> None:
        match line:
            case ["sample", row, str(cause)]:
                sample = _SAMPLE.validate_python(row)
                self.lines.append((sample, cause))
                self.failed += bool(sample.failure)
                self.recent.append(sample.seconds)
            case ["done", row]:
                self.clients.append(_CLIENT.validate_python(row))
            case ["stopped", str(why)]:
                self.stopped = why
            case ["missing", str(who)]:
                self.missing = who

    def ended(self, workers: int) -> bool:
        """Whether every worker has done its part."""
        return len(self.clients) >= workers

    @property
    def p95(self) -> float:
        """Seconds, of the last requests."""
        ordered = sorted(self.recent)
        return ordered[int(0.95 * (len(ordered) - 1))] if ordered else 0.0
