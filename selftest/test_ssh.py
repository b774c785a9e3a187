"""The way in by ssh, with a program of that name which does what an ssh in trouble does."""

import os
import stat
import time

import pytest
from pydantic import ValidationError

from cutover.errors import ProbeError
from cutover.facts.clock import Clock
from cutover.facts.evidence import Command
from cutover.inventory import Limits, Server, Target
from cutover.probes import script, server, way_in
from cutover.probes.process import LINGER_SECONDS
from selftest.rows import HOST
from selftest.test_server_probe import GUARD_SECONDS, running

WAY_IN = f"ssh://ops@{HOST}"
NAP = f"67.{os.getpid():07}"  # seconds, an argument that no other process has
LETS_IN = 'for last; do :; done; echo "Welcome to api!"; exec sh -c "$last"'


@pytest.fixture
def ssh(tmp_path, monkeypatch):
    """Puts a program named ssh first on PATH; it notes its arguments, then runs the given lines."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def install(lines):
        program = folder / "ssh"
        program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" >'{tmp_path}/arguments'\n{lines}\n")
        program.chmod(stat.S_IRWXU)
        return tmp_path / "arguments"

    return install


WORD = {"word": Command("echo word")}


def visit(way_in=WAY_IN, commands=WORD, **declared):
    limits = Limits(connect_seconds=7.0)
    target = Target(host=HOST, limits=limits, server=Server(way_in=way_in, **declared))
    return server.probe(target, commands)


def failure(**declared):
    begun = time.monotonic()
    with pytest.raises(ProbeError) as caught:
        visit(**declared)
    assert time.monotonic() - begun < GUARD_SECONDS
    return caught.value


def test_one_visit_with_strict_options(ssh, tmp_path):
    arguments = ssh(LETS_IN)
    assert visit(ssh_config=tmp_path / "config").text("word") == "word\n"
    given = arguments.read_text().splitlines()
    for option in ("StrictHostKeyChecking=yes", "BatchMode=yes", "ForwardAgent=no", "ControlMaster=no"):
        assert option in given
    assert {"ConnectTimeout=7", "User=ops", HOST} <= set(given)
    assert given[given.index("-F") + 1] == str(tmp_path / "config")
    assert not [word for word in given if "ControlPersist" in word]


def test_a_port_is_handed_on(ssh):
    arguments = ssh(LETS_IN)
    visit(f"{WAY_IN}:2222")
    assert "Port=2222" in arguments.read_text().splitlines()


HOST_KEY = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Host key verification failed."""
BY_HAND = f"try the same way by hand: ssh ops@{HOST}"


@pytest.mark.parametrize(
    "end",
    [
        "\n",
        pytest.param(
            "\r\n",
        ),
    ],
    ids=["lf", "crlf"],
)
@pytest.mark.parametrize(
    ("told", "advice"),
    [
        (HOST_KEY, "compare the host's key with its owner, then add it to known_hosts; never skip this"),
        (f"ssh: connect to host {HOST} port 22: Connection timed out", BY_HAND),
        (f"ssh: connect to host {HOST} port 22: Connection refused", BY_HAND),
        (f"ssh: Could not resolve hostname {HOST}: Name or service not known", BY_HAND),
        (f"ops@{HOST}: Permission denied (publickey).", BY_HAND),
    ],
    ids=["host-key", "timed-out", "refused", "no-name", "no-key"],
)
def test_an_ssh_that_fails_is_told_in_its_own_words(ssh, tmp_path, told, advice, end):
    (tmp_path / "told").write_bytes(told.replace("\n", end).encode() + end.encode())
    ssh(f"cat '{tmp_path}/told' >&2; exit 255")
    error = failure()
    assert error.cause == f"{WAY_IN}: {told.splitlines()[-1]}"
    assert error.advice == advice


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("exit 255", "no reason given"),
        ("exit 0", "the visit's script did not run: it printed nothing"),
        ("echo This account is not available.; exit 1", "the visit's script did not run: it printed nothing"),
        ("echo 'sh: not found' >&2; exit 127", "the visit's script did not run: sh: not found"),
        ("kill -9 $$", "the visit's script did not run: Killed"),
    ],
)
def test_an_ssh_that_says_nothing_of_use(ssh, lines, reason):
    ssh(lines)
    assert failure().cause == f"{WAY_IN}: {reason}"


def test_a_machine_without_ssh(ssh, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "ssh: not found" in failure().cause


def test_an_ssh_that_never_ends_is_ended(ssh, monkeypatch):
    monkeypatch.setattr(server, "VISIT_SECONDS", 1.0)
    ssh(f"sleep {NAP} & sleep {NAP}")
    assert "did not end within 1 s" in failure().cause
    assert running(NAP) == []


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_an_ssh_that_prints_endlessly_is_ended(ssh, monkeypatch, stream):
    monkeypatch.setattr(way_in, "VISIT_BYTES", 100_000)
    ssh(f"yes {NAP}{stream}")
    assert "printed more than 100000 bytes" in failure().cause
    assert running(NAP) == []


def test_an_ssh_that_was_ended_is_told_by_its_way_in(ssh, monkeypatch):
    monkeypatch.setattr(server, "VISIT_SECONDS", 1.0)
    ssh(f"sleep {NAP}")
    assert failure().cause.startswith(f"{WAY_IN}: ")


def test_a_visit_that_hangs_keeps_what_arrived(ssh, monkeypatch):
    monkeypatch.setattr(server, "VISIT_SECONDS", 2.0)
    ssh(LETS_IN)
    hangs = {name: Command(f"sleep {NAP}", seconds=3) for name in ("hangs", *map(str, range(1, script.MOST_AT_ONCE)))}
    seen = visit(commands=WORD | hangs | {"last": Command("echo last")})
    assert seen.text("word") == "word\n"
    cut = f"{HOST}: the visit did not end within 2 s and was cut while 'sleep {NAP}' ran"
    for name in ("hangs", "last"):
        with pytest.raises(ProbeError) as caught:
            seen.text(name)
        assert (caught.value.cause, caught.value.advice) == (cut, "look why it hangs")
    with pytest.raises(ProbeError, match="was cut"):
        Clock.read(seen, limit=9999.0)
    assert running(NAP) == []


def test_a_visit_that_prints_too_much_keeps_what_arrived(ssh, monkeypatch):
    monkeypatch.setattr(way_in, "VISIT_BYTES", 100_000)
    ssh(LETS_IN)
    seen = visit(commands=WORD | {"nap": Command("sleep 1"), "much": Command("sleep 2; yes")})
    assert seen.text("word") == "word\n"
    cause = r"the visit printed more than 100000 bytes and was cut while 'sleep 2; yes' ran$"
    with pytest.raises(ProbeError, match=cause):
        seen.text("much")


def test_an_ssh_that_hangs_after_its_last_command_loses_nothing(ssh, monkeypatch):
    monkeypatch.setattr(server, "VISIT_SECONDS", 1.0)
    ssh(LETS_IN.replace("exec", "") + f"; sleep {NAP}")
    seen = visit()
    assert seen.text("word") == "word\n"
    assert seen.cut == "the visit did not end within 1 s and was cut"


def test_a_visit_waits_no_longer_than_its_commands_may_take(ssh):
    ssh(f"sleep {NAP}")
    commands = {"word": Command("echo word", seconds=1)}
    target = Target(host=HOST, limits=Limits(connect_seconds=1.0), server=Server(way_in=WAY_IN))
    with pytest.raises(ProbeError, match=r"did not end within 5 s and was cut$"):
        server.probe(target, commands)


def test_what_an_ssh_leaves_behind_holds_nobody_up(ssh):
    ssh(f"sleep {NAP} & {LETS_IN.replace('exec', '')}")
    begun = time.monotonic()
    seen = visit()
    assert LINGER_SECONDS <= time.monotonic() - begun < GUARD_SECONDS
    assert (seen.text("word"), seen.cut) == ("word\n", "")
    assert running(NAP) == []


@pytest.mark.parametrize("kind", ["paramiko", "safe-ssh", "telnet"])
def test_a_way_in_that_verifies_no_host_key_is_refused(kind):
    with pytest.raises(ValidationError, match="expected a way in"):
        Server(way_in=f"{kind}://ops@{HOST}")
