"""What a visit does as root, and the sudoers file that allows it: literal, exact, and the same as what is run."""

import fnmatch
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutover.__main__ import main
from cutover.errors import UsageError
from cutover.inventory import Database, Metrics, Server, Target
from cutover.probes import server as probe
from cutover.probes import way_in
from cutover.probes.privileges import root_calls, sudoers
from cutover.probes.process import run_bounded
from cutover.probes.script import AS_ROOT

ALL = {**probe.COMMANDS, **probe.DURING, **probe.AFTER}
SERVER = Server(way_in="ssh://cutover@api.example.com", user="mks", allow_active=True)
TARGET = Target(host="api.example.com", server=SERVER, database=Database(), metrics=Metrics())
PLACES = {**probe.variables(TARGET, SERVER), "user": "mks"}
CALLS = [(name, words) for name, command in ALL.items() for words in root_calls(command.line, PLACES)]

# What runs as root, or starts what does. None of these writes or runs a program that its words do not name.
PROGRAMS = {
    *("cat", "certbot", "crontab", "df", "fail2ban-client", "find", "getfacl", "grep", "head", "logrotate"),
    *("ls", "namei", "nginx", "nft", "openssl", "runuser", "ss", "sshd", "stat", "tail", "ufw"),
    *("ip6tables-legacy-save", "ip6tables-save", "iptables-legacy-save", "iptables-save"),
}
STARTED = {"cat", "env", "find", "grep", "gzip", "head", "ls", "psql", "tail", "tar", "test"}

RULE = re.compile(r"cutover ALL=\(root\) NOPASSWD: (/usr/sbin/chroot) ((?:[^\s\\,:=#]|\\[*?\[\]:,=#]| (?=\S))+)")


def rules(text):
    """The words that each rule allows, as sudo's own grammar reads it; what is no rule is a comment or the defaults."""
    found = []
    for line in text.splitlines():
        assert line.isprintable()
        if line.startswith("cutover "):
            rule = RULE.fullmatch(line)
            assert rule, line
            found.append(rule[2])
        else:
            assert line.startswith(("# ", "Defaults:cutover ")), line
    return found


def allows(rule, words):
    """Whether sudo takes these words for the rule's: it joins them, and the rule is a pattern of fnmatch(3)."""
    pattern = re.sub(r"\\([:,=#])", r"\1", rule)
    # Python's fnmatch knows no backslash.
    pattern = re.sub(r"\\(.)", r"[\1]", pattern)
    return fnmatch.fnmatchcase(" ".join(words), pattern)


def called(seconds, words):
    return [*(AS_ROOT % {"seconds": seconds}).split()[1:], *words]


@pytest.mark.parametrize(("name", "words"), CALLS, ids=[f"{name}-{words[0]}" for name, words in CALLS])
def test_a_root_call_is_plain_and_safe_however_its_words_are_joined(name, words):
    assert words[0] in PROGRAMS
    starters = [at for at, word in enumerate(words) if word in ("-exec", "--")]
    assert all(words[at + 1] in STARTED or words[at + 1].startswith("/") for at in starters)
    for word in words:
        assert re.fullmatch(r"[!-~]+", word)
        assert "\\" not in word
    # A place that is joined to a pattern is missing, and then grep -R reads everything below /.
    if words[0] == "grep" and re.match(r"-\w*[rR]", words[1]):
        assert words[2].startswith("/")


def test_the_commands_that_need_root_are_all_found():
    # The word itself, wherever it may stand: what is no call is in a text for awk or for a person.
    for name, command in ALL.items():
        bare = len(re.findall(r"(?m)(?:^|[|(;{] *|then |do |if |\|\| |&& |^ +)root [a-z]", command.line))
        assert bare == sum(name == other for other, _ in CALLS), name


def test_no_refusal_is_hidden():
    for name, command in ALL.items():
        caught = command.line.count("2>&1)") and "root" in command.line
        assert not re.search(r"root [^|)\n]*2>/dev/null(?! \|\| ss )", command.line), name
        assert not caught or "refusal" in command.line, name


EXEC = ("-exec", "ls", "{}", ";")


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("root sshd -T", [("sshd", "-T")]),
        ("x=$(root cat \"$DATA_DIR/a b\") || exit", [("cat", "/data/a b")]),
        ("root a | root b; root c && root d || (root e)\nroot f &", [(word,) for word in "abcdef"]),
        ("if root a; then root b; else ! root c; fi", [("a",), ("b",), ("c",)]),
        ("root find /x \\\n  -name '*.log' -exec ls {} \";\"", [("find", "/x", "-name", "*.log", *EXEC)]),
        ("awk '/root x/ { print }' | sed \"s/a/root's/\" # root's own\nroot b", [("b",)]),
        ("root ss -H 2>/dev/null || ss", [("ss", "-H")]),
        ("told=$(root certbot renew 2>&1)", [("certbot", "renew")]),
        ("root grep ^MKS_ \"-$DATA_DIR\"", [("grep", "^MKS_", "-/data")]),
        ("toroot x; root_x y; $root z; /root a; -root b", []),
    ],
)  # fmt: skip
def test_calls_are_found_in_a_command(line, calls):
    assert list(root_calls(line, {"DATA_DIR": "/data"})) == calls


@pytest.mark.parametrize(
    "line",
    [
        'root cat "$found"',
        'root cat "$1"',
        "root cat $DATA_DIR",
        'root cat "${DATA_DIR%/*}"',
        'root cat "$(ls)"',
        "root cat `ls`",
        "root cat *.log",
        "root cat ~ops/x",
        "root cat <x",
        "root cat >x",
        "root cat a\\ b",
        "root awk '{\n print }'",
        "root",
        "root | cat",
        "A=1 root cat",
        "find / -user root -ls",
        'echo "$(root cat x)"',
    ],
)
def test_what_only_a_shell_can_tell_is_refused(line):
    with pytest.raises(ValueError):  # noqa: PT011 - its words are for whoever writes such a call
        list(root_calls(line, {"DATA_DIR": "/data"}))


@pytest.mark.parametrize("server", [SERVER, SERVER.model_copy(update={"user": "", "allow_active": False})])
def test_the_file_is_what_sudo_reads(server, tmp_path):
    text = sudoers(TARGET, server, "cutover")
    assert len(rules(text)) == len(set(rules(text))) > 40
    if visudo := shutil.which("visudo", path="/usr/sbin:/usr/bin"):
        (tmp_path / "cutover").write_text(text)
        subprocess.run([visudo, "-cf", tmp_path / "cutover"], check=True, capture_output=True)


def test_only_what_is_declared_is_allowed():
    bare = Server(way_in="ssh://cutover@api.example.com")
    text = sudoers(Target(host="api.example.com", server=bare), bare, "cutover")
    assert not re.search(r"^cutover .*(certbot|psql|runuser|-u )", text, re.MULTILINE)
    assert "# directories, app-executable, app-check, app-status\n" in text
    assert len(re.findall(r"(?m)^cutover .* -u mks -- ", sudoers(TARGET, SERVER, "cutover"))) == 5
    assert re.search(r"(?m)^cutover .*certbot renew --dry-run ", sudoers(TARGET, SERVER, "cutover"))


# On this machine, with a sudo that runs nothing: what the commands really ask it for.
STUBS = """\
ACCOUNT=1000
systemctl() { case "$*" in *fail2ban*) echo active ;; *) echo mks ;; esac; }
getent() { echo mks:x:999:; }
sudo() { printf '%s\\n' "sudo $*" >&2; case "$*" in *stat*) echo mks ;; esac; }
"""


def test_what_is_run_is_what_the_file_allows():
    named = {name for name, _ in CALLS}
    commands = {name: replace(command, line=STUBS + command.line) for name, command in ALL.items() if name in named}
    script = probe.compose(commands, "0" * 32, probe.variables(TARGET, SERVER))
    answer = run_bounded(["sh", "-c", script], seconds=60.0, bytes_=way_in.VISIT_BYTES).stdout.decode()
    begin = "sudo -n -- chroot "
    asked = {line.removeprefix(begin) for line in answer.splitlines() if line.startswith(begin)}
    allowed = rules(sudoers(TARGET, SERVER, "cutover"))
    assert [line for line in asked if not any(allows(rule, [line]) for rule in allowed)] == []
    assert len(asked) > 30


DIRECTORY = st.text("abc/.-_@%+=:,09Zé日本語").map("/{}".format)


@settings(deadline=None)  # the whole file is made and read each time
@given(DIRECTORY, DIRECTORY, st.data())
def test_a_path_of_whatever_characters_allows_itself_and_nothing_else(env_file, data_dir, data):
    server = Server(way_in="ssh://cutover@api.example.com", env_file=env_file, data_dir=data_dir)
    allowed = [rule for rule in rules(sudoers(TARGET, server, "cutover")) if " cat " in rule]
    own = called(10, ["cat", env_file])
    assert [allows(rule, own) for rule in allowed].count(True) == 1
    at = data.draw(st.integers(0, len(env_file) - 1))
    path = env_file[:at] + data.draw(st.characters(exclude_categories=["Cs"])) + env_file[at + 1 :]
    if path != env_file:
        assert not any(allows(rule, called(10, ["cat", path])) for rule in allowed)


def test_a_path_that_nobody_could_review_is_refused():
    server = SERVER.model_copy(update={"env_file": "/opt/app/.env\u200d"})
    with pytest.raises(UsageError, match="sudoers cannot hold"):
        sudoers(TARGET, server, "cutover")


def test_the_command_prints_it(capsys, tmp_path):
    assert main(["sudoers", "--host", "api.example.com"]) == 0
    bare = Server(way_in="ssh://cutover@api.example.com")
    assert capsys.readouterr().out == sudoers(Target(host="api.example.com", server=bare), bare, "cutover")
    file = tmp_path / "hosts.toml"
    file.write_text('[[target]]\nhost = "a.test"\n[[target]]\nhost = "b.test"\n[target.server]\n'
                    'way_in = "local://"\nuser = "svc"\nallow_active = false\n')  # fmt: skip
    assert main(["sudoers", "--inventory", str(file), "--host", "b.test", "--user", "reader", "--allow-active"]) == 0
    told = capsys.readouterr().out
    assert "\nreader ALL=(root) NOPASSWD: /usr/sbin/chroot / timeout -k 2 20 runuser -u svc -- find -H " in told
    assert "certbot renew" in told
    for options, error in {
        ("--inventory", str(file)): "name one host with --host: each has a file of its own",
        ("--inventory", str(file), "--host", "c.test"): f"--host c.test: not in {file}, which has a.test, b.test",
        (): "name one host with --host: each has a file of its own",
        ("--host", "a.test", "--user", "ALL"): "--user 'ALL': expected the name of an account such as cutover",
        ("--host", "a b"): "--host 'a b': expected a DNS host name such as api.example.com",
    }.items():
        assert main(["sudoers", *options]) == 4
        assert capsys.readouterr() == ("", f"cutover: {error}\n")


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "cutover", "--help"], capture_output=True, text=True, check=True)
    assert "sudoers" in done.stdout
