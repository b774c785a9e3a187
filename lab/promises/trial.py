"""A run of the suite as a process that can be watched, disturbed and killed, and what it left."""

from __future__ import annotations

import ctypes
import json
import os
import random
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab import deploy, matrix, statements
from lab.host import Host
from lab.machine import STATE, Refusal
from lab.network import API

REPORTS = matrix.ROOT / "reports"
RUN_SECONDS = 600  # a hang guard
_PR_SET_CHILD_SUBREAPER = 36

# With these the gate opens on a healthy copy. Its renewal cannot be rehearsed: the authority asks the name, which leads
# to the reference host.
WAIVERS = STATE / "waivers-of-a-copy.toml"
GATE = ("--gate", "--allow-active", "--attestations", str(statements.FILE), "--waivers", str(WAIVERS))
WAIVER = """\
[[waiver]]
control = "6.renewal"
target = "{target}"
reason = "a copy: the name leads to the reference host, so the authority does not find this one"
approver = "the lab"
expires = {expires}
"""


def write_waivers() -> None:
    """Write what opens the gate."""
    expires = datetime.now(UTC).date() + timedelta(days=2)
    WAIVERS.write_text(WAIVER.format(target=API.fqdn, expires=expires), "utf-8")


@dataclass(frozen=True)
class Trial:
    """What a promise is held against. ``moments`` are drawn from a seed that is told."""

    copy: Host
    promise: str
    full: bool
    moments: random.Random

    def tell(self, good: bool, what: str) -> bool:
        """Print a line; whether it was good."""
        print(f"{'ok ' if good else 'BAD'} {self.promise:11} {what}", flush=True)
        return good

    def start(self, *options: str, demo: bool = False, words: Sequence[str] = ()) -> Started:
        """Begin a run against the copy, or against the demo; ``words`` come before the command."""
        if demo:
            return Started([*words, "./verify", "-p", "no:cacheprovider", "--host", "demo", *options])
        for host in (self.copy, Host(API)):
            deploy.forget_logins(host)
        aim = ["--inventory", "lab/inventory.toml", "--host", API.fqdn, *matrix.options(self.copy)]
        return Started([*words, "./verify", "-p", "no:cacheprovider", *aim, *options])


@dataclass
class Started:
    """A run that was begun. Its own token, a plugin that is nowhere and so left out, stands in its ``run.json``."""

    argv: list[str]
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    others: frozenset[int] = field(default_factory=lambda: frozenset(descendants()))

    def __post_init__(self) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the run
        self.begun = time.monotonic()
        argv = [*self.argv, "-p", f"no:{self.token}"]
        self.process = subprocess.Popen(argv, cwd=matrix.ROOT, stdout=self._said, stderr=subprocess.STDOUT)

    def end(self, meanwhile: Callable[[], object] = lambda: None, every: float = 0.1) -> int:
        """Wait for its end; the exit status. Refusal when there is none."""
        while self.process.poll() is None:
            if time.monotonic() - self.begun > RUN_SECONDS:
                self.kill()
                raise Refusal(f"no end of the run within {RUN_SECONDS} s: {self.said()[-500:]}")
            meanwhile()
            time.sleep(every)
        self.seconds = time.monotonic() - self.begun
        return self.process.returncode

    def kill(self) -> None:
        """SIGKILL, to the run's own process and no other."""
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """What it printed until now."""
        self._said.seek(0)
        return self._said.read().decode("utf-8", "replace")

    def left(self) -> dict[int, str]:
        """Its processes that still run, by what they are: nobody else begins any below this process."""
        found = descendants(self.others)
        return {pid: found[pid] for pid in found.keys() - {self.process.pid}}

    def folder(self) -> Path | None:
        """Where it reports; None before it has begun to."""
        for file in sorted(REPORTS.glob("*/run.json"), reverse=True):
            if self.token in file.read_text("utf-8"):
                return file.parent
        return None

    def looks(self) -> bool:
        """Whether it has begun to look."""
        folder = self.folder()
        return bool(folder and (folder / "facts" / ".lock").exists())

    def verdicts(self) -> dict[str, str]:
        """The word of each check that was judged."""
        folder = self.folder()
        file = folder / "evidence.jsonl" if folder else None
        lines = file.read_text("utf-8").splitlines() if file and file.exists() else []
        told: list[dict[str, Any]] = [json.loads(line)["verdict"] for line in lines]
        return {f"{each['file']}::{each['check']}": each["word"] for each in told}

    def bad(self) -> str:
        """The checks that did not pass and were reviewed, for a line."""
        return "; ".join(f"{name} {word}" for name, word in self.verdicts().items() if word in ("failed", "error"))

    def answer(self) -> str:
        """What ``verdict.json`` says; empty without one."""
        folder = self.folder()
        file = folder / "verdict.json" if folder else None
        return str(json.loads(file.read_text("utf-8"))["answer"]) if file and file.exists() else ""


def become_reaper() -> None:
    """Let what a killed run leaves behind come to this process, so that all of it is found."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def descendants(besides: frozenset[int] = frozenset()) -> dict[int, str]:
    """The processes below this one, by their command lines; not those that have ended and wait to be taken away.

    Nor those in ``besides`` and what is below them: a booted host is below whoever booted it.
    """
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state, parent, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if state not in "ZX":
                parents[int(entry.name)] = int(parent)
    found: dict[int, str] = {}
    mine = {os.getpid()}
    while mine := {
        pid for pid, parent in parents.items() if parent in mine and pid not in found and pid not in besides
    }:
        for pid in mine:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                words = b""
            found[pid] = words.decode("utf-8", "replace").strip()[:200]
    return found
