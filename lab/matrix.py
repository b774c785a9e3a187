"""Runs the fault matrix: for each fault a fresh copy of the reference host, and the suite against it."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from lab.faults import Fault
from lab.host import Host
from lab.machine import Refusal

ROOT = Path(__file__).parents[1]
SUITE_SECONDS = 600  # a hang guard; a run takes a quarter of a minute


class Seen(NamedTuple):
    """What the suite said: checks by name, and how many verdicts there were."""

    fails: frozenset[str]
    errors: frozenset[str]
    verdicts: int
    status: int


def run(faults: list[Fault], host: Host, layers: list[Path]) -> bool:
    """Run the faults one after the other and print a line for each; whether all were seen as expected.

    ``layers`` is the deployed host's snapshot on its base, from which the host is left as it was.
    """
    good = 0
    try:
        for fault in faults:
            begun = time.monotonic()
            host.create(layers)
            host.boot()
            wait_until_it_serves(host)
            fault.apply(host)
            seen = verify()
            wrong = compare(fault, seen)
            good += not wrong
            told = f"{'ok  ' if not wrong else 'BAD '} {fault.name:45} {time.monotonic() - begun:5.1f} s  "
            print(told + (wrong or f"{len(seen.fails)} fail, {len(seen.errors)} cannot look"), flush=True)
    finally:
        host.create(layers)
        host.boot()
        wait_until_it_serves(host)
    print(f"{good} of {len(faults)} faults seen exactly as expected", flush=True)
    return good == len(faults)


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
    if (seen.status == 0) == bool(fault.fails | fault.errors):
        told.append(f"exit status {seen.status}")
    return "; ".join(told)


def verify() -> Seen:
    """Verify the reference host by the lab's inventory."""
    argv = ["./verify", "-p", "no:cacheprovider", "--inventory", "lab/inventory.toml"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=SUITE_SECONDS)
    report = [line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith("report: ")]
    if not report:
        raise Refusal(f"the suite wrote no report, status {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
    words: dict[str, set[str]] = {"passed": set(), "failed": set(), "error": set(), "not reviewed": set()}
    cases = ET.parse(ROOT / report[0]).getroot().findall(".//testcase")
    for case in cases:
        told = {entry.get("name"): entry.get("value") or "" for entry in case.iter("property")}
        words[told["verdict"] or ""].add(told["check"])
    unseen = words["not reviewed"]
    return Seen(frozenset(words["failed"]), frozenset(words["error"] | unseen), len(cases), done.returncode)


def wait_until_it_serves(host: Host) -> None:
    """The service is up a moment after the boot has ended."""
    host.run("for try in $(seq 60); do curl -fsk https://localhost/ >/dev/null && exit; sleep 0.5; done; exit 1")
