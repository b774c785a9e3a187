"""The summary on the terminal: sections, what failed, each cause once, what was not seen, and the answer last."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import groupby

import pytest

from cutover.causes import Cause, causes
from cutover.checklist import ADVICE, catalogue
from cutover.inventory import Peer
from cutover.report.conclusion import conclude
from cutover.report.run import Run
from cutover.report.terminal import COLOURS, SYMBOLS
from cutover.standing import Standing
from cutover.verdict import OUTCOMES, Outcome, Verdict, Word


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
        _sections(out, verdicts, run.standings.get(target, {}))
        if sent := run.about.requests.get(target):
            out.line(f"  {sent} HTTP requests were sent to it")
    found = {target: causes(of_target) for target, of_target in run.standings.items()}
    for target, of_target in found.items():
        for cause in of_target:
            _cause(out, run, target, cause)
    told = {(target, each.control_id) for target, of in found.items() for cause in of for each in _all(cause)}
    for verdict in run.verdicts:
        if verdict.outcome == "failed" and (verdict.target, verdict.control_id) not in told:
            out.line("")
            _message(out, verdict)
    _reasons(out, run.verdicts, "error")
    _waived(out, run.verdicts)
    _advice(out, run.verdicts)
    _reasons(out, run.verdicts, "not reviewed")
    conclude(out, run, interrupted)


def _by_target(verdicts: list[Verdict]) -> dict[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        groups.setdefault(verdict.target, []).append(verdict)
    return groups


def _sections(out: pytest.TerminalReporter, verdicts: list[Verdict], of_target: Mapping[str, Standing]) -> None:
    """One line for each section of which a check was judged; boxes that wait for a statement are told with it."""
    order = [section.id for section in catalogue().section]
    judged = sorted(verdicts, key=lambda verdict: order.index(verdict.control.section))
    for section, group in groupby(judged, key=lambda verdict: verdict.control.section):
        found = list(group)
        outcomes = Counter(verdict.outcome for verdict in found)
        counts = ", ".join(f"{outcomes[outcome]} {outcome}" for outcome in reversed(OUTCOMES) if outcomes[outcome])
        unstated = [
            each
            for each in of_target.values()
            if each.control.section == section
            and each.control.judged_by == "attestation"
            and each.word == "not reviewed"
        ]
        # What nobody asks for does not make a section worse.
        decide = {verdict.outcome for verdict in found if not verdict.is_optional} or {*outcomes}
        if unstated:
            decide.add("not reviewed")
            counts += f", {len(unstated)} not stated"
        worst = min(decide, key=OUTCOMES.index)
        number = "" if section == ADVICE else section
        out.write(f"  {SYMBOLS[worst]:7}", **COLOURS[worst])
        out.line(f"{number:>3}  {_heading(section):34}  {counts}")


def _heading(section: str) -> str:
    return next(row.en for row in catalogue().section if row.id == section)


def _all(cause: Cause) -> tuple[Standing, ...]:
    return (cause.root, *cause.explained)


def _cause(out: pytest.TerminalReporter, run: Run, target: str, cause: Cause) -> None:
    """The cause in full, what the checklist says to do, and a line for each failure that it may explain."""
    for verdict in cause.root.verdicts:
        if verdict.word == "failed":
            out.line("")
            _message(out, verdict)
    lines = len(cause.explained)
    out.line("")
    out.line(
        f"{cause.root.control_id} of {target} may explain {lines} more {'box' if lines == 1 else 'boxes'}:",
        **COLOURS["failed"],
    )
    unseen = []
    for standing in cause.explained:
        shown: dict[str, int] = Counter(_brief(verdict) for verdict in standing.verdicts if verdict.word == "failed")
        for told, times in shown.items():
            out.line(f"    {standing.control_id}  {told}" + (f"  ({times} times)" if times > 1 else ""))
        if any(verdict.word == "error" for verdict in standing.verdicts):
            unseen.append(standing.control_id)
    if unseen:
        # Why not is told once, below.
        out.line(f"    could not be looked at: {', '.join(unseen)}")
    for advice in cause.advice(run.about.lang, run.about.targets[target].host):
        out.line(f"    do        {advice}")


def _brief(verdict: Verdict) -> str:
    told = verdict.reason or f"promised {verdict.promised}, seen {verdict.seen}"
    line = " ".join(f"{verdict.title}: {told}".split())
    return line if len(line) <= 200 else f"{line[:199]}…"


def _message(out: pytest.TerminalReporter, verdict: Verdict) -> None:
    head, *rest = verdict.message.split("\n")
    out.line(head, **COLOURS[verdict.word])
    for line in rest:
        out.line(f"    {line}")


def _waived(out: pytest.TerminalReporter, verdicts: list[Verdict]) -> None:
    """A line for each control that somebody answers for, and who does, until when and why."""
    groups: dict[tuple[str, str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.word == "waived":
            groups.setdefault((verdict.target, verdict.control_id, verdict.waiver), []).append(verdict)
    for (target, control, waiver), of_one in groups.items():
        out.line("")
        out.line(f"{control} on {target}: {waiver}", **COLOURS["waived"])
        for told in dict.fromkeys(map(_brief, of_one)):
            out.line(f"    {told}")


def _advice(out: pytest.TerminalReporter, verdicts: list[Verdict]) -> None:
    """Two lines for each advice that was not seen as promised."""
    for verdict in verdicts:
        if verdict.outcome == "advice" and verdict.word == "failed":
            told = verdict.reason or f"promised {verdict.promised}, seen {verdict.seen}"
            out.line("")
            out.line(f"{verdict.control_id} on {verdict.place}: {verdict.title}: {told}", **COLOURS["advice"])
            out.line(f"    mend      {verdict.mend}")


def _reasons(out: pytest.TerminalReporter, verdicts: list[Verdict], word: Word) -> None:
    """One paragraph for each reason why nothing could be judged, with everything that waits for it."""
    reasons: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.word == word:
            reasons.setdefault((verdict.target, verdict.reason), []).append(verdict)
    worst: dict[tuple[str, str], Outcome] = {
        each: min((v.outcome for v in reasons[each]), key=OUTCOMES.index) for each in reasons
    }
    for each in sorted(reasons, key=lambda each: OUTCOMES.index(worst[each])):
        (target, reason), outcome, waiting = each, worst[each], reasons[each]
        told = f"could not look: {reason}" if outcome == "advice" else reason
        out.line("")
        out.line(f"{outcome} on {target}: {told}", **COLOURS[outcome])
        controls = dict.fromkeys(verdict.control_id for verdict in waiting)
        many = "1 check waits" if len(waiting) == 1 else f"{len(waiting)} checks wait"
        out.line(f"    {many} for it: {', '.join(controls)}")
        if word == "error":
            out.line(f"    mend      {waiting[0].mend}")
