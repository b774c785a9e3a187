"""The faults: one deliberate defect of the reference host each, with exactly what the suite must say of it.

A fault is a function that makes an operator's mistake on the running host, in a module named for the part
that is broken. Its docstring tells the mistake. ``fails`` are the checks that must fail, ``errors`` those
that must say that they could not look; every other check must pass. Checks go by the name of their function
without ``test_``. ``options`` are given to the suite beside those that lead it to the host. ``disk`` is the size
of the host's own disk, in tmpfs's words; without it, it has the machine's. A fault that is a context manager
ends after the suite has looked.

A fault ``of`` DNS changes the lab's name servers and not a host: only the checks of 2.dns are run, by name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal

from lab.dns import Tree
from lab.host import Host

Ending = AbstractContextManager[None] | None
Apply = Callable[[Host], Ending] | Callable[[Tree], None]


@dataclass(frozen=True)
class Fault:
    """One row of the fault matrix."""

    name: str
    tells: str
    fails: frozenset[str]
    errors: frozenset[str]
    apply: Apply
    options: tuple[str, ...] = ()
    of: Literal["host", "dns"] = "host"
    disk: str = ""

    @property
    def is_healthy(self) -> bool:
        """Whether all is well, and whatever the suite says is a false no."""
        return not self.fails and not self.errors


FAULTS: dict[str, Fault] = {}


def fault(
    *,
    fails: Iterable[str] = (),
    errors: Iterable[str] = (),
    options: tuple[str, ...] = (),
    of: Literal["host", "dns"] = "host",
    disk: str = "",
) -> Callable[[Apply], Apply]:
    """Enter a function into the matrix under its module's and its own name."""

    def enter(function: Apply) -> Apply:
        name = f"{function.__module__.rpartition('.')[2]}.{function.__name__.replace('_', '-')}"
        assert name not in FAULTS
        tells = (function.__doc__ or "").strip()
        FAULTS[name] = Fault(name, tells, frozenset(fails), frozenset(errors), function, options, of, disk)
        return function

    return enter


def load() -> dict[str, Fault]:
    """All faults of all modules, in the modules' order."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return FAULTS
