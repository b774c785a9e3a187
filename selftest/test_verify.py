"""The script ./verify: what it refuses, and that it hands on what it is given."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NEEDED = ("sh", "dirname", "cksum", "cat", "tail", "env")


def program(folder, name, text):
    file = folder / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


@pytest.fixture
def place(tmp_path):
    """A copy of the script in a folder of its own, and a PATH that holds nothing but what it needs."""
    shutil.copy(ROOT / "verify", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in NEEDED:
        (programs / name).symlink_to(shutil.which(name))
    return tmp_path


def verify(place, *arguments):
    return subprocess.run(
        [place / "verify", *arguments],
        env={"PATH": str(place / "bin"), "OPENSSL_CONF": "/etc/crooked.cnf", "PYTHONOPTIMIZE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("python", "told"),
    [
        (None, "Python 3.11 or newer is needed, and no python3 is here"),
        ('[ "$1" = --version ] && echo Python 3.9.2 || exit 1', "Python 3.11 or newer is needed, and Python 3.9.2"),
        (
            'case "$2" in *ensurepip*) exit 1;; esac',
            "python3 has no venv module; install it: sudo apt install python3-venv",
        ),
        (
            'case "$2" in venv) mkdir -p .venv/bin; echo "#!/bin/sh" >.venv/bin/python; echo "echo no route; exit 1" '
            ">>.venv/bin/python; chmod +x .venv/bin/python;; esac",
            "the packages of pyproject.toml could not be installed; all of it: .venv/pip.log",
        ),
    ],
    ids=["no python", "too old", "no venv", "no packages"],
)
def test_refuses_in_one_line_with_status_2(place, python, told):
    for name in ("mkdir", "chmod"):
        (place / "bin" / name).symlink_to(shutil.which(name))
    if python:
        program(place / "bin", "python3", python)
    done = verify(place)
    assert done.returncode == 2
    assert told in done.stderr.splitlines()[-1]
    assert done.stdout == ""


def test_hands_all_arguments_to_pytest_and_makes_the_environment_once(place):
    for name in ("mkdir", "chmod"):
        (place / "bin" / name).symlink_to(shutil.which(name))
    python = 'case "$3" in pip) echo made >>made;; pytest) shift; for word; do echo "[$word]"; done; env;; esac'
    # The stand-in for `python3 -m venv` puts a stand-in for the environment's own python.
    program(
        place / "bin",
        "python3",
        f"""case "$2" in venv) mkdir -p .venv/bin; cat >.venv/bin/python <<'END'
#!/bin/sh
{python.replace("$3", "$2")}
END
chmod +x .venv/bin/python;; esac""",
    )
    for _ in range(2):
        done = verify(place, "--host", "a b", "-k", "x or y")
        lines = done.stdout.splitlines()
        assert lines[:7] == ["[pytest]", "[-c]", "[pyproject.toml]", "[--host]", "[a b]", "[-k]", "[x or y]"]
        assert f"PATH={place / 'bin'}" in lines[7:]
        assert not {"OPENSSL_CONF", "PYTHONOPTIMIZE"} & {line.partition("=")[0] for line in lines}
        assert done.returncode == 0
    assert (place / "made").read_text() == "made\n"
    with (place / "pyproject.toml").open("a") as project:
        project.write("# changed\n")
    verify(place)
    assert (place / "made").read_text() == "made\nmade\n"
