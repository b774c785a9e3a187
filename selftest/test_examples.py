"""What newcomers copy is what our own readers, YAML's and the shell take, and the tables are generated."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from cutover import targets
from cutover.__main__ import main
from cutover.check import Doc
from cutover.checklist import catalogue
from cutover.exceptions import read_attestations, read_waivers

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
READMES = [ROOT / "README.md", ROOT / "README.ja.md"]
CI = {"github-actions.yml": EXAMPLES / "github-actions.yml", "gitlab-ci.yml": EXAMPLES / "gitlab-ci.yml"}
READERS = {"target": targets.load, "waiver": read_waivers, "attestation": read_attestations}


def test_the_tomls_are_read_by_our_own_readers():
    (target,) = targets.load(EXAMPLES / "inventory.toml")
    told = [*read_waivers(EXAMPLES / "waivers.toml"), *read_attestations(EXAMPLES / "attestations.toml")]
    assert {each.target for each in told} == {target.label}
    assert (target.phase, len(told)) == ("pre", 3)


def shell_lines(node):
    """Every text that a CI service hands to a shell."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("run", "script", "before_script"):
                yield from value if isinstance(value, list) else [value]
            else:
                yield from shell_lines(value)
    elif isinstance(node, list):
        for value in node:
            yield from shell_lines(value)


@pytest.mark.parametrize("file", CI.values(), ids=CI)
def test_a_shell_takes_every_line_of_a_ci_file(file):
    lines = list(shell_lines(yaml.safe_load(file.read_text("utf-8"))))
    assert len(lines) >= 5
    for line in lines:
        subprocess.run(["sh", "-n", "-c", line], check=True, timeout=60)


@pytest.mark.parametrize("file", CI.values(), ids=CI)
def test_its_verifications_are_such_that_pytest_takes_them(file):
    lines = shell_lines(yaml.safe_load(file.read_text("utf-8")))
    commands = [shlex.split(line)[1:] for line in lines if line.startswith("./verify ")]
    assert [command[-1] for command in commands] == ["--gate", "--gate"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "CUTOVER_"))}
    for command in commands:
        argv = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q", *command]
        done = subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "[api.example.com@203.0.113.10]" in done.stdout


def test_github_keeps_the_evidence_whatever_came_of_it():
    jobs = yaml.safe_load(CI["github-actions.yml"].read_text("utf-8"))["jobs"]
    for job in (jobs["gate"], jobs["after"]):
        (upload,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/upload-artifact@")]
        assert (upload["if"], upload["with"]["path"]) == ("always()", "reports/")
    assert (jobs["change"]["needs"], jobs["after"]["needs"]) == ("gate", "change")


def test_gitlab_keeps_the_evidence_whatever_came_of_it():
    told = yaml.safe_load(CI["gitlab-ci.yml"].read_text("utf-8"))
    kept = told[".verify"]["artifacts"]
    assert (kept["when"], kept["paths"], kept["reports"]) == ("always", ["reports/"], {"junit": "reports/*/junit.xml"})
    assert told["change"]["needs"] == ["before the change"]


@pytest.mark.parametrize("file", READMES, ids=lambda file: file.name)
def test_the_readmes_tomls_are_read_by_our_own_readers(file, tmp_path):
    found = set()
    (tmp_path / "theirs.py").touch()  # a locustfile, which has to be there
    for number, block in enumerate(re.findall(r"(?ms)^```toml\n(.*?)^```", file.read_text("utf-8"))):
        (kind,) = set(re.findall(r"(?m)^\[\[(\w+)\]\]", block))
        copy = tmp_path / f"{number}.toml"
        copy.write_text(block, "utf-8")
        assert READERS[kind](copy)
        found.add(kind)
    assert found == READERS.keys()


@pytest.mark.parametrize("file", READMES, ids=lambda file: file.name)
def test_the_readmes_checks_can_be_copied(file):
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```", file.read_text("utf-8"))
    assert len(blocks) == 2
    for block in blocks:
        names = {}
        exec(compile(block, file.name, "exec"), names)  # noqa: S102 - our own
        (check,) = [value for name, value in names.items() if name.startswith("test_")]
        (mark,) = check.pytestmark
        assert catalogue()[mark.args[0]].judged_by == "checks"
        doc = Doc.of(check)
        assert doc.why
        assert doc.mend


@pytest.mark.parametrize("file", READMES, ids=lambda file: file.name)
def test_the_readmes_coverage_is_the_generated_one(file, capsys):
    assert main(["explain", "--table"]) == 0
    assert capsys.readouterr().out in file.read_text("utf-8")


@pytest.mark.parametrize("file", READMES, ids=lambda file: file.name)
def test_what_a_readme_points_to_is_there(file):
    shown = re.sub(r"(?s)<!--.*?-->", "", file.read_text("utf-8"))
    places = re.findall(r"\]\((?!https?:)([^)#]+)\)|\((docs/[\w.-]+)\)|src=\"([^\"]+)\"", shown)
    named = {place for found in places for place in found if place}
    assert len(named) >= 3
    assert [place for place in named if not (ROOT / place).exists()] == []
