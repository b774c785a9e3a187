"""The fault matrix's report: a row for each fault as soon as it was tried, in ``matrix.md`` and ``matrix.json``.

Both are whole after every row: a run that is killed leaves what it has seen, and says that it has not ended.
"""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.choice import Choice
from lab.faults import Fault
from lab.machine import Refusal

ROOT = Path(__file__).parents[1]
REPORTS = ROOT / "reports" / "faults"
PUBLISHED = ROOT / "docs" / "faults.md"

MANY = 8  # names in one cell; more are counted there, and named in matrix.json


@dataclass(frozen=True)
class Row:
    """What was expected of one fault, and what was seen: checks by name.

    ``differs`` tells in words what was seen otherwise; empty when nothing was. ``seconds`` are those of each phase.
    """

    fault: str
    tells: str
    expected_fails: tuple[str, ...]
    expected_errors: tuple[str, ...]
    fails: tuple[str, ...]
    errors: tuple[str, ...]
    differs: str
    seconds: dict[str, float]

    @property
    def as_expected(self) -> bool:
        return not self.differs


def row(fault: Fault, fails: Iterable[str], errors: Iterable[str], differs: str, seconds: dict[str, float]) -> Row:
    """A row, its names in order."""
    expected = tuple(sorted(fault.fails)), tuple(sorted(fault.errors))
    tells = " ".join(fault.tells.split())
    return Row(fault.name, tells, *expected, tuple(sorted(fails)), tuple(sorted(errors)), differs, seconds)


class Table:
    """The rows of one run, written anew with each; ``ended`` is why there are no more of them."""

    def __init__(self, choice: Choice, place: Path | None = None) -> None:
        """Begin a report in a folder of its own, named by the moment."""
        now = datetime.now(UTC)
        self.folder = place or REPORTS / now.strftime("%Y%m%dT%H%M%SZ")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._rows: list[Row] = []
        self._head = {
            "begun": now.isoformat(timespec="seconds"),
            "commit": commit(),
            "choice": choice.told,
            "whole": choice.is_whole,
            "chosen": len(choice.faults),
        }
        self._write("interrupted")

    def add(self, entry: Row) -> None:
        """Enter a row, from whatever thread."""
        with self._lock:
            self._rows.append(entry)
            self._write("interrupted")

    def end(self, not_run: int) -> None:
        """Say that nothing more comes: all was run, or the time was out."""
        with self._lock:
            self._write(f"out of time, {not_run} not run" if not_run else "complete")

    def _write(self, ended: str) -> None:
        rows = sorted(self._rows, key=lambda entry: entry.fault)
        told = {**self._head, "ended": ended, "faults": [asdict(entry) for entry in rows]}
        replace(self.folder / "matrix.json", json.dumps(told, indent=1) + "\n")
        replace(self.folder / "matrix.md", markdown(told))


def replace(path: Path, text: str) -> None:
    """Whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def markdown(told: dict[str, Any]) -> str:
    """The report to be read: what was run first, then a row for each fault, what was seen otherwise on top."""
    rows = [Row(**entry) for entry in told["faults"]]
    wrong = [entry for entry in rows if not entry.as_expected]
    checks = {name for entry in rows for name in entry.fails}
    lines = [
        "# Fault matrix",
        "",
        f"{len(rows)} faults put into the reference host, {len(rows) - len(wrong)} of them seen exactly as expected: "
        "the checks that are named failed, or could not look, and every other one passed. "
        f"{len(checks)} checks were seen to fail.",
        "",
        f"Run of {told['begun']}, commit {told['commit']}, {told['choice']}, {told['ended']}"
        f"{'' if told['whole'] and told['ended'] == 'complete' else ': not the whole matrix'}. "
        f"Where a cell counts more than {MANY} checks, `lab/faults` and the run's `matrix.json` name them.",
        "",
    ]
    for title, part in (("Seen otherwise", wrong), ("As expected", [entry for entry in rows if entry.as_expected])):
        if part:
            lines += [f"## {title}", "", "| fault | what it is | expected | seen | seconds |", "|---|---|---|---|---|"]
            lines += [_line(entry) for entry in part] + [""]
    return "\n".join(lines)


def _line(entry: Row) -> str:
    expected = _told(entry.expected_fails, entry.expected_errors)
    counts = f"{len(entry.fails)} failed, {len(entry.errors)} could not look"
    seen = f"as expected: {counts}" if entry.as_expected else f"**{entry.differs}**"
    seconds = f"{sum(entry.seconds.values()):.0f}"
    return "| " + " | ".join(_cell(text) for text in (f"`{entry.fault}`", entry.tells, expected, seen, seconds)) + " |"


def _told(fails: tuple[str, ...], errors: tuple[str, ...]) -> str:
    parts = []
    for word, names in (("fail", fails), ("cannot look", errors)):
        if names:
            listed = ", ".join(f"`{name}`" for name in names) if len(names) <= MANY else f"{len(names)} checks"
            parts.append(f"{word}: {listed}")
    return "; ".join(parts) or "all pass"


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def commit() -> str:
    """What was checked out, marked when it was edited."""
    argv = ["git", "describe", "--always", "--abbrev=12", "--dirty=-edited", "--exclude=*"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=30)
    return done.stdout.strip() or "unknown"


def publish(reports: Path = REPORTS, published: Path = PUBLISHED) -> str:
    """Take the table of the last run of the whole matrix as the one that the README shows; in a line, what it says.

    What was tried again since then stands there as it was seen last, and the table says so.
    """
    runs = [json.loads(file.read_text("utf-8")) for file in sorted(reports.glob("*/matrix.json"))]
    whole = [number for number, told in enumerate(runs) if told["whole"] and told["ended"] == "complete"]
    if not whole:
        raise Refusal("no run of the whole matrix has ended; run `python -m lab faults` first")
    told, later = runs[whole[-1]], runs[whole[-1] + 1 :]
    again = {entry["fault"]: entry for run in later for entry in run["faults"]}
    told["faults"] = [again.get(entry["fault"], entry) for entry in told["faults"]]
    if again:
        told["choice"] += f", {len(again)} of them tried again until {later[-1]['begun']}, {later[-1]['commit']}"
    published.parent.mkdir(exist_ok=True)
    replace(published, markdown(told))
    good = sum(not entry["differs"] for entry in told["faults"])
    return f"{published.name}: {good} of {len(told['faults'])} faults as expected ({told['begun']})"
