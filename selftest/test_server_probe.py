"""The visit to a server: its script in real shells, its frames, and what becomes of an ssh that fails."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.evidence import Command, Outputs
from cutover.inventory import Server, Target
from cutover.probes import script, server, way_in
from cutover.probes.process import run_bounded
from selftest.rows import AT, HOST

MARK = "00112233445566778899aabbccddeeff"
SHELLS = {"sh": ["sh"], "dash": ["dash"], "bash": ["bash", "--posix"], "busybox": ["busybox", "sh"]}
GUARD_SECONDS = 60.0
AT_ONCE = min(max(len(os.sched_getaffinity(0)), script.LEAST_AT_ONCE), script.MOST_AT_ONCE)
NAP = f"61.{os.getpid():07}"  # seconds, an argument that no other process has

PLACES = {"APP_DIR": "/srv/it's $HOME", "DB_NAME": ""}

AS_OPS = "ACCOUNT=1000; sudo() { echo 'sudo: a password is required' >&2; return 1; }; "
COMMANDS = {
    "hangs": Command(f"echo begun; sleep {NAP}", seconds=1),
    "stubborn": Command(f"trap '' TERM; sleep {NAP}", seconds=1),
    "apart": Command("echo out; echo err >&2; echo more; exit 3"),
    "empty": Command("true"),
    "bare": Command("printf 'no newline at the end'"),
    "newlines": Command("printf '\\n\\nkept\\n\\n'"),
    "digits": Command("printf '12\\n7' >&2; printf 8"),
    "quotes": Command("""printf '%s|' "it's" 'a "quoted" %s' "$((1 + 1))" '$HOME' '\\n'"""),
    "lines": Command("for word in one two; do\n  echo $word\ndone # a comment"),
    "bytes": Command(r"printf 'a\000b\377\376\033[31mc\r\n'"),
    "frames": Command(f"printf '\\n%s err frames 1\\n\\n0\\n%s end\\n' {MARK[::-1]} {MARK[:-1]}"),
    "missing": Command("no-such-tool --version"),
    "syntax": Command("if"),
    "just-fits": Command(f"yes | head -c {script.OUTPUT_BYTES}"),
    "too-long": Command(f"yes | head -c {script.OUTPUT_BYTES + 1}"),
    "endless": Command("yes"),
    "noisy": Command("seq 100000 >&2; echo fine"),
    "input": Command("cat; echo ended"),
    "locale": Command("echo $LC_ALL"),
    "refused": Command(AS_OPS + "root cat /etc/shadow"),
    "refused-aside": Command(AS_OPS + 'told=$(root crontab -l 2>&1); refusal "$told"'),
    "not-needed": Command("echo never", needs="DB_NAME"),
    "needed": Command("echo always", needs="APP_DIR"),
    "secret": Command("echo MKS_JWT_SECRET_KEY=abcdefghijklmnop"),
    "place": Command('echo "$APP_DIR"'),
    "last": Command("echo last"),
}


def running(word):
    """The processes that have ``word`` in their arguments, a moment after the last of them was killed."""
    end = time.monotonic() + 10
    while (found := having(word)) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def having(word):
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = file.read_bytes().split(b"\0")
        except OSError:
            continue
        if word.encode() in arguments:
            found.append(file.parent.name)
    return found


def visit(shell, commands):
    begun = time.monotonic()
    argv = [*SHELLS[shell], "-c", script.compose(commands, MARK, PLACES)]
    finished = run_bounded(argv, seconds=GUARD_SECONDS, bytes_=way_in.VISIT_BYTES)
    assert time.monotonic() - begun < GUARD_SECONDS
    return script.parse(commands, MARK, finished.stdout)


@pytest.fixture(scope="module")
def outputs():
    return Outputs(AT, HOST, visit("sh", COMMANDS))


def test_every_command_is_framed(outputs):
    assert list(outputs.outputs) == list(COMMANDS)
    assert [output.command for output in outputs.outputs.values()] == [c.line for c in COMMANDS.values()]


@pytest.mark.parametrize("name", ["hangs", "stubborn"])
def test_a_command_that_hangs_ends_by_its_own_timeout(outputs, name):
    with pytest.raises(ProbeError, match="did not end in time"):
        outputs.text(name)
    assert 1 <= outputs.outputs[name].seconds < GUARD_SECONDS
    assert running(NAP) == []


def test_what_was_printed_before_a_timeout_is_kept_as_evidence(outputs):
    (evidence,) = outputs.evidence("hangs")
    assert evidence.answer.startswith("[124] begun")


@pytest.mark.parametrize(
    ("name", "rc", "stdout", "stderr"),
    [
        ("apart", 3, "out\nmore\n", "err"),
        ("empty", 0, "", ""),
        ("bare", 0, "no newline at the end", ""),
        ("newlines", 0, "\n\nkept\n\n", ""),
        ("digits", 0, "8", "12\n7"),
        ("quotes", 0, 'it\'s|a "quoted" %s|2|$HOME|\\n|', ""),
        ("lines", 0, "one\ntwo\n", ""),
        ("bytes", 0, "a\\x00b\ufffd\ufffd\\x1b[31mc\\x0d\n", ""),
        ("frames", 0, f"\n{MARK[::-1]} err frames 1\n\n0\n{MARK[:-1]} end\n", ""),
        ("input", 0, "ended\n", ""),
        ("locale", 0, "C\n", ""),
        ("not-needed", 0, "", ""),
        ("needed", 0, "always\n", ""),
        ("secret", 0, "MKS_JWT_SECRET_KEY=[redacted]\n", ""),
        ("place", 0, "/srv/it's $HOME\n", ""),
        ("last", 0, "last\n", ""),
    ],
)
def test_exit_status_and_both_streams_come_apart_and_whole(outputs, name, rc, stdout, stderr):
    output = outputs[name]
    assert (output.rc, output.stdout, output.stderr) == (rc, stdout, stderr)
    assert not output.truncated


def test_the_last_part_of_a_long_standard_error_is_kept(outputs):
    noisy = outputs["noisy"]
    assert (noisy.rc, noisy.stdout) == (0, "fine\n")
    assert noisy.stderr.endswith("99999\n100000")
    assert len(noisy.stderr) <= 4096


def test_an_output_is_read_up_to_its_bound(outputs):
    assert outputs.text("just-fits") == "y\n" * (script.OUTPUT_BYTES // 2)
    for name in ("too-long", "endless"):
        assert len(outputs.outputs[name].stdout) == script.OUTPUT_BYTES
        with pytest.raises(ProbeError, match="printed more than is read"):
            outputs.text(name)


@pytest.mark.parametrize(
    ("name", "cause"), [("missing", "no-such-tool"), ("apart", "failed: err"), ("syntax", "yntax")]
)
def test_a_command_that_fails_is_a_probe_error_with_its_own_words(outputs, name, cause):
    with pytest.raises(ProbeError, match=cause):
        outputs.text(name)


@pytest.mark.parametrize("name", ["refused", "refused-aside"])
def test_a_refused_sudo_is_an_error_where_it_was_declared(outputs, name):
    with pytest.raises(ProbeError, match="a password is required") as caught:
        outputs.text(name)
    assert f"cutover sudoers --host {HOST}" in caught.value.advice
    undeclared = Outputs(AT, HOST, outputs.outputs, sudo=False)
    with pytest.raises(NotDeclared):
        undeclared.text(name)


def test_where_no_sudo_is_declared_none_is_called():
    commands = {"never": Command("ACCOUNT=1000; sudo() { echo called; }; root cat /etc/shadow")}
    text = script.compose(commands, MARK, {"SUDO": "no"})
    answer = run_bounded(["sh", "-c", text], seconds=GUARD_SECONDS, bytes_=way_in.VISIT_BYTES).stdout
    seen = Outputs(AT, HOST, script.parse(commands, MARK, answer), sudo=False)
    assert seen.outputs["never"].stdout == ""
    with pytest.raises(NotDeclared, match="sudo = false"):
        seen.text("never")


@pytest.mark.parametrize("shell", [name for name, argv in SHELLS.items() if name != "sh" and shutil.which(argv[0])])
def test_other_shells_frame_alike(outputs, shell):
    quick = {name: command for name, command in COMMANDS.items() if command.seconds > 1}
    found = visit(shell, quick)
    told = [(name, out.rc, out.stdout, out.truncated) for name, out in found.items() if name != "endless"]
    wanted = [(name, outputs.outputs[name]) for name in quick if name != "endless"]
    assert told == [(name, out.rc, out.stdout, out.truncated) for name, out in wanted]


def test_an_answer_that_breaks_off_loses_only_what_is_not_whole():
    commands = {name: COMMANDS[name] for name in ("apart", "bare", "last")}
    text = script.compose(commands, MARK, PLACES)
    whole = run_bounded(["sh", "-c", text], seconds=GUARD_SECONDS, bytes_=way_in.VISIT_BYTES).stdout
    *before, end = (name.decode() for name in re.findall(rb"(?m)^%b out (.*)$" % MARK.encode(), whole))
    found = script.parse(commands, MARK, b"Welcome to api!\r\n" + whole[: -len(" end\n")])
    assert sorted(found) == sorted(before)
    with pytest.raises(ProbeError, match=f"holds no output of '{end}'"):
        Outputs(AT, HOST, found).text(end)
    assert script.parse(commands, MARK, whole[: whole.index(b" out ")]) == {}


def test_so_many_commands_run_side_by_side(tmp_path):
    met = f"touch {tmp_path}/$$; until [ $(ls {tmp_path} | wc -l) -ge {AT_ONCE} ]; do sleep 0.05; done"
    found = visit("sh", {f"one-{number}": Command(met) for number in range(AT_ONCE)})
    assert [output.rc for output in found.values()] == [0] * AT_ONCE


def test_no_more_commands_run_side_by_side(tmp_path):
    count = f"touch {tmp_path}/$$; sleep 0.2; ls {tmp_path} | wc -l; rm {tmp_path}/$$"
    commands = {f"one-{number}": Command(count) for number in range(3 * AT_ONCE)}
    found = visit("sh", commands)
    assert list(found) == list(commands)
    assert max(int(output.stdout) for output in found.values()) <= AT_ONCE


def test_a_hung_command_holds_no_other_up():
    hangs = {f"hangs-{number}": Command(f"sleep {NAP}", seconds=1) for number in range(AT_ONCE + 1)}
    found = visit("sh", {**hangs, "last": COMMANDS["last"]})
    assert found["last"].stdout == "last\n"
    assert {found[name].rc for name in hangs} == {124}


def test_a_visit_ends_soon_when_nobody_listens_any_more(tmp_path):
    commands = {f"one-{number}": Command(f"touch {tmp_path}/$$; sleep 0.2") for number in range(10 * AT_ONCE)}
    text = script.compose(commands, MARK, PLACES)
    with subprocess.Popen(["sh", "-c", text], stdout=subprocess.PIPE) as process:
        process.stdout.close()
        process.wait(GUARD_SECONDS)
    assert len(list(tmp_path.iterdir())) <= 2 * AT_ONCE


def test_the_probe_itself_visits_this_machine():
    target = Target(host=HOST, server=Server(way_in="local://", sudo=False))
    seen = server.probe(target, {"last": COMMANDS["last"]})
    assert (seen.host, seen.sudo, seen.text("last")) == (HOST, False, "last\n")


def test_this_process_s_variables_are_not_the_hosts(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    target = Target(host=HOST, server=Server(way_in="local://", sudo=False))
    told = server.probe(target, {"variables": Command("env")}).text("variables")
    assert "HOME=" in told
    assert "PYTHONPATH" not in told


def test_no_way_in_is_not_declared():
    with pytest.raises(NotDeclared, match="--ssh user@host"):
        server.probe(Target(host=HOST))


def test_a_program_that_closes_its_streams_and_goes_on_is_a_probe_error():
    with pytest.raises(ProbeError, match="did not end within 1 s"):
        run_bounded(["sh", "-c", f"exec >&- 2>&-; exec sleep {NAP}"], seconds=1.0, bytes_=1000)
