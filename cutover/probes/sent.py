"""How many HTTP requests went to each target: what a run costs a host is told, and kept below what it takes."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections import Counter, defaultdict, deque
from pathlib import Path

from cutover.files import write_whole
from cutover.probes.process import INTERRUPTED

FILE = "requests.json"  # in the folder of facts
MINUTE = 61.0  # seconds; what was sent at the end of one minute may come at the begin of the next

# Random for each run, and in every request of the outside view: by it the server's access log is asked for them.
MARK = secrets.token_hex(8)

_counts: Counter[str] = Counter()
_recent: defaultdict[str, deque[tuple[float, int]]] = defaultdict(deque)
_counting = threading.Lock()


def count(target: str, requests: int = 1, *, limited: bool = True) -> None:
    """Note requests that went out to the target of this label; ``limited`` are those that the application hears of."""
    with _counting:
        _counts[target] += requests
        if limited:
            _recent[target].append((time.monotonic(), requests))


def counts() -> dict[str, int]:
    """All of this process, by target."""
    with _counting:
        return dict(_counts)


def save(folder: Path) -> None:
    """Write them with the facts; OSError when that cannot be done."""
    write_whole(folder / FILE, json.dumps(counts()).encode())


def saved(folder: Path) -> dict[str, int]:
    """What was saved with the facts; empty when that was not written, or is something else."""
    try:
        found = json.loads((folder / FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and all(type(count) is int for count in found.values()) else {}


def wait_for_room(target: str, requests: int, per_minute: int) -> float:
    """Wait until so many more requests keep the target below its limit; return the seconds that took.

    What is refused for coming too soon after our own requests would be held against the host.
    """
    begun = time.monotonic()
    while (until := _full_until(target, per_minute - min(requests, per_minute))) > time.monotonic():
        if INTERRUPTED.wait(min(0.5, max(0.0, until - time.monotonic()))):
            break
    return time.monotonic() - begun


def _full_until(target: str, most: int) -> float:
    """When no more than ``most`` requests of the last minute will be left."""
    with _counting:
        recent, left = _recent[target], 0
        while recent and recent[0][0] < time.monotonic() - MINUTE:
            recent.popleft()
        for at, requests in reversed(recent):
            left += requests
            if left > most:
                return at + MINUTE
    return 0.0
