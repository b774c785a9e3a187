"""Crash: whenever a run is killed, what it had judged can be read, nothing of it runs on, and the next run works."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from lab import matrix
from lab.promises.trial import Started, Trial

# On the demo, and on the copy; in the fewer, each of the two in a way of its own.
KILLS, FEW_KILLS = (40, 10), (5, 3)
EARLY = 5  # one in so many is killed before it has anything to lose
LEFT_SECONDS = 10.0
# Under -n the controller is killed, and its workers see to themselves.
WAYS = ((), (), ("-n", "2"))


class Kind(NamedTuple):
    """Runs against the one or the other, in one way; how long they take undisturbed, in all and to have a folder."""

    demo: bool
    options: tuple[str, ...]
    seconds: float
    to_folder: float


def prove(trial: Trial) -> bool:
    """Kill runs at moments drawn by chance, from their first to their last."""
    on_demo, on_copy = KILLS if trial.full else FEW_KILLS
    kept, killed = True, 0
    for demo, many in ((True, on_demo), (False, on_copy)):
        kinds = [_undisturbed(trial, demo, options) for options in dict.fromkeys(WAYS)]
        for number in range(many):
            options = WAYS[number % len(WAYS)]
            kind = next(kind for kind in kinds if kind.options == options)
            kept &= _kill_once(trial, kind, f"{number + 1} of {many}", early=number % EARLY == 0)
            killed += 1
        after = trial.start(demo=demo)
        status = after.end()
        what = f"the run after them on {'the demo' if demo else 'the copy'}: status {status}"
        kept &= trial.tell(status == 0, f"{what}, {len(after.verdicts())} verdicts")
    return trial.tell(kept, f"{killed} runs killed")


def _undisturbed(trial: Trial, demo: bool, options: tuple[str, ...]) -> Kind:
    run = trial.start(*options, demo=demo)
    _wait_for_folder(run)
    to_folder = time.monotonic() - run.begun
    run.end()
    return Kind(demo, options, run.seconds, to_folder)


def _wait_for_folder(run: Started) -> None:
    while not run.folder() and run.process.poll() is None:
        time.sleep(0.02)


def _kill_once(trial: Trial, kind: Kind, number: str, early: bool, again: int = 2) -> bool:
    """Kill one run, some time after it has begun or, most often, after it has a folder; another if it was faster."""
    moment = trial.moments.uniform(0, kind.to_folder if early else kind.seconds - kind.to_folder)
    run = trial.start(*kind.options, demo=kind.demo)
    if not early:
        _wait_for_folder(run)
    time.sleep(moment)
    ended = run.process.poll() is not None
    if ended and again:
        return _kill_once(trial, kind, number, early, again - 1)
    had = sorted({_name(words) for words in run.left().values()})
    run.kill()
    gone = time.monotonic()
    while (left := run.left()) and time.monotonic() < gone + LEFT_SECONDS:
        time.sleep(0.1)
    took = time.monotonic() - gone
    inside = _left_inside(trial, run, gone) if not kind.demo else ""
    wrong = [f"still runs: {words}" for words in left.values()]
    if inside:
        wrong.append(f"still runs on the host: {inside}")
    told, bad = _evidence(run, ended)
    wrong += bad
    where = f"{'demo' if kind.demo else 'copy'}{' -n 2' if kind.options else ''}"
    since = "its start" if early else "its folder"
    what = f"{number} on {where}, {moment:.2f} s after {since}: {told}; it ran {', '.join(had) or 'nothing'}"
    return trial.tell(not wrong, f"{what}, gone {took:.1f} s later{''.join(f'; {each}' for each in wrong)}")


def _name(words: str) -> str:
    """What a process is, from its command line."""
    module = re.search(r" -m (\S+)", words)
    return module[1] if module else words.partition(" ")[0].rpartition("/")[2]


def _left_inside(trial: Trial, run: Started, since: float) -> str:
    """What of a visit still runs on the host, after the time it may."""
    while True:
        words = trial.copy.run("ps -u ops -o args= | grep -v '^(sd-pam)\\|systemd --user' || true").stdout.strip()
        if not words or time.monotonic() > since + LEFT_SECONDS:
            return words[:200].replace("\n", " / ")
        time.sleep(0.2)


def _evidence(run: Started, ended: bool) -> tuple[str, list[str]]:
    """What can be read of a killed run, and what is wrong with it."""
    folder = run.folder()
    if folder is None:
        return "before it had a folder", []
    journal = folder / "evidence.jsonl"
    whole = journal.read_bytes().count(b"\n") if journal.exists() else 0
    finished = ended or (folder / "SHA256SUMS").exists()
    if not finished:
        done = _cutover("report", str(folder))
        if done.returncode or not done.stdout.startswith(f"{whole} verdicts, the run did not end"):
            return f"{whole} verdicts", [f"cutover report: status {done.returncode}: {done.stdout}{done.stderr}"]
        if run.answer() != "no":
            return f"{whole} verdicts", [f"answer {run.answer()!r}"]
    checked = _cutover("check-evidence", str(folder))
    wrong = [] if checked.returncode == 0 else [f"check-evidence: {checked.stdout}{checked.stderr}"]
    reports = ("junit.xml", "report.html", "report.md", "verdict.json")
    wrong += [f"no {name}" for name in reports if not (folder / name).exists()]
    state = json.loads((folder / "run.json").read_text("utf-8"))["state"]
    if state != ("ended" if finished else "running"):
        wrong.append(f"run.json says {state}")
    return f"{whole} verdicts, {'all reports' if finished else 'reports made, answer no'}", wrong


def _cutover(*words: str) -> subprocess.CompletedProcess[str]:
    program = Path(matrix.ROOT, ".venv/bin/cutover")
    return subprocess.run([program, *words], cwd=matrix.ROOT, capture_output=True, text=True, timeout=120)
