"""Ctrl-C or SIGKILL while the run looks: it ends at once, and nothing of it runs on behind."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cutover.errors import ProbeError
from cutover.probes import process
from selftest.test_server_probe import having, running

ROOT = Path(__file__).parents[1]
PATIENCE = 60.0  # seconds: a hang guard
AT_ONCE = 15.0  # seconds, on a machine that is busy: half of what an answer is waited for
NAP = f"73.{os.getpid():07}"  # seconds, an argument that no other process has


@pytest.fixture
def surroundings(tmp_path):
    """A program named ssh first on PATH, which hangs and leaves a child that does; nothing of pytest's own."""
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\nsleep {NAP} &\nsleep {NAP}\n")
    program.chmod(stat.S_IRWXU)
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "CUTOVER_"))}
    return inherited | {"PATH": f"{tmp_path}:/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.fixture
def silent():
    """A port that lets in and says nothing, which an HTTP client waits for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def inventory(folder, port, rest):
    file = folder / "inventory.toml"
    file.write_text(
        '[[target]]\nhost = "api.example.test"\naddresses = ["127.0.0.1"]\nresolvers = ["127.0.0.77"]\n'
        f"[target.ports]\nhttps = {port}\nhttp = {port}\n{rest}"
    )
    return file


SERVER = '[target.server]\nway_in = "ssh://ops@api.example.test"\n'
PASSWORD = f'[target.credentials]\npassword_command = ["sh", "-c", "sleep {NAP} & sleep {NAP}; true"]\n'
KINDS = {
    "an ssh visit": (SERVER, ["tests_server/test_system.py"]),
    "a password command": (PASSWORD, ["tests_network/test_endpoints.py"]),
    "an ssh visit and what waits for an answer": (SERVER, ["tests_server", "tests_network", "tests_security"]),
}


@pytest.fixture
def started(tmp_path, surroundings, silent):
    """Starts a run of one of the kinds, and hands it out once its program hangs; ends it if it still runs."""
    runs = []

    def start(kind):
        declared, checks = KINDS[kind]
        file = inventory(tmp_path, silent, declared)
        argv = ["-m", "pytest", "-c", "pyproject.toml", "--rootdir", str(tmp_path), f"--inventory={file}"]
        runs.append(
            subprocess.Popen(
                [sys.executable, *argv, *(str(ROOT / name) for name in checks)],
                cwd=ROOT,
                env=surroundings,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        end = time.monotonic() + PATIENCE
        while len(having(NAP)) < 2 and time.monotonic() < end:
            time.sleep(0.05)
        assert len(having(NAP)) == 2
        return runs[-1]

    yield start
    for run in runs:
        run.kill()
        run.communicate()


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupted_run_ends_at_once(started, kind):
    run = started(kind)
    begun = time.monotonic()
    run.send_signal(signal.SIGINT)
    told, _ = run.communicate(timeout=PATIENCE)
    assert time.monotonic() - begun < AT_ONCE
    assert run.returncode == pytest.ExitCode.INTERRUPTED, told
    assert "Traceback" not in told
    assert running(NAP) == []


@pytest.mark.parametrize("kind", ["an ssh visit", "a password command"])
def test_nothing_of_a_killed_run_runs_on(started, kind):
    """Nobody is left who could end it: without a watcher, a hung ssh would stay for as long as it likes."""
    run = started(kind)
    run.kill()
    run.wait(PATIENCE)
    assert running(NAP) == []


def test_a_run_may_open_as_many_files_as_the_system_allows():
    """Fifty targets that say nothing took some 900 of the 1024 that a shell allows; of 256, most probes got none."""
    told = "import resource; from cutover.probes.threads import allow_many_files; allow_many_files(); "
    told += "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    line = f"ulimit -Sn 256; ulimit -Hn 5000; exec '{sys.executable}' -c '{told}'"
    done = subprocess.run(["/bin/sh", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "5000 5000\n", done.stderr


@pytest.mark.parametrize(
    ("program", "error"), [("no-such-program", FileNotFoundError), ("./plain", PermissionError), ("./none", OSError)]
)
def test_what_is_no_program_is_told_as_such(tmp_path, program, error):
    (tmp_path / "plain").write_text("")
    with pytest.raises(error, match=r"No such file|Permission denied"):
        process.run_bounded([program], seconds=PATIENCE, bytes_=1, folder=tmp_path)


def test_nothing_is_started_once_the_run_was_interrupted(monkeypatch):
    monkeypatch.setattr(process, "INTERRUPTED", threading.Event())
    process.stop()
    with pytest.raises(ProbeError, match="sleep: not run, because the run was interrupted"):
        process.run_bounded(["sleep", NAP], seconds=PATIENCE, bytes_=1)
    assert running(NAP) == []
