"""Checks of somebody's own, in a folder beside ours: testinfra's ``host`` is the target there, never this machine."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE = 120.0  # seconds: a hang guard
NAME = "api.example.test"
OWN = '''
from cutover.check import control, promised, seen


@control("9.logs")
def test_host_is_asked(host):
    """Because.

    Mend: turn it on
    """
    assert seen(host.run("echo here").stdout.strip()) == promised("{promised}")


@control("14.access-log")
def test_host_knows_files(host, target):
    """Because.

    Mend: turn it on
    """
    assert seen(host.file("/").is_directory) == promised(True)
'''
OUTSIDE = '''
from cutover.check import control, promised, seen


@control("12.redirect")
def test_redirect(redirect):
    """Because.

    Mend: turn it on
    """
    assert seen(redirect.answers["/"].status) == promised(301)
'''


@pytest.fixture
def own(tmp_path):
    """Runs checks in a folder outside the project, with the plugins that ./verify has; status, output, verdicts."""
    reports = tmp_path / "root"
    (tmp_path / "our_checks").mkdir()
    reports.mkdir()

    def run(checks, *options, way_in="", rootdir=reports):
        (tmp_path / "our_checks" / "test_ours.py").write_text(checks)
        if way_in:
            inventory = tmp_path / "hosts.toml"
            server = f'[target.server]\nway_in = "{way_in}"\n'
            inventory.write_text(f'[[target]]\nhost = "{NAME}"\naddresses = ["127.0.0.1"]\n{server}')
            options = (f"--inventory={inventory}", *options)
        argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", "pyproject.toml", "--rootdir", rootdir]
        done = subprocess.run(
            [*argv, *options, tmp_path / "our_checks"],
            cwd=ROOT,
            env={key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "CUTOVER_"))},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        words = {}
        for file in reports.glob("reports/*/evidence.jsonl"):
            for line in file.read_text("utf-8").splitlines():
                told = json.loads(line)["verdict"]
                words[re.sub(r"\[.*", "", told["check"])] = told["word"]
        return done.returncode, done.stdout + done.stderr, words

    return run


@pytest.mark.parametrize("options", [(), ("-n2",)], ids=["alone", "two processes"])
def test_host_is_the_targets_way_in(own, options):
    status, told, words = own(OWN.format(promised="here"), *options, way_in="local://")
    assert words == {"test_host_is_asked": "passed", "test_host_knows_files": "passed"}, told
    assert status == 0


def test_what_host_says_can_fail(own):
    status, told, words = own(OWN.format(promised="there"), way_in="local://")
    assert (status, words["test_host_is_asked"]) == (1, "failed")
    assert "    promised  there\n    seen      here\n" in told


def test_a_host_that_is_not_there_is_one_cause_and_never_this_machine(own):
    status, told, words = own(OWN.format(promised="here"), way_in="ssh://ops@127.0.0.1:1")
    assert (status, set(words.values())) == (1, {"error"})
    assert told.count("error on ") == 1
    assert "    2 checks wait for it: 9.logs, 14.access-log\n" in told
    assert "    mend      try the same way by hand: ssh ops@127.0.0.1:1\n" in told


NOT_REVIEWED = {
    "no way in": (["--host", NAME, "--address", "127.0.0.1"], "no way into the server is declared; give --ssh"),
    "recorded": (["--host", "demo"], "asks the server itself, and its facts are recorded ones"),
}


@pytest.mark.parametrize(("options", "why"), NOT_REVIEWED.values(), ids=NOT_REVIEWED)
def test_without_a_way_in_nothing_is_judged(own, options, why):
    status, told, words = own(OWN.format(promised="here"), *options)
    assert (status, set(words.values())) == (5, {"not reviewed"})
    assert f": {why}" in told


def test_testinfras_own_option_would_name_another_machine(own):
    status, told, _ = own(OWN.format(promised="here"), "--hosts", "local://", way_in="local://")
    assert status == 4
    assert "ERROR: --hosts is testinfra's and names no target: say the way in with --ssh, or in an inventory\n" in told


def test_facts_of_an_earlier_run_have_no_host(own, tmp_path):
    own(OUTSIDE, "--host", "demo")
    (folder,) = (tmp_path / "root" / "reports").iterdir()
    status, told, words = own(OWN.format(promised="here") + OUTSIDE, "--facts", folder)
    assert (status, words["test_host_is_asked"], words["test_redirect"]) == (0, "not reviewed", "passed"), told


def test_a_gate_asks_for_our_boxes_too(own, tmp_path):
    """An own folder alone is no answer: what stands in ours was not asked for."""
    (tmp_path / "root" / "tests_server").symlink_to(ROOT / "tests_server")
    (tmp_path / "root" / "tests_security").symlink_to(ROOT / "tests_security")
    status, told, words = own(OUTSIDE, "--host", "demo", "--gate")
    assert (status, words) == (9, {"test_redirect": "passed"}), told
    (file,) = (tmp_path / "root").glob("reports/*/verdict.json")
    (target,) = json.loads(file.read_text("utf-8"))["targets"].values()
    (block,) = [each for each in target["blocks"] if each["control"] == "1.os"]
    assert "not asked for" in block["reason"]
