"""Honest: whatever is taken away in the middle of a run, nothing passes that was not seen, and the answer is no."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lab import faults, matrix
from lab.host import OPERATOR, Host
from lab.machine import Refusal, call
from lab.network import API, DESK, at_a_desk, inside
from lab.privilege import DEFECTS
from lab.promises.trial import GATE, Started, Trial

ENDS_SECONDS = 420  # of a run that is cut off: what hangs is cut, at the latest a visit after 300 s
_DROP = "table inet cut {{ chain {hook} {{ type filter hook {hook} priority 0; {what} drop; }}; }}"


def _dropped(hook: str, what: str) -> Callable[[Host], None]:
    """Take packets from the operator's desk away without a word."""

    def cut(copy: Host) -> None:
        rule = _DROP.format(hook=hook, what=what)
        call([*inside(DESK.namespace), "chroot", copy.root, "nft", rule])

    return cut


def _inside(script: str) -> Callable[[Host], None]:
    return lambda copy: copy.run(script) and None


class Cut(NamedTuple):
    """One way to take something away, how to give it back, and until which part of the looking that is noticed."""

    do: Callable[[Host], None]
    undo: Callable[[Host], None] = lambda copy: None
    until: float = 0.9


_SUDOERS = f"/etc/sudoers.d/{OPERATOR}"
CUTS = {
    "network cut": Cut(_dropped("output", "oifname eth0")),
    "ssh dropped": Cut(_dropped("output", "tcp dport 22")),
    "sshd killed": Cut(
        _inside("systemctl stop ssh ssh.socket; pkill -KILL sshd; true"), _inside("systemctl start ssh")
    ),
    "DNS cut": Cut(_dropped("output", "meta l4proto { tcp, udp } th dport 53"), until=0.0),
    "sudo refused": Cut(_inside(f"mv {_SUDOERS} /root/ops.sudoers"), _inside(f"mv /root/ops.sudoers {_SUDOERS}")),
}
MOMENTS, FEW_MOMENTS = 4, 1
FEW_HEALTHY = 2
# Seen from outside; the others are seen inside.
MORE_DEFECTS = ("web.redirect-is-302", "tls.old-protocols-in-earnest")


def prove(trial: Trial) -> bool:
    """Cut off runs on the healthy host, then on one with defects, none of which may pass unseen.

    In short, each way to cut is tried once, on the one or the other by chance.
    """
    needs = _needs(trial)
    many = MOMENTS if trial.full else FEW_MOMENTS
    drawn = trial.moments.sample(list(CUTS), k=len(CUTS))
    healthy, with_defects = (drawn, drawn) if trial.full else (drawn[:FEW_HEALTHY], drawn[FEW_HEALTHY:])
    kept = _all(trial, healthy, many, 0, needs)
    known = faults.load()
    defects = (*DEFECTS, *MORE_DEFECTS)
    for name in defects:
        known[name].apply(trial.copy)
    return kept & _all(trial, with_defects, many, len(defects), needs)


def _all(trial: Trial, names: list[str], many: int, defects: int, needs: dict[str, list[str]]) -> bool:
    kept, usual = _usual(trial, defects)
    for name in names:
        cut, hit = CUTS[name], False
        for number in range(many):
            part = cut.until * (number + trial.moments.random()) / many
            good, noticed = _one(trial, name, cut, part, usual, needs)
            kept, hit = kept & good, hit | noticed
        if not hit:
            kept = trial.tell(False, f"{name}: noticed by no run")
    return kept


class Usual(NamedTuple):
    """What an undisturbed run says, and how long it looks."""

    verdicts: dict[str, str]
    defects: int
    seconds: float


def _usual(trial: Trial, defects: int) -> tuple[bool, Usual]:
    with at_a_desk() as words:
        run = trial.start(*GATE, words=words)
        marks: list[float] = []
        status = run.end(lambda: _note(marks, run))
    seen = run.verdicts()
    counts = ", ".join(f"{many} {word}" for word, many in Counter(seen.values()).most_common())
    good = (status == 0) != bool(defects) and len(marks) == 2
    trial.tell(good, f"undisturbed, with {defects} defects: {counts}; status {status}, {run.seconds:.0f} s")
    return good, Usual(seen, defects, marks[-1] - marks[0] if marks else run.seconds)


def _note(marks: list[float], run: Started) -> None:
    """When it began to look, and when it had seen everything."""
    folder = run.folder()
    if not marks and run.looks():
        marks.append(time.monotonic())
    if len(marks) == 1 and folder and (folder / "facts" / "requests.json").exists():
        marks.append(time.monotonic())


def _one(
    trial: Trial, name: str, cut: Cut, part: float, usual: Usual, needs: dict[str, list[str]]
) -> tuple[bool, bool]:
    """Cut off one run; whether it was honest, and whether it noticed at all."""
    with at_a_desk() as words:
        run = trial.start(*GATE, words=words)
        try:
            while not run.looks() and run.process.poll() is None:
                time.sleep(0.02)
            time.sleep(part * usual.seconds)
            cut.do(trial.copy)
            try:
                status = run.end()
            finally:
                cut.undo(trial.copy)
        finally:
            run.kill()
    seen, folder, said = run.verdicts(), run.folder(), run.said()
    if folder is None:
        raise Refusal(f"the run has no folder: {said[-500:]}")
    wrong = [
        f"passed without facts: {each}" for each in seen if seen[each] == "passed" and _unseen(folder, needs[each])
    ]
    wrong += [
        f"{usual.verdicts.get(each)} undisturbed and now passed: {each}"
        for each in seen
        if seen[each] == "passed" and usual.verdicts.get(each) in ("failed", "error")
    ]
    whole = {each for each in seen if seen[each] != "not reviewed"} >= {
        each for each in usual.verdicts if usual.verdicts[each] != "not reviewed"
    }
    noticed = "error" in seen.values() or seen != usual.verdicts
    if noticed and (status == 0 or run.answer() != "no"):
        wrong.append(f"answer {run.answer()}, status {status}")
    if not whole:
        wrong.append(f"{len(usual.verdicts.keys() - seen.keys())} checks without a verdict, or not reviewed")
    if "Traceback" in said or "defect in" in said:
        wrong.append(f"a defect: {said[max(0, said.find('Traceback')) :][:1500]}")
    if run.seconds > ENDS_SECONDS:
        wrong.append("took too long")
    counts = ", ".join(f"{many} {word}" for word, many in Counter(seen.values()).most_common())
    host = f"with {usual.defects} defects" if usual.defects else "healthy"
    what = f"{name} at {part:.0%} of the looking, {host}: {counts}; status {status}, {run.seconds:.0f} s"
    return trial.tell(not wrong, "; ".join([what, *wrong])), noticed


def _unseen(folder: Path, files: list[str]) -> bool:
    """Whether something that a check rests on was not seen in that run."""
    for name in files:
        file = folder / "facts" / name
        if not file.exists() or "facts" not in json.loads(file.read_text("utf-8")):
            return True
    return False


def _needs(trial: Trial) -> dict[str, list[str]]:
    """The facts that each check rests on."""
    with tempfile.NamedTemporaryFile() as file:
        aim = ["--inventory", "lab/inventory.toml", "--host", API.fqdn, *matrix.options(trial.copy), *GATE]
        done = subprocess.run(
            ["./verify", "-p", "no:cacheprovider", "-p", "lab.promises.needs", "--collect-only", "-q", *aim],
            cwd=matrix.ROOT,
            env={**os.environ, "CUTOVER_LAB_NEEDS": file.name},
            capture_output=True,
            text=True,
            timeout=120,
        )
        text = file.read().decode()
    if done.returncode or not text:
        raise Refusal(f"what the checks rest on cannot be told: {done.stdout[-300:]}{done.stderr[-300:]}")
    needs: dict[str, list[str]] = json.loads(text)
    return needs
