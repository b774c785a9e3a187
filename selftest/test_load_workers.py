"""The load probe with more than one process: here, and where a program named ssh leads to."""

import os
import signal
import stat
import sys
import threading
from collections import Counter

import pytest

from cutover.errors import ProbeError
from cutover.probes import load, locust
from cutover.promised_load import DeclaredLoad
from selftest.load_servers import LOOKS, OPEN, QUIET, REQUESTS, believed, descendants, page, peer_of, words_of
from selftest.test_load import PATIENCE, own, serving


def test_processes_share_exactly_the_requests(authority, ca):
    with serving(own(authority), page, keep=True) as server:
        facts = load.kept(peer_of(server, ca, OPEN | {"processes": 3}))
    assert Counter(sample.worker for sample in facts.samples) == {0: 34, 1: 33, 2: 33}
    assert len(server.asked) - QUIET == facts.requests == 100
    assert len(server.connections) - LOOKS == facts.concurrency == 10
    assert facts.workers == 3


SSH = """#!/bin/sh
echo "$@" >>'{log}'
{refuses}
for word; do case $before in -R) way=$word;; esac; before=$word; done
echo "Allocated port ${{way##*:}} for remote forward to 127.0.0.1:${{way##*:}}" >&2
exec sh -c "$word"
"""


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    """A program named ssh that leads to this machine, and writes down how it was called."""

    def install(refuses=""):
        program = tmp_path / "bin" / "ssh"
        program.parent.mkdir(exist_ok=True)
        program.write_text(SSH.format(log=tmp_path / "log", refuses=refuses))
        program.chmod(stat.S_IRWXU)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return tmp_path / "log"

    return install


AWAY = {"workers": ["ssh://ops@load1.example.test", "ssh://ops@load2.example.test:2222"], "python": sys.executable}


def test_workers_elsewhere_are_one_load(authority, ca, ssh, tmp_path, monkeypatch):
    log = ssh()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with serving(own(authority), page, keep=True) as server:
        facts = believed(load.open_model, peer_of(server, ca, OPEN | AWAY))
    assert Counter(sample.worker for sample in facts.samples) == {0: 48, 1: 48}
    assert len(server.asked) - QUIET == REQUESTS
    called = log.read_text().splitlines()
    assert all("BatchMode=yes" in line and "StrictHostKeyChecking=yes" in line for line in called if "-R" in line)
    assert not list(tmp_path.glob("cutover-*"))


def test_a_worker_that_dies_is_an_error_with_its_cause(authority, ca, ssh):
    ssh()
    done = threading.Event()

    def answer(n):
        if n > QUIET + 20 and not done.is_set():
            done.set()
            os.kill(next(pid for pid in descendants() if b"--worker" in words_of(pid)), signal.SIGKILL)
        return page()

    stages = {"open": {"rate": 50, "seconds": 20}} | AWAY
    with (
        serving(own(authority), answer, keep=True) as server,
        pytest.raises(ProbeError, match=r"worker ssh://ops@load\d\.example\.test\S* of the load ended with status"),
    ):
        load.open_model(peer_of(server, ca, stages))
    assert len(server.asked) < 500


@pytest.mark.parametrize(
    ("refuses", "python", "told"),
    [
        (
            "echo 'ops@load1: Permission denied (publickey).' >&2; exit 255",
            "python3",
            "status 255: .*Permission denied",
        ),
        (
            "",
            f"{sys.base_prefix}/bin/python3",
            "status 3: cutover: this machine has no locust for .*: pip install locust==",
        ),
        ("exec sleep 60", "python3", "did not come in 1 s"),
    ],
)
def test_a_worker_that_never_comes_is_an_error_with_its_cause(
    authority,
    ca,
    ssh,
    monkeypatch,
    refuses,
    python,
    told,
):
    ssh(refuses)
    monkeypatch.setattr(locust, "WORKER_SECONDS", 1.0 if "sleep" in refuses else PATIENCE)
    with serving(own(authority), page) as server, pytest.raises(ProbeError, match=told) as caught:
        load.open_model(peer_of(server, ca, OPEN | AWAY | {"python": python}))
    assert len(server.asked) == QUIET
    assert caught.value.advice.startswith("try by hand: ssh ops@load")


def test_declared_load_needs_a_stage():
    with pytest.raises(ValueError, match="declares no stage"):
        DeclaredLoad()
