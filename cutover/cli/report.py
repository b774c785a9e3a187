"""``cutover report``: the reports of a run, from its folder; for one that was killed, for the first time."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from cutover.errors import UsageError
from cutover.report import folder, sums
from cutover.report.run import read


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Enter the command and its options."""
    parser = commands.add_parser("report", help="write the reports of a run that was killed, from what it left")
    parser.add_argument("folder", type=Path, metavar="RUN", help="folder of a run: reports/<time>")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Write them beside what is there. A run that ended has its own, and they may be signed: those stay."""
    run = read(asked.folder)
    # The sums are the last that a run writes: one that was killed just before did not end either.
    if run.about.state != "running" and (asked.folder / sums.FILE).exists():
        raise UsageError(f"{asked.folder}: this run {run.about.state} and has its reports")
    run.about = replace(run.about, state="running", ended="")
    try:
        folder.write(run)
    except OSError as error:
        raise UsageError(f"{asked.folder}: cannot be written: {error.strerror or error}") from None
    print(f"{len(run.verdicts)} verdicts, the run did not end; reports in {asked.folder}")
    return 0
