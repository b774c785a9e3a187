"""What a probe that takes long tells meanwhile, for whoever watches the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_listeners: list[Callable[[str], None]] = []


def tell(text: str) -> None:
    """One line, in place of the last one."""
    for listener in _listeners:
        listener(text)


@contextmanager
def heard_by(listener: Callable[[str], None]) -> Iterator[None]:
    """Let it hear all that is told meanwhile, by whichever thread."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
