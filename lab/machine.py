"""The machine the lab runs on: what it must offer, where the lab keeps things, which processes are ours."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

# Resolved: a second checkout works on the same lab when its state is a link to the first one's.
STATE = (Path(__file__).parent / "state").resolve()
CACHE = Path(os.environ.get("CUTOVER_LAB_CACHE", "/var/cache/cutover-lab"))

# Documentation ranges (RFC 5737, RFC 3849): nobody else's addresses can be meant by them.
IPV4_RANGE = ip_network("198.51.100.0/24")
IPV6_RANGE = ip_network("2001:db8::/32")

# Each program the lab runs, and the Debian package that brings it.
TOOLS = {
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "knotc": "knot",
    "keymgr": "knot",
    "knotd": "knot",
    "mount": "mount",
    "nsenter": "util-linux",
    "openssl": "openssl",
    "pebble": "pebble",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unbound": "unbound",
    "unbound-control": "unbound",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class Refusal(Exception):
    """The lab cannot run here, or a step of it failed: one line that says why, exit status 2."""


def require_machine() -> None:
    """Refuse, in one line, a machine that cannot carry the lab."""
    if not sys.platform.startswith("linux"):
        raise Refusal("the lab needs Linux")
    if os.geteuid() != 0:
        raise Refusal("the lab needs root: it makes network namespaces, mounts and containers")
    missing = {f"{tool} ({package})" for tool, package in TOOLS.items() if shutil.which(tool) is None}
    if not KEYRING.exists():
        missing.add(f"{KEYRING.name} (debian-archive-keyring)")
    if missing:
        raise Refusal(f"missing tools, with their Debian packages: {', '.join(sorted(missing))}")


def make_directories() -> None:
    """The lab's two places; keys and passwords lie in its state, so only root may look."""
    CACHE.mkdir(parents=True, exist_ok=True)
    STATE.mkdir(mode=0o700, exist_ok=True)
    STATE.chmod(0o700)


def call(argv: Sequence[str | Path], timeout: float = 120) -> str:
    """Run a program to its end and return what it said; a failure is a Refusal with its last line."""
    command = [str(word) for word in argv]
    try:
        done = subprocess.run(command, input="", capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise Refusal(f"no end within {timeout:.0f} s: {' '.join(command)}") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Refusal(f"{' '.join(command)}: {said[-1] if said else f'status {done.returncode}'}")
    return done.stdout


def call_json(argv: Sequence[str]) -> list[dict[str, Any]]:
    """The answer of a program that speaks JSON; no output is an empty list."""
    answer: list[dict[str, Any]] = json.loads(call(argv) or "[]")
    return answer


def wait_for(what: str, true: Callable[[], bool], seconds: float, every: float = 0.1) -> None:
    """Wait until ``true()``; a Refusal names what did not come."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise Refusal(f"{what} did not come within {seconds:.0f} s")
        time.sleep(every)


@dataclass(frozen=True)
class Daemon:
    """A process that outlives ``up``, known by pid *and* start time: a pid alone may be another's by now."""

    name: str

    @property
    def record(self) -> Path:
        return STATE / f"{self.name}.pid"

    @property
    def log(self) -> Path:
        return STATE / f"{self.name}.log"

    def start(self, argv: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
        """Start the program with its output in the log, detached from this terminal."""
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        self.adopt(process.pid)

    def adopt(self, pid: int) -> None:
        """Take a process that one of ours has started for ours."""
        self.record.write_text(f"{pid} {_start_time(pid)}\n")

    @property
    def pid(self) -> int | None:
        """Its pid, if the very process that was started still runs."""
        return _recorded(self.record)

    def require(self) -> int:
        """Its pid; that it has ended is a Refusal with the last line of its log."""
        if (pid := self.pid) is not None:
            return pid
        said = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        raise Refusal(f"{self.name} has ended: {said[-1] if said else 'it said nothing'}")

    def stop(self, seconds: float = 10) -> None:
        """End it: a request first, and after ``seconds`` the kill."""
        for number, patience in ((signal.SIGTERM, seconds), (signal.SIGKILL, 10)):
            if (pid := self.pid) is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
                end = time.monotonic() + patience
                while self.pid is not None and time.monotonic() < end:
                    time.sleep(0.05)
        self.record.unlink(missing_ok=True)


def anything_runs(state: Path) -> bool:
    """Whether a process that a lab with this state directory has started still runs."""
    return any(_recorded(record) is not None for record in state.glob("*.pid"))


def _recorded(record: Path) -> int | None:
    try:
        pid, started = record.read_text().split()
    except (FileNotFoundError, ValueError):
        return None
    return int(pid) if _start_time(int(pid)) == started else None


def _start_time(pid: int) -> str | None:
    """When the kernel started this pid, in clock ticks since boot; None when it has ended."""
    try:
        # The command name, in brackets, may itself hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else fields[19]
