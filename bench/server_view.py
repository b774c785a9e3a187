"""The whole server view against the same assertions as plain testinfra tests, on the lab's reference host.

    python bench/server_view.py [ADDRESS]

Needs the lab (`python -m lab up`, as root), the suite's environment, and for one of the ways: pip install paramiko.
ADDRESS is a copy's in place of the reference host's. Each way is run as a user would run it, pytest's own start
included, at 0 and at 50 ms round trip: each of testinfra's once, then the fastest of them in turns with our own and
with what no way can beat, so that a busy moment of the machine falls on all. Of these the median counts. What no way
can beat is one ssh connection and the time that the commands themselves take on the host.

Ten targets are told twice. Once they are the one host of the lab under ten names, and share two processors with it
and with each other. Once they are hosts with processors of their own: each visit lasts as long as a recorded one
did, and answers what that one answered; only the check of the clock fails there, as that answer is of the past.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import statistics
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.delay import delayed
from bench.measure import ROOT, Ratio, Run, run, verdict

LAB = ROOT / "lab"
# Neither way pays for plugins that happen to be installed.
PYTEST = [
    sys.executable,
    "-m",
    "pytest",
    "-q",
    "-p",
    "no:cacheprovider",
    "-p",
    "no:locust",
    "-p",
    "no:hypothesispytest",
]
PLAIN = [*PYTEST, "--noconftest", "-c", "/dev/null", "--rootdir", str(ROOT / "bench"), "--sudo", "bench/plain"]
# What is judged from the server's inside, without what is compared with the outside or watched under load.
OURS = [
    *PYTEST,
    *("tests_server", "tests_security/test_secrets_on_host.py", "tests_security/test_ssh.py"),
    "tests_perf/test_memory.py",
    *("--deselect", "tests_server/test_certificate_files.py::test_served_certificate_is_the_one_on_disk"),
    *("--deselect", "tests_server/test_logs.py::test_own_requests_are_in_the_access_log"),
    *("--deselect", "tests_server/test_metrics.py::test_metrics_do_not_answer_outside"),
    *("--deselect", "tests_perf/test_memory.py::test_memory_is_left_under_load"),
    *("--deselect", "tests_perf/test_memory.py::test_application_fits_into_its_tier_under_load"),
    *("--deselect", "tests_perf/test_memory.py::test_memory_comes_back_after_load"),
]
RUNS = 3
MANY = 10

# Programs that stand for ssh: one keeps what a visit printed and how long it took, the other lets as much time pass
# and prints it again. A visit is known by its first command, and has a mark of its own.
_VISIT = """#!/bin/sh
for last; do :; done
kept=FOLDER/$(printf %s "$last" | grep -oE 'visit [a-z-]+ [0-9]' | head -n 1 | cut -d' ' -f2)
mark=$(printf %s "$last" | grep -oE '[0-9a-f]{32}' | head -n 1)
"""
RECORD = f"""{_VISIT}
begun=$(date +%s%N)
SSH "$@" >"$kept"
status=$?
echo "$mark $(( ($(date +%s%N) - begun) / 1000000 ))" >"$kept.told"
cat "$kept"
exit $status
"""
REPLAY = f"""{_VISIT}
read -r old ms <"$kept.told"
sleep $(( ms / 1000 )).$(printf %03d $(( ms % 1000 )))
sed "s/$old/$mark/" "$kept"
"""


def main() -> int:
    """Measure all ways at both distances, print every figure, and judge the ratios."""
    if run([sys.executable, "-m", "lab", "status"]).status != 0:
        print("the lab is not up: python -m lab up (as root)", file=sys.stderr)
        return 2
    if importlib.util.find_spec("paramiko") is None:
        print("one of the ways needs: pip install paramiko", file=sys.stderr)
        return 2
    address = sys.argv[1] if len(sys.argv) > 1 else "198.51.100.10"
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the first run")
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        for one_way in (0.0, 0.025):
            folder = Path(name) / str(one_way)
            folder.mkdir()
            with delayed(address, 22, one_way) as port:
                ratios += at_distance(folder, address, port, f"{one_way * 2000:.0f} ms")
    return verdict(ratios)


def at_distance(folder: Path, address: str, port: int, distance: str) -> list[Ratio]:
    """All ways through one forwarded port."""
    config = ssh_config(folder, address, port, "")
    shared = ssh_config(folder, address, port, f"ControlMaster auto\nControlPath {folder}/%C\nControlPersist 20\n")
    single = [*OURS, "--inventory", str(inventory(folder, address, config, 1))]
    compare_assertions(single)

    key = ["--ssh-identity-file", str(LAB / "state" / "id_ed25519")]
    ways = {
        "testinfra ssh://": ["--hosts=ssh://lab", f"--ssh-config={config}"],
        "testinfra ssh:// with a ControlPath": ["--hosts=ssh://lab", f"--ssh-config={shared}"],
        "testinfra paramiko://": ["--hosts=paramiko://lab", f"--ssh-config={config}", *key],
    }
    plain = {}
    for way, options in ways.items():
        plain[way] = run([*PLAIN, *options])
        tell(plain[way], f"{distance}: {way}, {tests(plain[way])}")
    best = min(plain, key=lambda way: plain[way].wall)

    rounds = [
        (run([*PLAIN, *ways[best]]), run(single), run(["ssh", "-F", str(config), "lab", "true"])) for _ in range(RUNS)
    ]
    fastest, ours, floors = zip(*rounds, strict=True)
    theirs = median(fastest, f"{distance}: {best}, {tests(fastest[0])}")
    one = median(ours, f"{distance}: cutover, {tests(ours[0])}")
    floor = median(floors, f"{distance}: ssh host true")
    commands = statistics.median(map(commands_own_time, ours))
    print(f"{commands:6.2f} s  {distance}: the commands' own time on the host")

    several = [*OURS, "--inventory", str(inventory(folder, address, config, MANY))]
    crowded = run(several)
    tell(crowded, f"{distance}: cutover, {MANY} names of the one host, {tests(crowded)}")
    in_turn = MANY * commands
    print(f"{in_turn:6.2f} s  {distance}: their commands alone, one visit after the other")
    with first_on_path(folder, RECORD):
        run(single)
    with first_on_path(folder, REPLAY):
        replayed = median([run(single) for _ in range(RUNS)], f"{distance}: cutover, the visits replayed")
        many = run(several)
    tell(many, f"{distance}: cutover, {MANY} hosts, the visits replayed, {tests(many)}")

    return [
        Ratio(f"{distance}: our wall time over (ssh host true + the commands' own)", one / (floor + commands), 2, True),
        Ratio(f"{distance}: the best testinfra way over ours", theirs / one, 10, False),
        Ratio(f"{distance}: {MANY} hosts over one", many.wall / replayed, 3, True),
    ]


def ssh_config(folder: Path, address: str, port: int, more: str) -> Path:
    """A client configuration that knows the host by the key of the lab's, behind the forwarded port."""
    file = folder / ("ssh-shared" if more else "ssh")
    state = LAB / "state"
    file.write_text(
        f"Host lab lab-*\nHostName 127.0.0.1\nPort {port}\nUser ops\nHostKeyAlias {address}\nBatchMode yes\n"
        f'IdentityFile "{state}/id_ed25519"\nIdentitiesOnly yes\nUserKnownHostsFile "{state}/known_hosts"\n'
        f"StrictHostKeyChecking yes\n{more}"
    )
    return file


def inventory(folder: Path, address: str, config: Path, count: int) -> Path:
    """The lab's own promises for so many targets, each a way to the one host."""
    (promised,) = tomllib.loads((LAB / "inventory.toml").read_text())["target"]
    rows = []
    for number in range(count):
        target = promised | {"name": f"lab-{number}", "addresses": [address], "ca": str(LAB / "state" / "ca.pem")}
        target["server"] = promised["server"] | {"way_in": f"ssh://lab-{number}", "ssh_config": str(config)}
        tables = {key: value for key, value in target.items() if isinstance(value, dict)}
        rows += ["[[target]]", *toml({key: value for key, value in target.items() if key not in tables})]
        for key, table in tables.items():
            rows += [f"[target.{key}]", *toml(table)]
    file = folder / f"{count}.toml"
    file.write_text("\n".join(rows))
    return file


def toml(table: dict[str, object]) -> list[str]:
    """Lines of strings, numbers and lists, which JSON writes in the same way."""
    return [f"{key} = {json.dumps(value)}" for key, value in table.items()]


@contextmanager
def first_on_path(folder: Path, text: str) -> Iterator[None]:
    """A program named ssh that stands before the real one."""
    file = folder / "bin" / "ssh"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text.replace("FOLDER", str(folder)).replace("SSH", shutil.which("ssh") or "ssh"))
    file.chmod(0o700)
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{file.parent}:{path}"
    try:
        yield
    finally:
        os.environ["PATH"] = path


def commands_own_time(ours: Run) -> float:
    """Seconds from the first command's start to the last one's end on the host, by its own clock.

    They run side by side there, and hold each other up: the sum of their times would be more, and flatter us.
    """
    report = next(line.partition(": ")[2] for line in ours.output.splitlines() if line.startswith("report: "))
    file = (ROOT / report).parent / "facts" / "lab-0" / "server.json"
    outputs = json.loads(file.read_text())["facts"]["outputs"].values()
    ends = max(output["began"] + output["seconds"] for output in outputs)
    return float(ends - min(output["began"] for output in outputs))


def compare_assertions(single: list[str]) -> None:
    """Tell how many each side makes, and which of ours have no counterpart of the same name."""
    ours, plain = (names(run([*argv, "--collect-only"])) for argv in (single, [*PLAIN, "--hosts=ssh://lab"]))
    print(f"{sum(ours.values())} assertions of ours, {sum(plain.values())} of the plain tests")
    if lacking := sorted(set(ours) - set(plain)):
        print(f"{'':8}without a counterpart: {', '.join(lacking)}")


def names(collected: Run) -> Counter[str]:
    """The functions' names, and how often each is called."""
    return Counter(re.findall(r"(?m)^\S+::(test_\w+)", collected.output))


def tests(done: Run) -> str:
    """pytest's own count."""
    return done.output.strip().splitlines()[-1].strip("= ")


def median(runs: Sequence[Run], told: str) -> float:
    """Print the runs and return the median of their wall times."""
    for one in runs:
        tell(one, told)
    return statistics.median(one.wall for one in runs)


def tell(done: Run, told: str) -> None:
    """One run in a line."""
    print(f"{done.wall:6.2f} s {done.cpu:6.2f} s cpu {done.peak / 2**20:5.0f} MiB  {told}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
