"""Runs the fault matrix: for each fault a fresh copy of the reference host, and the suite against it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from threading import Semaphore
from typing import NamedTuple
from xml.etree import ElementTree as ET

from lab import deploy
from lab.dns import Tree
from lab.faults import Fault
from lab.host import OPERATOR, Host
from lab.machine import Refusal
from lab.network import API, COPIES, HostSpec

ROOT = Path(__file__).parents[1]
# Not reviewed on the healthy host either: an active probe asks an authority, and needs to be allowed; no load is
# declared beyond the checklist's; and the host is a container, whose kernel is the machine's.
NOT_REVIEWED = {
    "declared_rate_is_answered_in_time",
    "declared_users_are_served_in_time",
    "kernel_believes_no_strangers_routes",
    "kernel_keeps_users_apart",
    "own_locustfile_passes",
    "programs_are_confined_by_the_kernel",
    "rehearsed_renewal_succeeds",
}
SUITE_SECONDS = 600  # a hang guard; a run takes a quarter of a minute


class Seen(NamedTuple):
    """What the suite said: checks by name, which of them decide nothing, and how many verdicts there were."""

    fails: frozenset[str]
    errors: frozenset[str]
    advice: frozenset[str]
    verdicts: int
    status: int


NOTHING = Seen(frozenset(), frozenset(), frozenset(), 0, 0)


@dataclass
class Attempt:
    """One fault tried: what was seen, or why nothing was, and how long each phase took, in seconds."""

    seen: Seen = NOTHING
    trouble: str = ""
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Measure a phase; what the lab or the suite could not do in it is the attempt's trouble."""
        begun = time.monotonic()
        try:
            yield
        except (Refusal, subprocess.TimeoutExpired) as error:
            self.trouble = self.trouble or f"{name}: {error}"
        finally:
            self.seconds[name] = round(time.monotonic() - begun, 1)


Tell = Callable[[Fault, Attempt], None]


def run(faults: Sequence[Fault], layers: list[Path], jobs: int, until: float, tell: Tell) -> None:
    """Try the faults, ``jobs`` at a time, and tell of each; when the clock is past ``until``, none is begun any more.

    One more copy than that boots, or is taken away, while others are verified.
    """
    copies = COPIES[-min(jobs + 1, max(len(faults), 1)) :]
    free: SimpleQueue[HostSpec] = SimpleQueue()
    for spec in copies:
        free.put(spec)
    slots = Semaphore(jobs)

    def one(fault: Fault) -> None:
        spec = free.get()
        try:
            if time.monotonic() < until:
                tell(fault, try_one(fault, spec, layers, slots))
        finally:
            free.put(spec)

    with ThreadPoolExecutor(max_workers=len(copies)) as pool:
        for done in [pool.submit(one, fault) for fault in faults]:
            done.result()


def run_on_dns(faults: Sequence[Fault], tree: Tree, until: float, tell: Tell) -> None:
    """The same for faults of DNS, one after the other."""
    for fault in faults:
        if time.monotonic() >= until:
            return
        attempt = Attempt()
        try:
            with attempt.phase("apply"):
                fault.apply(tree)
            with attempt.phase("verify"):
                attempt.seen = verify(*fault.options, "tests_network/test_dns.py")
        finally:
            with attempt.phase("undo"):
                tree.stop()
                tree.start()
        tell(fault, attempt)


def try_one(fault: Fault, spec: HostSpec, layers: list[Path], slots: Semaphore) -> Attempt:
    """Put one defect into a fresh copy and verify it, when one of the slots is free."""
    attempt, host = Attempt(), Host(spec)
    try:
        with attempt.phase("boot"):
            boot_copy(spec, layers, fault.disk)
        with slots, contextlib.ExitStack() as until_seen:
            with attempt.phase("apply"):
                if not attempt.trouble and (ending := fault.apply(host)):
                    until_seen.enter_context(ending)
            with attempt.phase("verify"):
                if not attempt.trouble:
                    attempt.seen = verify(*options(host), *fault.options)
    finally:
        with attempt.phase("destroy"):
            host.destroy()
    return attempt


def boot_copy(spec: HostSpec, layers: list[Path], disk: str = "") -> Host:
    """A fresh copy of the deployed host, serving."""
    host = Host(spec)
    host.create(layers, disk)
    host.pose_as(API.fqdn)
    host.boot()
    # The clock is known to be right, and the service up, a moment after the boot has ended.
    host.run("! systemctl --quiet is-active chrony || chronyc waitsync 60 0 0 1")
    host.run("for try in $(seq 60); do curl -fsk https://localhost/ >/dev/null && exit; sleep 0.5; done; exit 1")
    return host


def options(host: Host, account: str = OPERATOR) -> list[str]:
    """How the suite is led to a copy."""
    addresses = [word for address in host.spec.addresses for word in ("--address", address)]
    return [*addresses, "--ssh", f"{account}@{host.spec.ipv4}"]


def compare(fault: Fault, seen: Seen) -> str:
    """What differs from what the fault expects; empty when nothing does."""
    told = []
    for word, expected, found in (("failed", fault.fails, seen.fails), ("error", fault.errors, seen.errors)):
        if missed := expected - found:
            told.append(f"not {word}: {', '.join(sorted(missed))}")
        if extra := found - expected:
            told.append(f"{word} too: {', '.join(sorted(extra))}")
    if not seen.verdicts:
        told.append("no verdict at all")
    if (seen.status == 0) == bool((fault.fails | fault.errors) - seen.advice):
        told.append(f"exit status {seen.status}")
    return "; ".join(told)


def verify(*more: str) -> Seen:
    """Verify the reference host, or what these options lead to, by the lab's inventory."""
    deploy.forget_logins(Host(API))
    words: dict[str, set[str]] = {"passed": set(), "failed": set(), "error": set(), "not reviewed": set()}
    advice = set()
    cases, status = judge(more)
    for case in cases.values():
        words[case["verdict"]].add(case["check"])
        if "advice" in case:
            advice.add(case["check"])
    unseen = words["not reviewed"] - NOT_REVIEWED
    return Seen(
        fails=frozenset(words["failed"]),
        errors=frozenset(words["error"] | unseen),
        advice=frozenset(advice),
        verdicts=len(cases),
        status=status,
    )


def judge(options: Sequence[str], inventory: str = "lab/inventory.toml") -> tuple[dict[str, dict[str, str]], int]:
    """What the suite says of a copy: the properties of each case by its name, and the exit status."""
    done = suite(options, inventory)
    report = [line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith("report: ")]
    if not report:
        raise Refusal(f"the suite wrote no report, status {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
    told = {}
    for case in ET.parse(ROOT / report[0]).getroot().iter("testcase"):
        # Behind the equals sign stands what was seen.
        name = (case.get("name") or "").partition(" = ")[0]
        properties = {entry.get("name") or "": entry.get("value") or "" for entry in case.iter("property")}
        if "check" in properties:  # a box without one is answered by others, or by people
            told[name] = properties
    return told, done.returncode


def suite(options: Sequence[str], inventory: str = "lab/inventory.toml") -> subprocess.CompletedProcess[str]:
    """Run the suite against the reference host, or what these options lead to."""
    argv = ["./verify", "-p", "no:cacheprovider", "--inventory", inventory, "--host", API.fqdn, *options]
    # Set where nothing is to be left behind, it would have each of some hundred runs compile every module again.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=SUITE_SECONDS)
