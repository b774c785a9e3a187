"""What a run itself costs for each target and box, beside looking: collection, judging, reports; at 200 targets.

    python bench/many_targets.py [RUN]

Judges saved facts again, as `--facts` does: those of RUN, a folder of reports/, or of a run of the demo that is made
first. They stand for 200 hosts. What is measured is the processor time of the whole process, which waits for nobody, a
run over one target taken off. The named alternative is pytest itself: as many tests that compare two numbers, with its
own JUnit report.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import ROOT, Ratio, Run, run, verdict
from cutover.checklist import catalogue

MANY = 200
WANTED_MS = 10.0
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pyproject.toml"]
PLAIN = """import pytest
@pytest.mark.parametrize("number", range({count}))
def test_it(number):
    assert number >= 0
"""


def main() -> int:
    """Measure one target and many, and pytest's own tests beside them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seen = Path(sys.argv[1]) if len(sys.argv) > 1 else demo()
        one = judged(multiplied(seen, folder / "one", 1))
        many = judged(multiplied(seen, folder / "many", MANY))
        tests = sum(map(int, re.findall(r"(\d+) (?:passed|failed|error|not reviewed)", last_line(many))))
        (folder / "test_plain.py").write_text(PLAIN.format(count=tests))
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:locust", "-c", "/dev/null"]
        plain = run([*argv, "--rootdir", name, f"--junitxml={name}/junit.xml", f"{name}/test_plain.py"])
    tell(one, "one target")
    tell(many, f"{MANY} targets")
    tell(plain, f"pytest alone, as many tests, its own report: {last_line(plain)}")
    boxes = len(catalogue().control)
    each = (many.cpu - one.cpu) / (MANY - 1) / boxes * 1000
    memory = (many.peak - one.peak) / (MANY - 1) / 2**20
    print(f"{each:6.2f} ms for each of {MANY} targets × {boxes} boxes, {memory:.2f} MiB for each target")
    return verdict(
        [
            Ratio("ms for each target and box", each, WANTED_MS, True),
            Ratio("our processor time over that of as many plain tests", many.cpu / plain.cpu, 10, True),
        ]
    )


def demo() -> Path:
    """The folder of a run of the demo."""
    done = run([*PYTEST, "--host", "demo"])
    return report(done)


def report(done: Run) -> Path:
    """The folder that a run wrote."""
    line = next(line for line in done.output.splitlines() if line.startswith("report: "))
    return (ROOT / line.partition(": ")[2]).parent


def multiplied(seen: Path, folder: Path, count: int) -> Path:
    """The facts of one target of that run under as many names."""
    facts = folder / "facts"
    facts.mkdir(parents=True)
    (row, *_) = json.loads((seen / "facts" / "targets.json").read_text())
    label = row["target"]["name"] or row["target"]["host"]
    rows = []
    for number in range(count):
        name = f"host-{number}"
        # A demo's server was recorded: its promises are of the host that it was.
        named = {key: row[key] and row[key] | {"name": name} for key in ("target", "recorded")}
        rows.append(row | named)
        for place in (seen / "facts").glob(f"{label}*"):
            shutil.copytree(place, facts / place.name.replace(label, name, 1), copy_function=os.link)
    (facts / "targets.json").write_text(json.dumps(rows))
    return folder


def judged(folder: Path) -> Run:
    """Judge it again, and take the report away."""
    done = run([*PYTEST, "--facts", str(folder)], seconds=1200)
    shutil.rmtree(report(done))
    return done


def last_line(done: Run) -> str:
    """pytest's own count."""
    return done.output.strip().splitlines()[-1]


def tell(done: Run, told: str) -> None:
    """One run in a line."""
    print(f"{done.wall:6.2f} s {done.cpu:6.2f} s cpu {done.peak / 2**20:5.0f} MiB  {told}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
