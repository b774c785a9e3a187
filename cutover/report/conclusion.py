"""The end of the terminal's summary: what the result does not speak of, the gate's answer, where the reports are."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutover.report import answer, html, markdown
from cutover.report.run import Run
from cutover.report.terminal import COLOURS
from cutover.report.words import both_times
from cutover.verdict import Word

NAMED = 15  # boxes of one line of the answer; above it stands why


def conclude(out: pytest.TerminalReporter, run: Run, interrupted: bool) -> None:
    """Print it."""
    _without_verdict(out, run)
    _left_out(out, run, interrupted)
    if run.untidy:
        out.line("")
        for told in run.untidy:
            out.line(told, **COLOURS["waived"])
    if run.about.gate:
        _answer(out, run)
    out.line("")
    if run.unwritten:
        out.line(f"report: not whole, {run.unwritten}", **COLOURS["error"])
        return
    out.line(f"to read: {_short(run.folder / html.FILE)}, {markdown.FILE}; for programs: {answer.FILE}, junit.xml")
    out.line(f"report: {_short(run.folder / 'junit.xml')}")


def _without_verdict(out: pytest.TerminalReporter, run: Run) -> None:
    """The boxes that no check looked at and nobody stated: what a green summary does not speak of."""
    silent: dict[str, dict[str, None]] = {"no check of this run": {}, "a person has to state them": {}}
    for of_target in run.standings.values():
        for standing in of_target.values():
            control = standing.control
            if standing.word != "not reviewed" or standing.verdicts or control.is_advice or control.judged_by == "rows":
                continue
            why = "a person has to state them" if control.judged_by == "attestation" else "no check of this run"
            silent[why][control.id] = None
    for why, boxes in silent.items():
        if boxes:
            out.line("")
            out.line(f"{len(boxes)} of the checklist's boxes not judged, {why}: {', '.join(boxes)}")


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


def _answer(out: pytest.TerminalReporter, run: Run) -> None:
    """Yes or no, and what stands in the way: one line for each word and reason of each target."""
    decision = run.decision
    out.section("answer", sep="-")
    if decision.yes:
        until = both_times(answer.answer(run)["valid_until"])
        out.line("YES: every mandatory box was seen as promised, is waived or is attested", **COLOURS["passed"])
        out.line(f"    valid until {until}")
        return
    out.line(f"NO (exit status {decision.status})", **COLOURS["failed"])
    for told in decision.objections:
        out.line(f"    {told}", **COLOURS["error"])
    groups: dict[tuple[str, Word, str], list[str]] = {}
    for standing in decision.blocks:
        if standing.control.judged_by != "rows":
            reason = standing.reason if standing.word == "not reviewed" else ""
            groups.setdefault((standing.target, standing.word, reason), []).append(standing.control_id)
    for (target, word, reason), boxes in groups.items():
        told = f" ({reason})" if reason else ""
        named = ", ".join(boxes[:NAMED]) + (f" and {len(boxes) - NAMED} more" if len(boxes) > NAMED else "")
        out.line(f"    {word} on {target}: {named}{told}", **COLOURS[word])


def _short(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
