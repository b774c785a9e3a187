"""Runs the catalogue: all servers at once, the suite over all of them in one run, a line for each case."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from lab.machine import Refusal
from lab.tls.authority import HOST
from lab.tls.cases import CASES, GRADE, NO_GRADE, Case
from lab.tls.servers import require_tools, serving

ROOT = Path(__file__).parents[2]
CHECKS = [
    "tests_security/test_certificate.py",
    "tests_security/test_tls.py",
    "tests_security/test_headers.py::test_hsts_on_every_https_surface",
]
SUITE_SECONDS = 900  # a hang guard; a run takes a minute


class Seen(NamedTuple):
    """What the suite said of one case: checks by name, and what it measured for the grade."""

    fails: frozenset[str]
    errors: frozenset[str]
    grade: str


def run(only: list[str]) -> int:
    """Serve and verify the cases whose names hold one of ``only``, all without any; 0 when all is as expected."""
    require_tools()
    cases = [case for case in CASES if not only or any(part in case.name for part in only)]
    if not cases:
        raise Refusal(f"no case is called {' or '.join(only)}; there is {', '.join(case.name for case in CASES)}")
    with tempfile.TemporaryDirectory(prefix="cutover-tls-") as name:
        folder = Path(name)
        with serving(cases, folder) as ports:
            seen = verify(write_inventory(ports, folder))
    good = 0
    for case in cases:
        wrong = compare(case, seen[case.name])
        good += not wrong
        print(f"{'BAD' if wrong else 'ok ':4} {case.name:30} {wrong or seen[case.name].grade}")
    print(f"{good} of {len(cases)} cases judged exactly as expected")
    return 0 if good == len(cases) else 1


def write_inventory(ports: dict[str, int], folder: Path) -> Path:
    """A target for each case, all of one name."""
    rows = [
        f'[[target]]\nhost = "{HOST}"\nname = "{name}"\naddresses = ["127.0.0.1"]\nca = "root.pem"\n'
        f"ports = {{ https = {port} }}\n"
        for name, port in ports.items()
    ]
    file = folder / "inventory.toml"
    file.write_text("\n".join(rows))
    return file


def verify(inventory: Path) -> dict[str, Seen]:
    """Run the suite over the inventory, and read its report."""
    argv = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*argv, *CHECKS, "--inventory", str(inventory)], cwd=ROOT, capture_output=True, text=True, timeout=SUITE_SECONDS
    )
    report = [line.partition(": ")[2] for line in done.stdout.splitlines() if line.startswith("report: ")]
    if not report:
        raise Refusal(f"the suite wrote no report, status {done.returncode}: {done.stdout[-500:]} {done.stderr[-500:]}")
    cases: dict[str, list[ET.Element]] = {}
    for suite in ET.parse(ROOT / report[0]).getroot():
        cases.setdefault(suite.get("hostname") or "", []).extend(suite)
    return {target: read(of) for target, of in cases.items()}


def read(cases: list[ET.Element]) -> Seen:
    """One target's verdicts; beside them stand the boxes that no check looks at."""
    every = ({entry.get("name"): entry.get("value") or "" for entry in case.iter("property")} for case in cases)
    told = [each for each in every if "check" in each]
    words: dict[str, set[str]] = {}
    for verdict in told:
        words.setdefault(verdict["verdict"], set()).add(verdict["check"])
    grade = next((verdict.get("measured", "") for verdict in told if verdict["check"] == GRADE), "")
    unseen = words.get("error", set()) | words.get("not reviewed", set())
    return Seen(frozenset(words.get("failed", set())), frozenset(unseen), grade or NO_GRADE)


def compare(case: Case, seen: Seen) -> str:
    """What differs from what the case expects; empty when nothing does."""
    told = []
    letter = seen.grade.partition(" ")[0].partition(":")[0]
    if letter != case.grade:
        told.append(f"grade {case.grade} expected, seen {seen.grade}")
    for word, expected, found in (("failed", case.fails, seen.fails), ("error", case.errors, seen.errors)):
        if missed := expected - found:
            told.append(f"not {word}: {', '.join(sorted(missed))}")
        if extra := found - expected:
            told.append(f"{word} too: {', '.join(sorted(extra))}")
    return "; ".join(told)
