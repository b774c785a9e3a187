"""How the checkout, the packages and the directories are read from what a server's commands print."""

import os
import subprocess
import sys

import pytest

from cutover.errors import ProbeError
from cutover.facts import checkout
from cutover.facts.checkout import Checkout, Packages, Virtualenv
from cutover.facts.directories import Directories
from cutover.facts.evidence import Output
from selftest.rows import printed

COMMIT = "63b2b6e6ac413624097eefe946fde57a9d313fa0"
PYTHON = "/opt/app/venv/bin/python"


def ended(rc, stdout="", stderr=""):
    return Output("command", rc, stdout, stderr, 0.01)


GIT = f"commit {COMMIT}\nremote https://github.com/org/app.git\n"
GIT_TOLD = [
    (GIT, COMMIT, "https://github.com/org/app.git", ()),
    (GIT + "changed README.md\nchanged a b.txt\n", COMMIT, "https://github.com/org/app.git", ("README.md", "a b.txt")),
    # Without a remote, git tells the name that it would have.
    (f"commit {COMMIT}\nremote origin\n", COMMIT, "", ()),
    ("absent\n", "", "", ()),
]


@pytest.mark.parametrize(("text", "commit", "remote", "changed"), GIT_TOLD)
def test_checkout(text, commit, remote, changed):
    facts = Checkout.read(printed({"git": text}))
    assert (facts.commit, facts.remote, facts.changed) == (commit, remote, changed)


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        ("unreadable\n", "may not read the checkout"),
        (ended(127, "", "sh: 3: git: not found"), "git: not found"),
        (ended(128, "", "fatal: not a git repository: '/opt/app/.git'"), "not a git repository"),
        (ended(0, GIT, "error: open('a'): Permission denied"), "may not read the checkout"),
        ("", "unknown form"),
        (f"commit {COMMIT}\n", "unknown form"),
    ],
)
def test_checkout_that_cannot_be_looked_at(output, cause):
    with pytest.raises(ProbeError, match=cause):
        Checkout.read(printed({"git": output}))


VENV_HEAD = f"interpreter {PYTHON}\nversion 3.11.2\n"


@pytest.mark.parametrize(
    ("text", "version", "problem"),
    [
        (VENV_HEAD + "required ok\njudged 12\n", (3, 11, 2), ""),
        (f"interpreter {PYTHON}\nversion 3.8.10\njudged 3\n", (3, 8, 10), ""),
        (f"interpreter {PYTHON}\nbroken\n", (), "it does not run"),
        ("absent\n", (), "no virtual environment"),
    ],
)
def test_virtualenv(text, version, problem):
    facts = Virtualenv.read(printed({"venv": text}))
    assert (facts.version, facts.problem) == (version, problem)


@pytest.mark.parametrize("text", ["unreadable\n", "", f"interpreter {PYTHON}\n", f"interpreter {PYTHON}\nversion x\n"])
def test_virtualenv_that_cannot_be_looked_at(text):
    with pytest.raises(ProbeError):
        Virtualenv.read(printed({"venv": text}))


def test_packages():
    text = (
        VENV_HEAD
        + "required ok\nrequired b is 1, not ==2\nrequired a is not installed\nconflict x needs y: z\njudged 9\n"
    )
    facts = Packages.read(printed({"venv": text}))
    assert facts.missing == ("a is not installed", "b is 1, not ==2")
    assert facts.conflicts == ("x needs y: z",)


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        (ended(1, VENV_HEAD, "Traceback …\nModuleNotFoundError: No module named 'packaging'"), "No module named"),
        (VENV_HEAD + "required ok\n", "unknown form"),
        (VENV_HEAD + "unreadable-list requirements.txt: No such file or directory\njudged 4\n", "No such file"),
        (VENV_HEAD + "unjudged a line that names no package\njudged 4\n", "names no package"),
        (f"interpreter {PYTHON}\nbroken\n", "does not run"),
        ("absent\n", "no virtual environment"),
    ],
)
def test_packages_that_cannot_be_judged(output, cause):
    with pytest.raises(ProbeError, match=cause):
        Packages.read(printed({"venv": output}))


HEAD = "user mks\n"
PLACES = "place data /d\nplace logs /var/log/app\n"


def entries(
    data="drwxr-x--- 2 mks mks 4096 Nov 24 09:31 /d", logs="drwxr-x--- 2 mks adm 4096 Nov 24 09:31 /var/log/app"
):
    return f"entry {data}\nentry {logs}\n"


def of_data(text):
    return Directories.read(printed({"directories": text})).of["data"]


WRITERS = [
    ("drwxr-x--- 2 mks mks 4096 Nov 24 09:31 /d", "", set()),
    ("drwxrwx--- 2 mks mks 4096 Nov 24 09:31 /d", "members mks ,mks,\n", set()),
    ("drwxrwx--- 2 mks www-data 4096 Nov 24 09:31 /d", "members www-data ops,www-data,\n", {"ops", "www-data"}),
    ("drwxrwx--- 2 mks staff 4096 Nov 24 09:31 /d", "", {"group staff"}),
    ("drwxr-xrwx 2 mks mks 4096 Nov 24 09:31 /d", "", {"everybody"}),
    ("drwxr-xr-x. 2 ops mks 4096 Nov 24 09:31 /d", "", {"ops"}),
    ("drwxr-xr-x 2 root root 4096 Nov 24 09:31 /d", "", set()),
    (
        "drwxrwx---+ 2 mks mks 4096 Nov 24 09:31 /d",
        "acl # file: /d\nacl # owner: mks\nacl user::rwx\nacl user:bob:rwx\nacl group::r-x\nacl mask::rwx\n",
        {"bob"},
    ),
    (
        "drwxr-x---+ 2 mks mks 4096 Nov 24 09:31 /d",
        "acl # file: /d\nacl user::rwx\nacl user:bob:rwx\nacl group::rwx\nacl mask::r-x\nacl other::---\n",
        set(),
    ),
    (
        "drwxrwx---+ 2 mks mks 4096 Nov 24 09:31 /d",
        "members mks ,mks,\nacl # file: /d\nacl user::rwx\nacl group::r-x\nacl group:adm:rwx\nacl mask::rwx\n"
        "acl # file: /var/log/app\nacl user:eve:rwx\n",
        {"group adm"},
    ),
]


@pytest.mark.parametrize(("line", "more", "others"), WRITERS)
def test_who_else_can_write(line, more, others):
    assert of_data(HEAD + entries(line) + more + PLACES).others == others


PARENTS = """\
parent f: /d
parent drwxr-xr-x root root /
parent drwxrwxrwx root root srv
parent drwxrwxrwt root root tmp
parent lrwxrwxrwx root root d -> /srv/tmp/x
parent drwxrwxrwx mks  mks  x
parent f: /var/log/app
parent drwxr-xrwx root root other
parent drwxr-x--- mks  mks  app
"""


def test_directories():
    text = HEAD + entries() + PARENTS + "writes /d\nclosed /d/a b\nopen /d/c\n" + PLACES
    facts = Directories.read(printed({"directories": text}))
    assert (facts.user, facts.closed, facts.open) == ("mks", ("/d/a b",), ("/d/c",))
    assert (facts.of["data"].writable, facts.of["logs"].writable) == (True, False)
    assert (facts.of["data"].open_parents, facts.of["logs"].open_parents) == (("srv",), ("other",))


def test_directory_that_is_not_there():
    facts = of_data(HEAD + "entry drwxr-x--- 2 mks adm 4096 Nov 24 09:31 /var/log/app\n" + PLACES)
    assert (facts.owner, facts.writable) == ("", False)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("user \n" + entries() + PLACES, "whom the application runs as"),
        (HEAD + entries(), "unknown form"),
        ("", "unknown form"),
        (HEAD + entries("-rw-r--r-- 1 mks mks 4096 Nov 24 09:31 /d") + PLACES, "no directory"),
        (HEAD + entries("drwxrwx---+ 2 mks mks 4096 Nov 24 09:31 /d") + PLACES, "getfacl is not installed"),
    ],
)
def test_directories_that_cannot_be_judged(text, cause):
    with pytest.raises(ProbeError, match=cause):
        Directories.read(printed({"directories": text}))


def on_a_host(line, **places):
    """Run a command here as it runs on a host."""
    variables = {"PATH": os.environ["PATH"], "LC_ALL": "C", **places}
    return subprocess.run(["sh", "-c", line], env=variables, capture_output=True, text=True, timeout=30)


def test_checkout_with_a_token_in_its_remote(tmp_path):
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@example.test"]
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    for words in (
        ["init", "-q"],
        ["add", "run.sh"],
        ["commit", "-q", "-m", "one"],
        ["remote", "add", "origin", "https://dev:token1234@github.com/org/app.git?private_token=token1234"],
    ):
        subprocess.run([*git, *words], check=True)
    (tmp_path / "run.sh").chmod(0o755)
    done = on_a_host(checkout.COMMANDS["git"].line, CHECKOUT=str(tmp_path))
    facts = Checkout.read(printed({"git": done.stdout}))
    assert (facts.remote, facts.changed) == ("https://github.com/org/app.git", ())
    (tmp_path / "run.sh").write_text("#!/bin/sh\nexit 1\n")
    done = on_a_host(checkout.COMMANDS["git"].line, CHECKOUT=str(tmp_path))
    assert Checkout.read(printed({"git": done.stdout})).changed == ("run.sh",)


def test_virtualenv_is_asked_and_one_that_does_not_run_is_broken(tmp_path):
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "requirements.txt").write_text("pytest>=1\nno-such-package==1\n")
    done = on_a_host(checkout.COMMANDS["venv"].line, APP_DIR=str(tmp_path))
    output = printed({"venv": done.stdout})
    assert (Virtualenv.read(output).version, done.returncode) == (sys.version_info[:3], 0)
    assert "no-such-package is not installed" in Packages.read(output).missing
    python.unlink()
    python.symlink_to("/nonexistent/python")
    done = on_a_host(checkout.COMMANDS["venv"].line, APP_DIR=str(tmp_path))
    assert Virtualenv.read(printed({"venv": done.stdout})).problem == "it does not run"
