"""Probes: all I/O. A probe returns facts or raises ProbeError; it never judges."""

from __future__ import annotations

import importlib
import threading
from typing import Any

# Two threads that import libraries whose modules import each other may find one of them half made.
ONE_AT_A_TIME = threading.RLock()


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module
    """A probe's module, imported when it is first asked for: a visit to a server waits for no HTTP client."""
    try:
        with ONE_AT_A_TIME:
            return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{name}":
            raise
        raise AttributeError(name) from None
