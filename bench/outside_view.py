"""The whole outside view against the tools that a user would pick for its TLS part alone, on the lab's reference host.

    python bench/outside_view.py [ADDRESS]

Needs the lab (`python -m lab up`, as root), the suite's environment, and testssl.sh (the Debian package). ADDRESS is a
copy's in place of the reference host's. Each is run as a user would run it, pytest's own start included; of ours and
of sslyze's the median of some runs counts, testssl.sh runs once. Response times and load are measured by neither of
them, and take the time that measuring takes: they are told apart.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import ROOT, Ratio, Run, run, verdict

LAB = ROOT / "lab"
HOST, REFERENCE = "api.example.test", "198.51.100.10"
RUNS = 5
# The application takes 5 logins a minute and 20 an hour, and a run tries a right password and a wrong one.
LOGINS_SECONDS = 30


def main() -> int:
    """Measure all three, print every figure, and judge the ratios."""
    address = sys.argv[1] if len(sys.argv) > 1 else REFERENCE
    testssl = shutil.which("testssl.sh") or shutil.which("testssl")
    if testssl is None:
        print("testssl.sh is not here: apt-get install testssl.sh", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as name:
        inventory = write_inventory(Path(name), address)
        pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pyproject.toml"]
        ours = [*pytest, "--inventory", str(inventory), "tests_network", "tests_security"]
        sslyze = [sys.executable, "-P", "-W", "ignore", "-m", "sslyze", f"{HOST}:443{{{address}}}"]
        run([*ours, "--collect-only"])  # for the first time after an installation, all is compiled
        # In turns, so that a busy moment of the machine falls on both.
        rounds = []
        for _ in range(RUNS):
            rounds.append((run(sslyze), run(ours)))
            time.sleep(LOGINS_SECONDS)
        measuring = run([*ours, "tests_perf"])
    alone = median([first for first, _ in rounds], "sslyze alone, its default commands")
    view = median([second for _, second in rounds], f"cutover, the outside view: {tests(rounds[-1][1])}")
    tell(measuring, f"cutover, with response times and load: {tests(measuring)}")
    slow = run([testssl, "--quiet", "--color", "0", "--warnings", "batch", "--ip", address, HOST])
    tell(slow, "testssl.sh")
    return verdict(
        [
            Ratio("our wall time over sslyze's alone", view / alone, 2, True),
            Ratio("testssl.sh's wall time over ours", slow.wall / view, 20, False),
        ]
    )


def write_inventory(folder: Path, address: str) -> Path:
    """The host at one address, as sslyze looks at one, without a way into its server.

    Not reviewed are the server's inside, and where DNS leads, which is to both of its addresses.
    """
    file = folder / "inventory.toml"
    password = f'password_command = ["cat", "{LAB}/state/operator-password"]'
    file.write_text(
        f'[[target]]\nhost = "{HOST}"\naddresses = ["{address}"]\nphase = "pre"\nresolvers = ["198.51.100.53"]\n'
        f'ca = "{LAB}/state/ca.pem"\n[target.credentials]\n{password}\n'
    )
    return file


def tests(done: Run) -> str:
    """pytest's own count."""
    return done.output.strip().splitlines()[-1].strip("= ")


def median(runs: list[Run], told: str) -> float:
    """Print the runs and return the median of their wall times."""
    for one in runs:
        tell(one, told)
    return statistics.median(one.wall for one in runs)


def tell(done: Run, told: str) -> None:
    """One run in a line."""
    print(f"{done.wall:6.2f} s {done.cpu:6.2f} s cpu {done.peak / 2**20:5.0f} MiB  {told}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
