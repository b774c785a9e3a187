"""One run over every hostile peer of the tables: each has its verdict, and nothing of what they send gets through."""

import os
import re
import resource
import subprocess
import sys
import time
from xml.etree import ElementTree as ET

import pytest

from cutover.demo import SERVER_FACTS
from selftest.hostile.peers import CASES, running
from selftest.hostile.table import PASSWORD, SECRETS, VARIABLE
from selftest.rows import ROOT

FOLDERS = ["tests_server", "tests_network", "tests_security"]
RUN_SECONDS = 900.0  # a hang guard, for a machine that is busy with other things
RUN_MEGABYTES = 1200  # at most at a time, of the run or a program of its own; sixty peers send all they can
# What no terminal and no reader may get: control characters, those that turn text around, those nobody sees.
ESCAPES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
OUTCOMES = {"passed", "failed", "error", "not reviewed"}


class Run:
    """What the run printed and wrote, how long it took, and its verdicts by target."""

    def __init__(self, folder):
        environment = {**os.environ, VARIABLE: PASSWORD, "HOSTILE_RECORDED": str(SERVER_FACTS)}
        environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{environment['PATH']}"
        argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", "pyproject.toml", "-rA"]
        argv += ["-p", "selftest.hostile.plugin", "--rootdir", str(folder)]
        begun = time.monotonic()
        with running(folder) as (inventory, port):
            environment["HOSTILE_DNS_PORT"] = str(port)
            self.done = subprocess.run(
                [*argv, "--inventory", str(inventory), *FOLDERS],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                timeout=RUN_SECONDS,
            )
        self.seconds = time.monotonic() - begun
        self.megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        self.stdout = self.done.stdout.decode("utf-8")
        reports = folder / "reports"
        self.files = {str(file.relative_to(reports)): file for file in reports.rglob("*") if file.is_file()}
        (junit,) = reports.glob("*/junit.xml")
        self.junit = ET.fromstring(junit.read_bytes())  # noqa: S314 - our own
        self.verdicts = {}
        for suite in self.junit:
            # A suite of its own tells the boxes that no check looks at.
            found = [each for each in map(told, suite) if "check" in each]
            self.verdicts.setdefault(suite.get("hostname"), []).extend(found)


def told(case):
    found = {entry.get("name"): entry.get("value") for entry in case.iter("property")}
    return found | {"all": "\n".join([*map(str, found.values()), *(entry.get("message") or "" for entry in case)])}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return Run(tmp_path_factory.mktemp("hostile"))


def test_there_are_many():
    assert len(CASES) >= 60


@pytest.mark.parametrize("label", CASES)
def test_a_hostile_peer_has_its_verdict(run, label):
    case, verdicts = CASES[label], run.verdicts[label]
    assert {verdict["verdict"] for verdict in verdicts} <= OUTCOMES
    assert [verdict["reason"] for verdict in verdicts if "defect in" in verdict.get("reason", "")] == []
    fitting = [one for one in verdicts if one["verdict"] == case.word and case.check in one["check"]]
    words = {one.get("reason") or one.get("measured", "") for one in fitting}
    assert any(case.told in word for word in words) if case.told else fitting, (words, verdicts[0].get("reason"))


def test_the_run_ends_as_it_has_to(run):
    assert run.done.returncode == 1, run.stdout[-2000:]
    assert run.done.stderr == b""
    assert not re.search(r'(?m)^\s*File ".*", line \d+', run.stdout)  # which no peer sends
    assert "defect in" not in run.stdout
    assert "INTERNALERROR" not in run.stdout


def test_memory_is_bounded(run):
    assert run.megabytes < RUN_MEGABYTES
    print(f"{len(CASES)} peers, {run.seconds:.0f} s, {run.megabytes:.0f} MB at most")


def texts(run):
    yield "stdout", run.stdout
    yield from ((name, file.read_text("utf-8")) for name, file in run.files.items())


def test_no_secret_is_told_anywhere(run):
    assert [(place, secret) for place, text in texts(run) for secret in SECRETS if secret in text] == []


def test_no_escape_code_gets_through(run):
    found = {}
    for place, text in texts(run):
        if match := ESCAPES.search(text):
            found[place] = text[max(0, match.start() - 60) : match.end() + 30]
    assert found == {}


def test_no_markup_becomes_an_element(run):
    assert {element.tag for element in run.junit.iter()} <= {
        *("testsuites", "testsuite", "testcase", "properties", "property", "failure", "error", "skipped")
    }
