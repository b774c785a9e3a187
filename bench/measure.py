"""What the benchmarks share: running a program with its time and memory, and telling ratios."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

# Set where nothing is to be left behind: Python would compile every module again in each run, which a user's does once.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


class Run(NamedTuple):
    """One run of a program: wall seconds, processor seconds with its children's, and peak memory in bytes."""

    wall: float
    cpu: float
    peak: int
    status: int
    output: str


def run(argv: Sequence[str], seconds: float = 600) -> Run:
    """Run a program to its end in the project's folder; a Python keeps its bytecode, as it does for a user."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun = time.monotonic()
    with subprocess.Popen(
        argv, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if time.monotonic() - begun > seconds:
        print(f"{argv[0]} took longer than {seconds:.0f} s", file=sys.stderr)
    cpu = used.ru_utime + used.ru_stime
    return Run(time.monotonic() - begun, cpu, used.ru_maxrss * 1024, process.returncode, output)


class Ratio(NamedTuple):
    """A figure, what it is to be at most or at least, and what it tells."""

    told: str
    figure: float
    wanted: float
    at_most: bool

    @property
    def holds(self) -> bool:
        return self.figure <= self.wanted if self.at_most else self.figure >= self.wanted


def verdict(ratios: Sequence[Ratio]) -> int:
    """Print the ratios last, and return the program's exit status: 1 when one falls short."""
    print()
    for ratio in ratios:
        wanted = f"{'≤' if ratio.at_most else '≥'} {ratio.wanted:g}"
        print(f"{'ok  ' if ratio.holds else 'MISS'} {ratio.told}: {ratio.figure:.2f} (wanted {wanted})")
    return 0 if all(ratio.holds for ratio in ratios) else 1
