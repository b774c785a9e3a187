"""The operator's password and token reach no output, no report and no process list."""

import functools
import json
import re
import socket
import ssl
import subprocess
import sys
import time
from http import HTTPStatus
from pathlib import Path

import pytest
import trustme

from cutover.demo import PASSWORD_VARIABLE, SERVER_FACTS
from cutover.demo.app import Answer
from cutover.demo.site import Handler, Listener
from cutover.inventory import Peer, Target
from cutover.probes.dialling import BODY_KEPT
from cutover.probes.survey import Survey

ROOT = Path(__file__).parents[1]
FOLDERS = ["tests_server", "tests_network", "tests_security", "tests_perf"]
PATIENCE = 120.0  # seconds: a hang guard; the run takes about ten
BETWEEN = 0.005  # seconds between two looks at the process list


def below(root):
    """The ids of a process and of all that descend from it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        parents[int(stat.parent.name)] = int(fields[1])
    found = {root}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def read(process, name):
    try:
        return Path(f"/proc/{process}/{name}").read_bytes()
    except OSError:
        return b""


@pytest.fixture(scope="module")
def demo_run(tmp_path_factory):
    """A run against the demo: its folder, where ``stdout`` and ``stderr`` are too, all command lines, the password."""
    folder = tmp_path_factory.mktemp("demo")
    argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", "pyproject.toml"]
    argv += ["--rootdir", str(folder), "--host", "demo", "-rA", *FOLDERS]
    lines, passwords = set(), set()
    with (
        (folder / "stdout").open("wb") as stdout,
        (folder / "stderr").open("wb") as stderr,
        subprocess.Popen(argv, cwd=ROOT, stdout=stdout, stderr=stderr) as pytest_,
    ):
        deadline = time.monotonic() + PATIENCE
        while pytest_.poll() is None:
            for process in below(pytest_.pid):
                line = read(process, "cmdline")
                lines.add(line)
                if b"cutover.demo.site" in line:
                    passwords |= set(re.findall(rf"{PASSWORD_VARIABLE}=([^\0]+)".encode(), read(process, "environ")))
            if time.monotonic() > deadline:
                pytest_.kill()
            time.sleep(BETWEEN)
    (password,) = passwords
    return folder, lines, password


def test_the_run_used_the_password_and_more_than_one_process(demo_run):
    folder, lines, password = demo_run
    assert len(password) > 20
    assert any(b"locust" in line for line in lines)
    (login,) = folder.glob("reports/*/facts/demo/login.json")
    assert b"data.access_token" in login.read_bytes()
    assert b"[redacted]" in login.read_bytes()


def told(demo_run):
    folder, lines, _ = demo_run
    files = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    assert len(files) > 5
    return files | {f"process {number}": line for number, line in enumerate(lines)}


def test_the_password_is_told_nowhere(demo_run):
    assert [place for place, text in told(demo_run).items() if demo_run[2] in text] == []


def test_nothing_like_a_token_is_told_anywhere(demo_run):
    found, shipped = {}, SERVER_FACTS.read_bytes()
    for place, text in told(demo_run).items():
        # But for the hashes by which a page allows its own style and script.
        for word in re.findall(rb"[\w-]{32,}", re.sub(rb"'sha256-[^']+'|&#39;sha256-[^&]+&#39;", b"", text)):
            # What ships with the project is public: a certificate, an alphabet.
            if word not in shipped and all(re.search(kind, word) for kind in (rb"[a-z]", rb"[A-Z]", rb"\d")):
                found.setdefault(place, []).append(word)
    assert found == {}


NAME = "api.example.test"
PASSWORD = 'pä"ss/w0rd-Zq7v'  # noqa: S105 - of a site that ends with the test
TOKEN = "opaque.Xw2Kp9Zq7vXw2Kp9Zq7v"  # noqa: S105
PART = TOKEN[:12]  # to tell that much is to tell too much

# What an application says where nobody expects it: at login, at me.
AT_LOGIN = {"access_token": TOKEN}
SAID = {
    "token at an uncommon place": ({"ticket": TOKEN}, {}),
    "password echoed": (AT_LOGIN | {"you said": PASSWORD}, {}),
    "password in a message": (AT_LOGIN | {"message": f"{PASSWORD} is old"}, {}),
    "token echoed": (AT_LOGIN, {"you said": TOKEN}),
    "header echoed": (AT_LOGIN, {"headers": f"Authorization: Bearer {TOKEN}"}),
    "token where the text is cut off": (AT_LOGIN, {"x": "x" * (BODY_KEPT - 64) + " " * 20 + TOKEN}),
}


@pytest.mark.parametrize(("at_login", "at_me"), SAID.values(), ids=SAID)
def test_saved_facts_hold_neither_password_nor_token(tmp_path, monkeypatch, at_login, at_me):
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    authority.issue_cert(NAME).configure_cert(tls)

    def reply(request):
        said = {"/login": at_login, "/me": {"username": "admin"} | at_me}.get(request.target, [])
        return Answer(HTTPStatus.OK, json.dumps(said).encode(), {"Content-Type": "application/json"})

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        row = {
            "host": NAME,
            "addresses": ["127.0.0.1"],
            "ca": str(tmp_path / "ca.pem"),
            "credentials": {"password_env": "SELFTEST_PASSWORD"},
            "ports": {"https": bound.getsockname()[1]},
            "endpoints": {"login": "/login", "me": "/me", "knowledge": "/", "token_in": ["ticket", "access_token"]},
        }
        target = Target.model_validate_json(json.dumps(row))
        peer = Peer(target, "127.0.0.1")
        monkeypatch.setenv("SELFTEST_PASSWORD", PASSWORD)
        listener = Listener(bound, functools.partial(Handler, reply, {}), tls)
        survey = Survey({target.label: (peer,)}, {})
        survey.look([("login", target.label), ("api", peer.label)], lambda *_: None)
        listener.shutdown()
    assert survey.facts("api", peer).username == "admin"
    survey.save(tmp_path / "facts")
    saved = [file.read_text("utf-8") for file in (tmp_path / "facts").rglob("*.json")]
    assert len(saved) == 3  # two probes, and how many requests they sent
    for text in saved:
        assert PART not in text
        assert PASSWORD[-8:] not in text
