"""How the environment file is judged on the host, and read from what is told of it."""

import os
import subprocess

import pytest

from cutover.errors import ProbeError
from cutover.facts import environment
from cutover.facts.environment import Agreement, EnvFile, Environment
from cutover.facts.evidence import Output
from selftest.rows import printed


def ended(rc, stdout="", stderr=""):
    return Output("command", rc, stdout, stderr, 0.01)


LISTED = "-rw-------{} 1 mks mks 350 Nov 24 09:31 /opt/app/.env.production\n"


@pytest.mark.parametrize(("mark", "mode"), [("", "-rw-------"), (".", "-rw-------"), ("+", "-rw-------+")])
def test_env_file(mark, mode):
    facts = EnvFile.read(printed({"env-file": LISTED.format(mark), "env-copies": "read\ncopy /a b\n"}))
    assert (facts.mode, facts.owner, facts.copies) == (mode, "mks", ("/a b",))


def test_env_file_that_is_not_there():
    missing = ended(2, "", "ls: cannot access '/opt/app/.env.production': No such file or directory")
    assert EnvFile.read(printed({"env-file": missing, "env-copies": "read\n"})).mode == ""


@pytest.mark.parametrize(
    "texts",
    [
        {"env-file": "drwx------ 2 mks mks 4096 Nov 24 09:31 /opt/app/.env.production\n", "env-copies": "read\n"},
        {"env-file": LISTED.format(""), "env-copies": ""},
        {"env-file": ended(2, "", "ls: cannot open: Input/output error"), "env-copies": "read\n"},
    ],
)
def test_env_file_that_cannot_be_judged(texts):
    with pytest.raises(ProbeError):
        EnvFile.read(printed(texts))


def test_environment():
    text = "read\nvalue MKS_LOG_LEVEL INFO\nvalue MKS_CORS_ORIGINS https://a, https://b\nvalue MKS_FORCE_HTTPS \n"
    facts = Environment.read(printed({"env-values": text + "set MKS_SECRET_KEY\nempty MKS_JWT_SECRET_KEY\n"}))
    assert facts.values["MKS_CORS_ORIGINS"] == "https://a, https://b"
    assert facts.present == {"MKS_LOG_LEVEL", "MKS_CORS_ORIGINS", "MKS_SECRET_KEY"}


def test_agreement():
    facts = Agreement.read(printed({"env-process": "read\nprocess 7\ndiffers MKS_A\nlacks MKS_B\n"}))
    assert (facts.differs, facts.lacks) == ({"MKS_A"}, {"MKS_B"})


@pytest.mark.parametrize(
    ("read", "name", "output"),
    [
        (Environment, "env-values", ""),
        (Environment, "env-values", ended(0, "read\n", "cat: /e: No such file or directory")),
        (Agreement, "env-process", ""),
        (Agreement, "env-process", "read\n"),
        (Agreement, "env-process", ended(0, "read\nprocess 7\n", "cat: /e: No such file or directory")),
    ],
)
def test_environment_that_cannot_be_judged(read, name, output):
    with pytest.raises(ProbeError):
        read.read(printed({name: output}))


ENV_FILE = """\
# MKS_LOG_LEVEL=DEBUG
 export MKS_FORCE_HTTPS="true"
MKS_CORS_ORIGINS='https://a.example.com, https://b.example.com'
MKS_SECRET_KEY=0123456789abcdef0123456789abcdef
MKS_JWT_SECRET_KEY=
MKS_GUNICORN_WORKERS=3
MKS_GUNICORN_WORKERS=5
OTHER_PASSWORD=hunter2
MKS_DATABASE_URL=postgresql://mks:hunter2@localhost/mks
"""


@pytest.fixture
def on_a_host(tmp_path):
    """Runs a command here, as it runs on a host, in a tree with an environment file."""
    file = tmp_path / "app" / ".env.production"
    file.parent.mkdir()
    file.write_text(ENV_FILE)
    file.chmod(0o600)

    def run(line):
        places = {"ENV_FILE": str(file), "CHECKOUT": str(tmp_path / "app"), "APP_DIR": str(tmp_path / "app")}
        variables = {"PATH": os.environ["PATH"], "LC_ALL": "C", **places}
        script = f'root() {{ "$@"; }}\n{line}'
        return subprocess.run(["sh", "-c", script], env=variables, capture_output=True, text=True, timeout=30)

    run.folder = file.parent
    return run


def test_no_secret_leaves_the_host(on_a_host):
    done = on_a_host(environment.COMMANDS["env-values"].line)
    assert "hunter2" not in done.stdout + done.stderr
    assert "0123456789" not in done.stdout + done.stderr
    facts = Environment.read(printed({"env-values": done.stdout}))
    assert facts.values == {
        "MKS_FORCE_HTTPS": "true",
        "MKS_CORS_ORIGINS": "https://a.example.com, https://b.example.com",
        "MKS_GUNICORN_WORKERS": "5",
    }
    assert facts.present == {*facts.values, "MKS_SECRET_KEY", "MKS_DATABASE_URL"}


def test_copies_are_found_by_what_they_hold(on_a_host):
    for name, text, mode in (
        (".env~", ENV_FILE, 0o644),
        ("static/notes: old.txt", "export MKS_SECRET_KEY='0123456789abcdef0123456789abcdef'\n", 0o604),
        (".env.bak", ENV_FILE, 0o600),
        (".env.production.example", "MKS_SECRET_KEY=replace-with-64-hex-digits\nMKS_JWT_SECRET_KEY=\n", 0o644),
    ):
        file = on_a_host.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
    done = on_a_host(environment.COMMANDS["env-copies"].line)
    facts = EnvFile.read(printed({"env-file": LISTED.format(""), "env-copies": done.stdout}))
    assert set(facts.copies) == {f"{on_a_host.folder}/.env~", f"{on_a_host.folder}/static/notes: old.txt"}
    assert "0123456789" not in done.stdout + done.stderr
