"""Whose the lab is: its bridge and its cache are the machine's, so two checkouts cannot have their labs up together."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from lab import machine

OWNER = machine.CACHE / "owner"


@contextlib.contextmanager
def the_lab(operation: int) -> Iterator[None]:
    """Hold the lab, alone to change it or with others to use copies of its host; refuse another checkout's."""
    with (machine.CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, operation)
        require_ownership()
        yield


def require_ownership() -> None:
    """Refuse to touch the lab of another checkout while it is up."""
    owner = Path(OWNER.read_text().strip()) if OWNER.exists() else machine.STATE
    if owner != machine.STATE and machine.anything_runs(owner):
        raise machine.Refusal(f"the lab of {owner.parent.parent} is up; take it down there first")
