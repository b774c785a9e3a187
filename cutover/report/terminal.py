"""The terminal: a line of progress while probing, and a summary by section that is read at a glance."""

from __future__ import annotations

import math
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from cutover.checklist import ADVICE, Catalogue, catalogue
from cutover.inventory import Peer
from cutover.report.run import Run
from cutover.verdict import OUTCOMES, Outcome, Verdict, Word

COLOURS: dict[Outcome, dict[str, bool]] = {
    "passed": {"green": True},
    "failed": {"red": True, "bold": True},
    "error": {"red": True},
    "advice": {"yellow": True},
    "waived": {"yellow": True},
    "not reviewed": {"yellow": True},
}
SYMBOLS: dict[Outcome, str] = {
    "passed": "ok",
    "failed": "FAILED",
    "error": "ERROR",
    "advice": "advice",
    "waived": "waived",
    "not reviewed": "-",
}


class Progress:
    """One line, rewritten as probes end; on what is no terminal, one line at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._out: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
        self._begun = time.monotonic()
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def told(self, job: tuple[str, str], done: int, total: int) -> None:
        """A probe ended."""
        self._done = done
        if self._out and self._out.isatty:
            text = f"looking: {done} of {total} probes done, last: {job[0]} of {job[1]}"
            self._out.rewrite(text, erase=True)

    def live(self, text: str) -> None:
        """What a probe that takes long tells meanwhile; on what is no terminal, nothing."""
        if self._out and self._out.isatty:
            self._out.rewrite(text[: shutil.get_terminal_size().columns - 1], erase=True)

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        if self._out and self._done:
            text = f"looked with {self._done} probes in {time.monotonic() - self._begun:.1f} s"
            if self._out.isatty:
                self._out.rewrite(text, erase=True)
                self._out.line("")
            else:
                self._out.line(text)


class Waiting:
    """Who is waited for: one line, rewritten; on what is no terminal, a line whenever it is somebody else."""

    def __init__(self, config: pytest.Config) -> None:
        self._out: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
        self._last: dict[str, set[str]] = {}

    def told(self, target: str, missing: dict[str, int], seconds: float) -> None:
        """Who does not agree yet, with the seconds until its cache ends, and how long is still waited for it."""
        who = ", ".join(f"{name} in {left} s" if left else name for name, left in missing.items())
        text = f"waiting for DNS of {target}, {math.ceil(seconds / 60)} min at most: {who}"
        if self._out and self._out.isatty:
            self._out.rewrite(text[: shutil.get_terminal_size().columns - 1], erase=True)
        elif self._out and self._last.get(target) != set(missing):
            self._out.line(text)
        self._last[target] = set(missing)


def summarise(
    out: pytest.TerminalReporter,
    run: Run,
    peers: Mapping[str, tuple[Peer, ...]],
    recorded: set[str],
    interrupted: bool,
) -> None:
    """Print a line for each section of each target, then each failure, each cause once, and the advice."""
    if run.waited.exists():
        out.line(run.waited.read_text("utf-8").strip())
    for target, verdicts in _by_target(run.verdicts).items():
        addresses = ", ".join(peer.address or peer.problem for peer in peers.get(target, ()))
        out.section(f"{target} ({addresses})" if addresses else target, sep="-")
        if target in recorded:
            out.line("the server's inside is judged from facts recorded on the lab's host, not from this machine")
        _sections(out, verdicts)
        if sent := run.requests.get(target):
            out.line(f"  {sent} HTTP requests were sent to it")
    for verdict in run.verdicts:
        if verdict.outcome == "failed":
            out.line("")
            _message(out, verdict)
    _causes(out, run.verdicts, "error")
    _advice(out, run.verdicts)
    _causes(out, run.verdicts, "not reviewed")
    _without_verdict(out, run.verdicts)
    _left_out(out, run, interrupted)
    out.line("")
    if run.unwritten:
        out.line(f"report: not whole, {run.unwritten}", **COLOURS["error"])
    else:
        out.line(f"report: {_short(run.folder / 'junit.xml')}")


def _by_target(verdicts: list[Verdict]) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.target, []).append(verdict)
    return groups


def _sections(out: pytest.TerminalReporter, verdicts: list[Verdict]) -> None:
    order = [section.id for section in catalogue().section]
    judged = sorted(verdicts, key=lambda verdict: order.index(verdict.control.section))
    for section, group in groupby(judged, key=lambda verdict: verdict.control.section):
        outcomes = Counter(verdict.outcome for verdict in group)
        worst = next(outcome for outcome in OUTCOMES if outcomes[outcome])
        counts = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in reversed(OUTCOMES) if outcomes[outcome])
        number = "" if section == ADVICE else section
        out.write(f"  {SYMBOLS[worst]:7}", **COLOURS[worst])
        out.line(f"{number:>3}  {_heading(catalogue(), section):34}  {counts}")


def _heading(rows: Catalogue, section: str) -> str:
    return next(row.en for row in rows.section if row.id == section)


def _message(out: pytest.TerminalReporter, verdict: Verdict) -> None:
    head, *rest = verdict.message.split("\n")
    out.line(head, **COLOURS[verdict.word])
    for line in rest:
        out.line(f"    {line}")


def _advice(out: pytest.TerminalReporter, verdicts: list[Verdict]) -> None:
    """Two lines for each advice that was not seen as promised."""
    for verdict in verdicts:
        if verdict.outcome == "advice" and verdict.word == "failed":
            told = verdict.reason or f"promised {verdict.promised}, seen {verdict.seen}"
            out.line("")
            out.line(f"{verdict.control_id} on {verdict.place}: {verdict.title}: {told}", **COLOURS["advice"])
            out.line(f"    mend      {verdict.mend}")


def _causes(out: pytest.TerminalReporter, verdicts: list[Verdict], word: Word) -> None:
    """One paragraph for each cause, with everything that waits for it."""
    causes: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.word == word:
            causes.setdefault((verdict.target, verdict.reason), []).append(verdict)
    worst = {cause: min((v.outcome for v in causes[cause]), key=OUTCOMES.index) for cause in causes}
    for cause in sorted(causes, key=lambda cause: OUTCOMES.index(worst[cause])):
        (target, reason), outcome, waiting = cause, worst[cause], causes[cause]
        told = f"could not look: {reason}" if outcome == "advice" else reason
        out.line("")
        out.line(f"{outcome} on {target}: {told}", **COLOURS[outcome])
        controls = dict.fromkeys(verdict.control_id for verdict in waiting)
        out.line(f"    {len(waiting)} checks wait for it: {', '.join(controls)}")
        if word == "error":
            out.line(f"    mend      {waiting[0].mend}")


def _without_verdict(out: pytest.TerminalReporter, verdicts: list[Verdict]) -> None:
    """What a green summary does not speak of."""
    told = {verdict.control_id for verdict in verdicts}
    boxes = {"checks": "no check of this run", "attestation": "a person has to state them"}
    for judged_by, why in boxes.items():
        rows = [row for row in catalogue().control if row.judged_by == judged_by and not row.is_advice]
        silent = [row.id for row in rows if row.id not in told]
        if silent:
            out.line("")
            out.line(f"{len(silent)} of the checklist's boxes not judged, {why}: {', '.join(silent)}")


def _left_out(out: pytest.TerminalReporter, run: Run, interrupted: bool) -> None:
    """The checks that were collected and not judged, and why."""
    left = run.plan.left(run.verdicts)
    if interrupted:
        out.line("")
        out.line(f"interrupted: what was seen until then is in {_short(run.folder / 'facts')}", **COLOURS["error"])
    for checks, what in ((left, "did not run"), (run.plan.deselected, "were deselected")):
        if checks:
            out.line("")
            out.line(f"{len(checks)} checks {what}: the result speaks only of the rest", **COLOURS["not reviewed"])
            out.line(f"    {', '.join(dict.fromkeys(check.control_id for check in checks))}")


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
