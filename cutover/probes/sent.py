"""How many HTTP requests went to each target: what a run costs a host is told with what it found."""

from __future__ import annotations

import secrets
import threading
from collections import Counter

# Random for each run, and in every request of the outside view: by it the server's access log is asked for them.
MARK = secrets.token_hex(8)

_counts: Counter[str] = Counter()
_counting = threading.Lock()


def count(target: str, requests: int = 1) -> None:
    """Note requests that went out to the target of this label."""
    with _counting:
        _counts[target] += requests


def counts() -> dict[str, int]:
    """All of this process, by target."""
    with _counting:
        return dict(_counts)
