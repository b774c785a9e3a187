"""One run of the fault matrix: ``python -m lab faults``, from its options to its report and its exit status."""

from __future__ import annotations

import argparse
import fcntl
import math
import time
from collections.abc import Callable
from pathlib import Path

from lab import faults, matrix
from lab.choice import Choice, choose, part, part_of_the_day
from lab.dns import Tree
from lab.faults import Fault
from lab.ownership import the_lab
from lab.table import ROOT, Table, publish, row


def add_options(parser: argparse.ArgumentParser) -> None:
    """What can be asked of a run."""
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="faults with this in their name")
    parts = parser.add_mutually_exclusive_group()
    parts.add_argument("--part", type=part, metavar="I/N", help="one of N parts; what is healthy is in each")
    parts.add_argument(
        "--today", dest="part", type=part_of_the_day, metavar="N", help="the part of N whose turn is today"
    )
    parser.add_argument("--seconds", type=float, default=math.inf, help="begin no further fault after so long")
    parser.add_argument("--jobs", type=int, choices=range(1, 5), default=2, help="copies verified side by side")
    parser.add_argument("--list", action="store_true", dest="listed", help="tell their names and what they are")
    parser.add_argument(
        "--publish", action="store_true", help="take the table of the last whole run over into docs/faults.md"
    )


def chosen(asked: argparse.Namespace) -> Choice:
    """The faults that the options ask for."""
    return choose(faults.load().values(), asked.only, asked.part)


def tell_without_running(asked: argparse.Namespace) -> bool:
    """Do what needs no lab, if that is asked; whether it was."""
    if asked.publish:
        print(publish())
    elif asked.listed:
        for fault in chosen(asked).faults:
            print(f"{fault.name:45} {fault.tells.partition(chr(10))[0]}")
    return bool(asked.publish or asked.listed)


class Tally:
    """Tells of each fault as it is tried, on the terminal and in the table, and counts."""

    def __init__(self, table: Table) -> None:
        """Nothing was tried yet."""
        self._table = table
        self.tried = self.good = 0

    def tell(self, fault: Fault, attempt: matrix.Attempt) -> None:
        """Print a line and write a row."""
        seen = attempt.seen
        differs = attempt.trouble or matrix.compare(fault, seen)
        told = differs or f"{len(seen.fails)} fail, {len(seen.errors)} cannot look"
        total = sum(attempt.seconds.values())
        print(f"{'BAD' if differs else 'ok ':4} {fault.name:50} {total:5.1f} s  {told}", flush=True)
        self._table.add(row(fault, seen.fails, seen.errors, differs, attempt.seconds))
        self.tried += 1
        self.good += not differs


def run(asked: argparse.Namespace, layers: Callable[[], list[Path]], tree: Tree) -> int:
    """Run the chosen faults; 0 when all that were tried were seen as expected, and one was."""
    choice = chosen(asked)
    until = time.monotonic() + asked.seconds
    below = layers()
    table = Table(choice)
    print(f"lab: {choice.told}; table: {table.folder.relative_to(ROOT)}/matrix.md", flush=True)
    tally = Tally(table)
    of_dns = [fault for fault in choice.faults if fault.of == "dns"]
    if of_dns:
        # The name servers are there once, for all hosts.
        with the_lab(fcntl.LOCK_EX):
            matrix.run_on_dns(of_dns, tree, until, tally.tell)
    with the_lab(fcntl.LOCK_SH):
        matrix.run([fault for fault in choice.faults if fault.of == "host"], below, asked.jobs, until, tally.tell)
    not_run = len(choice.faults) - tally.tried
    table.end(not_run)
    print(f"{tally.good} of {tally.tried} faults seen exactly as expected: {choice.told}", flush=True)
    if not_run:
        print(f"{not_run} were not run: the {asked.seconds:.0f} seconds were over", flush=True)
    return 0 if tally.tried and tally.good == tally.tried else 1
