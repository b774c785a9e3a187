"""The whole server view against the same assertions as plain testinfra tests, on the lab's reference host.

    python bench/server_view.py

Needs the lab (`python -m lab up`), the suite's environment, and for one of the ways: pip install paramiko.
Each way is run as a user would run it, pytest's own start included, at 0 and at 50 ms round trip; the median
of some runs counts. The figures of a run stand beside what no way can beat: one ssh connection and the time
that the commands themselves take on the host.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.delay import delayed
from bench.measure import ROOT, Ratio, Run, run, verdict

HOST = "198.51.100.10"
LAB = ROOT / "lab"
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
# What is judged from the server's inside alone.
OURS = ["tests_server", "tests_security", "tests_perf", "-m", "server_view"]
RUNS = 3
MANY = 10


def main() -> int:
    """Measure all ways at both distances, print every figure, and judge the ratios."""
    if run([sys.executable, "-m", "lab", "status"]).status != 0:
        print("the lab is not up: python -m lab up (as root)", file=sys.stderr)
        return 2
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for one_way in (0.0, 0.025):
            with delayed(HOST, 22, one_way) as port:
                ratios += at_distance(folder, port, f"{one_way * 2000:.0f} ms")
    return verdict(ratios)


def at_distance(folder: Path, port: int, distance: str) -> list[Ratio]:
    """All ways through one forwarded port."""
    config = ssh_config(folder, port, "")
    shared = ssh_config(folder, port, f"ControlMaster auto\nControlPath {folder}/%C\nControlPersist 20\n")
    floor = median([run(["ssh", "-F", str(config), "lab", "true"]) for _ in range(RUNS)], f"{distance}: ssh host true")
    ours = [run([*PYTEST, *OURS, "--inventory", str(inventory(folder, config, 1))]) for _ in range(RUNS)]
    one = median(ours, f"{distance}: cutover, {tests(ours[0])}")
    commands = commands_own_time(ours[-1])
    print(f"{'':8}the commands' own time on the host {commands:.2f} s; peak memory {ours[-1].peak / 2**20:.0f} MiB")
    many = run([*PYTEST, *OURS, "--inventory", str(inventory(folder, config, MANY))])
    tell(many, f"{distance}: cutover, {MANY} hosts, {tests(many)}")
    key = ["--ssh-identity-file", str(LAB / "state" / "id_ed25519")]
    ways = {
        "testinfra ssh://": ["--hosts=ssh://lab", f"--ssh-config={config}"],
        "testinfra ssh:// with a ControlPath": ["--hosts=ssh://lab", f"--ssh-config={shared}"],
        "testinfra paramiko://": ["--hosts=paramiko://lab", f"--ssh-config={config}", *key],
    }
    plain = {}
    for way, options in ways.items():
        done = run(
            [
                *PYTEST,
                "--noconftest",
                "-c",
                "/dev/null",
                "--rootdir",
                str(ROOT / "bench"),
                *options,
                "--sudo",
                "bench/plain_testinfra.py",
            ]
        )
        tell(done, f"{distance}: {way}, {tests(done)}")
        plain[way] = done.wall
    return [
        Ratio(
            f"{distance}: our wall time over (ssh host true + the commands' own time)",
            one / (floor + commands),
            2,
            True,
        ),
        Ratio(f"{distance}: the best testinfra way over ours", min(plain.values()) / one, 10, False),
        Ratio(f"{distance}: {MANY} hosts over one", many.wall / one, 3, True),
    ]


def ssh_config(folder: Path, port: int, more: str) -> Path:
    """A client configuration that knows the host by the key of the lab's, behind the forwarded port."""
    file = folder / f"ssh-{port}{'-shared' if more else ''}"
    state = LAB / "state"
    file.write_text(
        f"Host lab lab-*\nHostName 127.0.0.1\nPort {port}\nUser ops\nHostKeyAlias {HOST}\nBatchMode yes\n"
        f'IdentityFile "{state}/id_ed25519"\nIdentitiesOnly yes\nUserKnownHostsFile "{state}/known_hosts"\n'
        f"StrictHostKeyChecking yes\n{more}"
    )
    return file


def inventory(folder: Path, config: Path, count: int) -> Path:
    """An inventory of so many targets, each a way to the one host."""
    file = folder / f"{config.name}-{count}.toml"
    rows = [
        f'[[target]]\nhost = "api.example.test"\nname = "lab-{number}"\naddresses = ["{HOST}"]\n'
        f'ca = "{LAB}/state/ca.pem"\n'
        f'[target.server]\nway_in = "ssh://lab-{number}"\nssh_config = "{config}"\n'
        for number in range(count)
    ]
    file.write_text("\n".join(rows))
    return file


def commands_own_time(ours: Run) -> float:
    """Seconds that the commands of one visit took on the host, by its own clock."""
    report = next(line.partition(": ")[2] for line in ours.output.splitlines() if line.startswith("report: "))
    file = next((ROOT / report).parent.glob("facts/lab-*/server.json"))
    outputs = json.loads(file.read_text())["facts"]["outputs"]
    return sum(output["seconds"] for output in outputs.values())


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
    print(f"{done.wall:6.2f} s {done.cpu:6.2f} s cpu  {told}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
