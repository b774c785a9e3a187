"""``verdict.json`` of real runs keeps its published schema, and what is none is refused."""

import copy
import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from cutover.checklist import catalogue
from cutover.cli.attest import append
from cutover.exceptions import Attestation
from cutover.report import answer

pytest_plugins = ["pytester"]

HOST = "api.example.test"
SCHEMA = json.loads(files("cutover.report").joinpath("verdict.schema.json").read_text("utf-8"))
BOXES = [control for control in catalogue().control if not control.is_advice and control.judged_by == "checks"]
STATED = [control for control in catalogue().control if control.judged_by == "attestation"]
HEAD = """
from cutover.check import control, promised, seen
from cutover.errors import NotDeclared, ProbeError
"""
CHECK = '''
@control("{box}")
def test_{number}(target):
    """Because.

    Mend: turn it on
    """
    {body}
'''
BODIES = {
    "yes": "assert seen(1) == promised(1)",
    "failed": "assert seen(1) == promised(2)",
    "error": "raise ProbeError('gone')",
    "not reviewed": "raise NotDeclared('nobody said')",
    "interrupted": "raise KeyboardInterrupt",
}
STATUS = {"yes": 0, "failed": 1, "error": 8, "not reviewed": 9, "interrupted": 2}


def problems(document):
    return [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)]


@pytest.fixture
def run(pytester, monkeypatch):
    """A gate over one check for each box, all as promised but the last; its exit status and verdict.json."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def judge(last, *options):
        today = datetime.now(UTC).date()
        bodies = [BODIES["yes"]] * (len(BOXES) - 1) + [BODIES[last]]
        checks = [
            CHECK.format(box=box.id, number=number, body=body)
            for number, (box, body) in enumerate(zip(BOXES, bodies, strict=True))
        ]
        pytester.makepyfile(HEAD + "".join(checks))
        stated = pytester.path / "attestations.toml"
        stated.unlink(missing_ok=True)
        for control in STATED:
            days = {"on": today, "valid_until": today + timedelta(days=1)}
            append(stated, Attestation(control=control.id, target=HOST, by="Taro", statement="so", **days))
        host = ["--host", HOST, "--address", "127.0.0.1", "--attestations", str(stated), "--gate"]
        ran = pytester.inline_run("-p", "cutover.plugin", *host, *options, no_reraise_ctrlc=True)
        (folder,) = (pytester.path / "reports").iterdir()
        return ran.ret, answer.load(folder)

    return judge


def test_the_schema_is_one_and_has_the_writers_version():
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["properties"]["schema"] == SCHEMA["properties"]["schema"] | {"const": answer.SCHEMA}
    assert SCHEMA["$id"].endswith(f":{answer.SCHEMA}")


@pytest.mark.parametrize("last", BODIES)
def test_what_a_run_writes_keeps_the_schema(run, last):
    status, told = run(last)
    assert problems(told) == []
    assert (status, told["exit_status"], told["answer"]) == (
        STATUS[last],
        STATUS[last],
        "yes" if last == "yes" else "no",
    )


def test_a_run_of_nothing_keeps_the_schema(run):
    status, told = run("yes", "-k", "nothing_matches")
    assert problems(told) == []
    assert (status, told["answer"]) == (5, "no")


def test_a_yes_that_could_not_be_signed_is_none(run, tmp_path):
    status, told = run("yes", "--sign", str(tmp_path / "no-key"))
    assert (status, told["answer"], told["exit_status"]) == (8, "no", 8)


WRONG = {
    "a yes beside what blocks": lambda told: told["targets"][HOST]["blocks"].append(
        {"control": "1.os", "verdict": "failed", "mandatory": True, "reason": "", "checks": []}
    ),
    "a yes beside an objection": lambda told: told["objections"].append("it changed"),
    "a yes of a run that did not end": lambda told: told.update(state="running"),
    "a yes of nothing": lambda told: told.update(targets={}),
    "a yes with another status": lambda told: told.update(exit_status=1),
    "a no with status 0": lambda told: told.update(answer="no"),
    "another version": lambda told: told.update(schema=2),
    "a key that nobody knows": lambda told: told.update(more=1),
    "a sixth word": lambda told: told["targets"][HOST]["controls"].update({"1.os": "skipped"}),
    "no time": lambda told: told.update(valid_until="soon"),
    "no hash": lambda told: told.update(evidence_sha256="abc"),
    "no targets": lambda told: told.pop("targets"),
}


def test_what_is_no_answer_is_refused(run):
    _, told = run("yes")
    for case, spoil in WRONG.items():
        spoilt = copy.deepcopy(told)
        spoil(spoilt)
        assert problems(spoilt), case
