"""The words a check is written with: ``control``, ``seen`` and ``promised``.

    @control("12.redirect")
    def test_http_is_redirected_with_301(redirect):
        '''Why it matters.

        Mend: what to do on the host.
        '''
        assert seen(redirect.status, where=redirect.url) == promised(301)

``seen`` and ``promised`` return their argument unchanged and note it, so that a verdict, passed or failed,
tells exactly the two values that were compared.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Set
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

T = TypeVar("T")


def control(control_id: str) -> pytest.MarkDecorator:
    """Name the checklist's box that a check serves. An id that is not in the catalogue is a usage error."""
    return pytest.mark.control(control_id)


@dataclass
class Reading:
    """What one check compared: the values, how they read, and where the sight was taken."""

    seen: Any = None
    promised: Any = None
    seen_text: str | None = None
    promised_text: str | None = None
    where: str = ""

    def told(self) -> tuple[str, str]:
        """Promised and seen as text, down to what differs when both are mappings."""
        promised, seen = self.promised, self.seen
        if isinstance(promised, Mapping) and isinstance(seen, Mapping) and promised != seen:
            keys = [key for key in {**promised, **seen} if promised.get(key) != seen.get(key)]
            promised = {key: promised.get(key) for key in keys}
            seen = {key: seen.get(key) for key in keys}
        return (
            self.promised_text if self.promised_text is not None else show(promised),
            self.seen_text if self.seen_text is not None else show(seen),
        )


_reading: ContextVar[Reading] = ContextVar("reading")


def start_reading() -> Reading:
    """A fresh reading for the check that is about to run in this context."""
    reading = Reading()
    _reading.set(reading)
    return reading


def seen(value: T, text: str | None = None, *, where: str = "") -> T:
    """Note ``value`` as what was seen, ``text`` as how to tell it, ``where`` as the place; return it."""
    reading = _reading.get(None) or start_reading()
    reading.seen, reading.seen_text = value, text
    reading.where = where or reading.where
    return value


def promised(value: T, text: str | None = None) -> T:
    """Note ``value`` as what was promised, ``text`` as how to tell it (say, "at least 4 GB"); return it."""
    reading = _reading.get(None) or start_reading()
    reading.promised, reading.promised_text = value, text
    return value


def show(value: object) -> str:
    """A value as a person would write it: no quotes, no brackets, ``nothing`` or ``none`` where there is none."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case Mapping():
            return "; ".join(f"{key}: {show(item)}" for key, item in value.items()) or "nothing"
        case Set():
            return ", ".join(sorted(map(show, value))) or "none"
        case list() | tuple():
            return ", ".join(map(show, value)) or "none"
        case float():
            return f"{value:.3g}"
        case _:
            return str(value)


@dataclass(frozen=True, slots=True)
class Doc:
    """The two parts of a check's docstring, which is its published text."""

    why: str
    mend: str

    @classmethod
    def of(cls, function: Callable[..., object]) -> Doc:
        """Read it from a check."""
        return cls.read(inspect.getdoc(function) or "")

    @classmethod
    def read(cls, text: str) -> Doc:
        """Read it from a docstring; both parts are on one line each, whatever their layout was."""
        why, _, mend = text.partition("Mend:")
        return cls(" ".join(why.split()), " ".join(mend.split()))
