"""``cutover diff``: what changed between two runs."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cutover.report import run as runs
from cutover.report.run import Run
from cutover.verdict import Verdict

_FIGURE = re.compile(r"\d+(?:[.:]\d+)*")
Key = tuple[str, str]  # a check's file and name


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Enter the command and its options."""
    parser = commands.add_parser("diff", help="tell what changed between two runs; 0 nothing, 1 something, as diff(1)")
    parser.add_argument("before", type=Path, metavar="RUN_A", help="folder of a run, below reports/")
    parser.add_argument("after", type=Path, metavar="RUN_B", help="folder of a later one")
    parser.add_argument("--figures", action="store_true", help="also figures that moved within what was promised")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print what changed."""
    before, after = runs.read(asked.before), runs.read(asked.after)
    lines = list(changes(before, after, figures=asked.figures))
    told = f"{before.about.run} ({before.started:%F %T} UTC) and {after.about.run} ({after.started:%F %T} UTC)"
    print(f"between {told}" if lines else f"nothing changed between {told}")
    print("".join(f"{line}\n" for line in lines), end="")
    return 1 if lines else 0


def changes(before: Run, after: Run, *, figures: bool = False) -> Iterator[str]:
    """What changed, a line each: of the runs themselves, then of each target.

    Where both passed, another figure in what was seen is no change unless ``figures``: no two measurements are alike.
    """
    for run, which in ((before, "first"), (after, "second")):
        if run.about.state != "ended":
            yield f"  the {which} run did not come to its end: what it lacks is no change"
    for name in ("version", "commit"):
        was, now = getattr(before.about, name), getattr(after.about, name)
        if was != now:
            yield f"  {name} of cutover: {was or 'unknown'} -> {now or 'unknown'}"
    for name in dict.fromkeys((*before.about.inputs, *after.about.inputs)):
        if before.about.inputs.get(name) != after.about.inputs.get(name):
            yield f"  {name}: {_came(name in before.about.inputs, name in after.about.inputs)}"
    for target in dict.fromkeys((*before.about.targets, *after.about.targets)):
        was_there, is_there = target in before.about.targets, target in after.about.targets
        if not (was_there and is_there):
            yield f"{target}: {'new' if is_there else 'gone'}"
        elif lines := list(_of_target(before, after, target, figures)):
            yield f"{target}:"
            yield from (f"  {line}" for line in lines)


def _came(was: bool, now: bool) -> str:
    return "changed" if was and now else "added" if now else "taken away"


def _of_target(before: Run, after: Run, target: str, figures: bool) -> Iterator[str]:
    was, now = before.about.targets[target], after.about.targets[target]
    for name in ("host", "phase", "tier"):
        if getattr(was, name) != getattr(now, name):
            yield f"{name}: {getattr(was, name)} -> {getattr(now, name)}"
    if was.addresses != now.addresses:
        yield f"addresses: {', '.join(was.addresses) or 'none'} -> {', '.join(now.addresses) or 'none'}"
    if was.recorded != now.recorded:
        yield "its server's facts: " + ("seen -> recorded" if now.recorded else "recorded -> seen")
    yield from _identity(before, after, target)
    for control, stands in after.standings[target].items():
        stood = before.standings[target].get(control)
        if stood and stood.word != stands.word:
            yield f"{control}: {stood.word} -> {stands.word}"
    # A control that one phase alone has.
    for control in before.standings[target].keys() ^ after.standings[target].keys():
        yield f"{control}: {_came(control in before.standings[target], control in after.standings[target])}"
    yield from _checks(_by_check(before, target), _by_check(after, target), figures)


def _identity(before: Run, after: Run, target: str) -> Iterator[str]:
    said = [
        run.about.sameness[target].end or run.about.sameness[target].start if target in run.about.sameness else {}
        for run in (before, after)
    ]
    for name in dict.fromkeys((*said[0], *said[1])):
        if said[0].get(name) != said[1].get(name):
            yield f"{name}: {said[0].get(name, 'not seen')} -> {said[1].get(name, 'not seen')}"


def _by_check(run: Run, target: str) -> dict[Key, Verdict]:
    return {(verdict.file, verdict.check): verdict for verdict in run.verdicts if verdict.target == target}


def _checks(before: dict[Key, Verdict], after: dict[Key, Verdict], figures: bool) -> Iterator[str]:
    for key in dict.fromkeys((*before, *after)):
        was, now = before.get(key), after.get(key)
        told = now or was
        assert told
        if not was or not now:
            yield f"{_head(told)}: {_came(bool(was), bool(now))} ({told.word})"
            continue
        if was.word != now.word:
            yield f"{_head(told)}: {was.word} -> {now.word}"
        for name in ("promised", "seen", "reason", "waiver"):
            old, new = getattr(was, name), getattr(now, name)
            measured = name == "seen" and was.word == now.word == "passed" and not figures
            if old != new and not (measured and _FIGURE.sub("", old) == _FIGURE.sub("", new)):
                yield f"{_head(told)}: {name} {old or 'nothing'} -> {new or 'nothing'}"


def _head(verdict: Verdict) -> str:
    """Box and check, and of its parameters those that are not the target's name."""
    name, _, rest = verdict.check.removesuffix("]").partition("[")
    rest = rest.removeprefix(verdict.target).lstrip("@-")
    title = name.removeprefix("test_").replace("_", " ")
    return f"{verdict.control_id} {title}" + (f" [{rest}]" if rest else "")
