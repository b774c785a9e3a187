"""What a run tells beside its verdicts: others' failures, crashed workers, what was left out, how it was cut off."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from selftest.pki import head_of, tcp

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0  # seconds: a hang guard
NAME = "api.example.test"

HEAD = """
import os
import signal
from cutover.check import control, promised, seen
"""
CHECK = '''
@control("{control}")
def test_{name}({facts}):
    """Because.

    Mend: turn it on
    """
    {body}
'''
GOOD, BAD = "assert seen(1) == promised(1)", "assert seen('sight') == promised('promise')"
SUDDEN = "os.kill(os.getpid(), signal.SIGKILL)"
OTHER = "\ndef test_of_another_kind():\n    assert [1, 2] == [1, 3]\n"


def check(name, body=GOOD, control="12.redirect", facts="target"):
    return CHECK.format(name=name, body=body, control=control, facts=facts)


THREE = check("kept") + check("broken", BAD) + check("third", control="12.certificate")


class Runner:
    """Runs checks of its own in ``folder``, against a target on loopback."""

    def __init__(self, folder):
        self.folder = folder

    def start(self, checks, *options, port=1, before=None, **environment):
        (self.folder / "test_own.py").write_text(HEAD + checks)
        inventory = self.folder / "inventory.toml"
        inventory.write_text(
            f'[[target]]\nhost = "{NAME}"\naddresses = ["127.0.0.1"]\n[target.limits]\nanswer_seconds = 3\n'
            f"[target.ports]\nclosed = [2]\nhttp = {port}\nhttps = {port}\nssh = {port}\n"
        )
        return subprocess.Popen(
            [*self.argv, "--inventory", inventory, *options, self.folder / "test_own.py"],
            cwd=ROOT,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=before,
        )

    @property
    def argv(self):
        own = ["-p", "no:cacheprovider", "-p", "cutover.plugin", "-c", "pyproject.toml", "--rootdir", self.folder]
        return [sys.executable, "-m", "pytest", *own]

    @property
    def environment(self):
        base = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "CUTOVER_"))}
        return base | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}

    def run(self, checks, *options, **more):
        """The exit status, and what was printed."""
        return self.end(self.start(checks, *options, **more))

    def end(self, process):
        out, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, out

    def verdicts(self):
        """Word and reason by check, as junit.xml has them."""
        (report,) = self.folder.glob("reports/*/junit.xml")
        told = {}
        for case in ET.parse(report).iter("testcase"):  # noqa: S314 - our own
            found = {entry.get("name"): entry.get("value") for entry in case.find("properties")}
            if "check" in found:
                told[found["check"]] = (found["verdict"], found.get("reason", ""))
        return told


@pytest.fixture
def runner(tmp_path):
    return Runner(tmp_path)


def test_another_test_s_failure_is_told_as_pytest_tells_it_and_ours_once(runner):
    status, out = runner.run(THREE + OTHER)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "assert [1, 2] == [1, 3]" in out
    assert re.search(r"(?m)^FAILED .*test_own\.py::test_of_another_kind", out)
    assert out.count("seen      sight") == 1
    assert not re.search(r"(?m)^(FAILED|_+) .*test_broken", out)
    assert "2 failed, 2 passed" in out


@pytest.mark.parametrize("options", [["-v", "-rA", "--tb=long"], ["-q"], ["--tb=no"], ["--tb=line"]], ids=" ".join)
def test_no_option_tells_a_verdict_in_pytest_s_own_way(runner, options):
    _, out = runner.run(THREE + OTHER, *options)
    assert out.count("seen      sight") == 1
    assert not re.search(r"(?m)^(FAILED|PASSED|_+) .*test_(broken|kept)", out)


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_check_whose_worker_crashed_is_an_error(runner, processes):
    checks = check("kept") + check("sudden", SUDDEN, "12.certificate") + OTHER
    status, out = runner.run(checks, "-p", "xdist", "-n", processes)
    assert status == pytest.ExitCode.TESTS_FAILED
    found = runner.verdicts()
    assert {name: word for name, (word, _) in found.items()} == {"kept": "passed", "sudden": "error"}
    assert re.fullmatch(r"worker 'gw\d' crashed while running 'test_own\.py::test_sudden\[.*\]'", found["sudden"][1])
    assert out.count("crashed while running") == 1
    assert re.search(rf"(?m)^error on {NAME}: worker 'gw\d' crashed .*\n    1 check waits for it: 12.certificate", out)
    assert "assert [1, 2] == [1, 3]" in out


LEFT_OUT = {
    "-k": (["-k", "kept or another"], {}),
    "--deselect": (["--deselect", "test_own.py::test_broken", "--deselect", "test_own.py::test_third"], {}),
    "PYTEST_ADDOPTS": ([], {"PYTEST_ADDOPTS": "-k kept"}),
    "-n": (["-p", "xdist", "-n", "2", "-k", "kept"], {}),
}


@pytest.mark.parametrize(("options", "environment"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_what_was_deselected_is_told(runner, options, environment):
    _, out = runner.run(THREE, *options, **environment)
    told = "2 checks were deselected: the result speaks only of the rest\n    12.redirect, 12.certificate\n"
    assert told in out


def test_all_of_it_deselected_is_told_too(runner):
    status, out = runner.run(THREE + OTHER, "-m", "not control")
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "3 checks were deselected" in out


def test_nothing_is_said_of_nothing(runner):
    _, out = runner.run(THREE)
    for word in ("deselected", "did not run", "interrupted"):
        assert word not in out


@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n", "1"]], ids=["alone", "-n"])
def test_what_did_not_run_is_told(runner, options):
    # xdist calls it an interruption.
    status, out = runner.run(check("broken", BAD) + check("third", control="12.certificate"), "-x", *options)
    assert status == (pytest.ExitCode.INTERRUPTED if options else pytest.ExitCode.TESTS_FAILED)
    assert "1 checks did not run: the result speaks only of the rest\n    12.certificate\n" in out


@pytest.mark.parametrize("options", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "-n"])
def test_the_journal_has_each_verdict_once(runner, options):
    runner.run(THREE, *options)
    (journal,) = runner.folder.glob("reports/*/evidence.jsonl")
    lines = map(json.loads, journal.read_text().splitlines())
    checks = sorted(line["verdict"]["check"].partition("[")[0] for line in lines)
    assert checks == ["test_broken", "test_kept", "test_third"]


def test_an_interrupted_look_is_saved_and_told(runner):
    asked = threading.Event()

    def serve(client):
        if head_of(client):
            asked.set()
            time.sleep(PATIENCE)

    with tcp(serve) as port:
        process = runner.start(check("both", facts="ports, redirect"), port=port)
        assert asked.wait(PATIENCE)
        time.sleep(0.5)  # for the look at the ports, which answer at once
        process.send_signal(signal.SIGINT)
        status, out = runner.end(process)
    assert status == pytest.ExitCode.INTERRUPTED
    (ports,) = runner.folder.glob("reports/*/facts/*/ports.json")
    assert f'"{port}": "open"' in ports.read_text()
    assert f"\ninterrupted: what was seen until then is in {ports.parents[1]}\n" in out
    assert "1 checks did not run" in out
    assert "Traceback" not in out


UNWRITABLE = {
    "no folder": lambda folder: (folder / "reports").write_text("in the way"),
    "no folder for this run": lambda folder: (folder / "reports").symlink_to(folder / "none" / "nowhere"),
}


@pytest.mark.parametrize("prepare", UNWRITABLE.values(), ids=UNWRITABLE)
def test_reports_that_cannot_be_written_are_told_below_the_summary(runner, prepare):
    prepare(runner.folder)
    with tcp(head_of) as port:
        status, out = runner.run(check("kept") + check("looked", facts="ports"), port=port)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert re.search(r"(?m)^  ok      12  Security +2 passed$", out)
    assert len(re.findall(r"(?m)^report: not whole, /\S+ cannot be written: \w[\w ]+$", out)) == 1
    assert "Traceback" not in out


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))


def test_a_full_disk_leaves_no_half_report(runner):
    with tcp(head_of) as port:
        status, out = runner.run(check("looked", facts="ports"), port=port, before=small_files)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "1 passed" in out
    assert "cannot be written: File too large" in out
    assert [file.name for file in runner.folder.glob("reports/*/**/*") if file.is_file()] == [".lock"]


def test_processes_that_cannot_share_do_not_look_each_by_itself(runner):
    (runner.folder / "reports").write_text("in the way")
    asked = []

    def serve(client):
        asked.append(client)

    with tcp(serve) as port:
        status, out = runner.run(check("looked", facts="ports"), "-p", "xdist", "-n", "2", port=port)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert re.search(rf"(?m)^error on {NAME}: under -n processes share what they see, and /\S+ cannot be written", out)
    assert asked == []
