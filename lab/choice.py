"""Which faults a run takes: those asked for by name, the whole matrix, or one part of it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from lab.faults import Fault
from lab.machine import Refusal


@dataclass(frozen=True)
class Choice:
    """The faults of a run, and in words what part of the matrix they are."""

    faults: tuple[Fault, ...]
    told: str
    is_whole: bool


@dataclass(frozen=True)
class Part:
    """One part of so many, counted from 1."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"part {self.number} of {self.of}"


def part(text: str) -> Part:
    """``3/6`` as a part; argparse tells of what is none."""
    found = re.fullmatch("([0-9]{1,4})/([0-9]{1,4})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text!r} is no part such as 3/6")
    return Part(int(found[1]), int(found[2]))


def part_of_the_day(text: str, day: date | None = None) -> Part:
    """The day's, of so many: as many days in a row run the whole matrix, except across a new year."""
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of parts")
    day = day or datetime.now(UTC).date()
    return Part(day.timetuple().tm_yday % int(text) + 1, int(text))


def choose(faults: Iterable[Fault], only: list[str], share: Part | None) -> Choice:
    """The faults whose names hold one of ``only``, and of those one part; what is healthy is in every part."""
    known = sorted(faults, key=lambda fault: fault.name)
    named = [fault for fault in known if not only or any(text in fault.name for text in only)]
    if not named:
        raise Refusal(f"no fault is called {' or '.join(only)}; see --list")
    told = [f"those called {' or '.join(only)}"] if only else []
    if share:
        told.append(str(share))
        sick = [fault for fault in named if not fault.is_healthy]
        # By turns: the faults of one module, which take alike long, are in all parts.
        taken = {fault.name for fault in sick[share.number - 1 :: share.of]}
        named = [fault for fault in named if fault.is_healthy or fault.name in taken]
    count = f"{len(named)} of {len(known)} faults"
    return Choice(
        tuple(named), f"{count}: {', '.join(told)}" if told else f"all {len(known)} faults", len(named) == len(known)
    )
