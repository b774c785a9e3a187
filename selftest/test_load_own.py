"""A locustfile of the user's own, and a run that is interrupted in the middle of its load."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cutover.probes import load
from selftest.load_servers import QUIET, believed, page, peer_of
from selftest.test_load import NAME, PATIENCE, own, reply, serving

THEIRS = """
from locust import FastHttpUser, HttpUser, constant, task

class Fast(FastHttpUser):
    wait_time = constant(0.02)
    @task
    def home(self):
        self.client.get("/")

class Usual(HttpUser):
    wait_time = constant(0.02)
    @task
    def home(self):
        with self.client.get("/usual", catch_response=True) as response:
            if b"Knowledge" not in (response.content or b""):
                response.failure(f"not the page: {response.error}")
"""


def test_a_locustfile_of_ones_own_speaks_to_the_declared_address(authority, ca, tmp_path):
    (tmp_path / "theirs.py").write_text(THEIRS)
    stages = {"own": {"locustfile": str(tmp_path / "theirs.py"), "users": 4, "seconds": 1}}
    with serving(own(authority), page, keep=True) as server:
        facts = believed(load.own, peer_of(server, ca, stages))
    assert set(server.names) == {NAME}
    paths = {request.split(" ")[1] for request in server.asked}
    assert paths == {"/", "/usual"}
    assert facts.failures == {}
    assert 20 < len(facts.samples) <= len(server.asked) - QUIET
    assert {sample.status for sample in facts.samples} == {200}
    assert "theirs.py at 127.0.0.1, 4 users for 1 s" in facts.evidence[0].asked


RAISING = """
class Raising(FastHttpUser):
    wait_time = constant(0.1)
    @task
    def home(self):
        self.client.get("/")
        raise KeyError("it")
"""


def test_failures_of_ones_own_locustfile(authority, ca, tmp_path):
    """A task that raises has not passed either. Few enough of all fail on the host that the stage is not stopped."""
    (tmp_path / "theirs.py").write_text(THEIRS + RAISING)
    stages = {"own": {"locustfile": str(tmp_path / "theirs.py"), "users": 6, "seconds": 4}}
    wrong = (reply(503), reply(429), reply(404), b"")
    answer = lambda n: wrong[n // 4 % 4] if n % 4 == 1 and n >= QUIET else page()  # noqa: E731
    with serving(own(authority), answer, keep=True) as server:
        facts = believed(load.own, peer_of(server, ca, stages))
    assert set(facts.failures) >= {"5xx", "429", "4xx", "other"}
    assert facts.causes["other"] == "its task raised KeyError: 'it'"


def test_a_stranger_with_anothers_certificate_gets_nothing_of_ones_own_locustfile(authority, ca, tmp_path):
    (tmp_path / "theirs.py").write_text(THEIRS)
    stages = {"own": {"locustfile": str(tmp_path / "theirs.py"), "users": 4, "seconds": 1}}
    with serving(authority.issue_cert("other.example.test"), page) as server:
        peer = peer_of(server, ca, stages)
        stage = {"users": 4, "requests": 1000, "seconds": 1.0}
        facts = load._drive(peer, stage, seconds=1.0, own=tmp_path / "theirs.py")
    assert server.asked == []
    assert set(facts.failures) == {"tls"}


ROOT = Path(__file__).parents[1]
ENDS_SECONDS = 1.0  # from Ctrl-C to the end of all load


@pytest.mark.parametrize("terminal", [True, False])
def test_ctrl_c_ends_the_load_and_leaves_the_reports(authority, ca, tmp_path, terminal):
    """A run as a person makes it, on a terminal or not, with a stage that would go on for minutes."""
    with serving(own(authority), page, keep=True) as server:
        port = server.server_address[1]
        file = tmp_path / "inventory.toml"
        file.write_text(
            f'[[target]]\nhost = "{NAME}"\naddresses = ["127.0.0.1"]\nca = "{ca}"\nresolvers = ["127.0.0.77"]\n'
            f"[target.ports]\nhttps = {port}\n[target.load]\nopen = {{ rate = 50, seconds = 200 }}\n"
        )
        argv = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "--rootdir", str(tmp_path)]
        argv += [
            "-p",
            "no:cacheprovider",
            f"--inventory={file}",
            "--load",
            "-k",
            "declared_rate",
            str(ROOT / "tests_perf"),
        ]
        surroundings = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "CUTOVER_"))}
        surroundings |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "TERM": "xterm", "COLUMNS": "160"}
        ours, theirs = os.openpty() if terminal else os.pipe()
        with subprocess.Popen(argv, cwd=ROOT, env=surroundings, stdout=theirs, stderr=theirs) as run:
            os.close(theirs)
            told = []
            reader = threading.Thread(target=lambda: told.extend(read_all(ours)))
            reader.start()
            end = time.monotonic() + PATIENCE
            while len(server.asked) < QUIET + 100 and time.monotonic() < end:
                time.sleep(0.05)
            run.send_signal(signal.SIGINT)
            time.sleep(ENDS_SECONDS)
            asked = len(server.asked)
            run.wait(PATIENCE)
            reader.join(PATIENCE)
        time.sleep(0.2)
        assert len(server.asked) == asked
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    (report,) = tmp_path.glob("reports/*/junit.xml")
    sent = json.loads((report.parent / "facts" / "requests.json").read_text())
    assert sent[NAME] >= QUIET
    text = b"".join(told).decode()
    assert "interrupted: what was seen until then is in " in text
    assert ("50/s offered: " in text) == terminal


def read_all(descriptor):
    """What is written to a pipe or a terminal until its last writer closes it."""
    while True:
        try:
            block = os.read(descriptor, 65536)
        except OSError:  # a terminal's way to tell
            block = b""
        if not block:
            os.close(descriptor)
            return
        yield block
