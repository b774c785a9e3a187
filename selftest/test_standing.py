"""Where a control stands, and what the gate makes of it: never yes unless everything mandatory was seen, by table."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from cutover.checklist import catalogue
from cutover.exceptions import Exceptions, Waiver
from cutover.plan import Plan, Planned
from cutover.report.about import Sameness
from selftest.runs import LABEL, TODAY, everything, run_of, stated, verdict

TEMP = Path("/nonexistent/run")
STATED = Exceptions(TODAY, attestations=stated())


def stands(*verdicts, control="12.redirect", **more):
    """Word and reason of one control."""
    standing = run_of(TEMP, *verdicts, **more).standings[LABEL][control]
    return standing.word, standing.reason


MIXED = {
    "all passed": (["passed", "passed"], "passed"),
    "one failed": (["passed", "failed"], "failed"),
    "one could not look": (["passed", "error"], "error"),
    "failed and could not look": (["failed", "error"], "failed"),
    "one not reviewed": (["passed", "not reviewed"], "not reviewed"),
    "one waived": (["passed", "waived"], "waived"),
    "waived and not reviewed": (["waived", "not reviewed"], "not reviewed"),
}


@pytest.mark.parametrize(("words", "expected"), MIXED.values(), ids=MIXED)
def test_a_control_stands_where_the_worst_of_its_checks_does(words, expected):
    assert stands(*(verdict(word=word) for word in words))[0] == expected


def test_without_a_check_it_is_not_reviewed():
    assert stands() == ("not reviewed", "no check of this run looks at it")


def test_what_nobody_asks_for_keeps_no_control_from_passing():
    optional = verdict(word="not reviewed", is_optional=True)
    assert stands(verdict(), optional)[0] == "passed"
    assert stands(optional)[0] == "not reviewed"


def planned(target=LABEL, name="test_hidden[new-api]"):
    return Planned("12.redirect", "tests_network/test_redirect.py", name, target, "")


HIDDEN = {
    "deselected": (Plan(deselected=[planned()]), "1 of its checks were deselected"),
    "not asked for": (Plan(uncollected=[planned("")]), "1 of its checks were not asked for"),
    "did not run": (Plan(checks={"it": planned()}), "1 of its checks did not run"),
}


@pytest.mark.parametrize(("plan", "reason"), HIDDEN.values(), ids=HIDDEN)
def test_a_check_without_a_verdict_hides_no_control(plan, reason):
    assert stands(verdict(), plan=plan) == ("not reviewed", reason)
    assert stands(verdict(word="failed"), plan=plan) == ("failed", reason)


def test_a_check_of_another_target_hides_nothing():
    assert stands(verdict(), plan=Plan(deselected=[planned("other")]))[0] == "passed"


def test_a_row_stands_where_the_worst_of_its_rows_does():
    verdicts = everything(**{"11__login": "failed", "11__me": "error"})
    assert stands(*verdicts, control="18.endpoints") == ("failed", "11.login")
    assert stands(*everything(), control="18.endpoints") == ("passed", "")
    # That the application is a service is optional.
    assert stands(*everything(**{"10__unit": "not reviewed"}), control="18.autostart")[0] == "passed"
    assert stands(*everything(**{"7__restart": "not reviewed"}), control="18.autostart")[0] == "not reviewed"


def test_a_box_of_the_other_phase_is_not_asked_for():
    assert "20.old-environment" in run_of(TEMP).standings[LABEL]
    assert "20.old-environment" not in run_of(TEMP, phase="pre").standings[LABEL]


STATEMENTS = {
    "holds": ({}, "passed", "stated by Sato on 2026-03-01, valid until 2026-06-01: seen"),
    "on its last day": ({"valid_until": TODAY}, "passed", "stated by Sato on 2026-03-01, valid until 2026-03-01: seen"),
    "with evidence": (
        {"evidence": "https://wiki.example.com/1"},
        "passed",
        "stated by Sato on 2026-03-01, valid until 2026-06-01: seen (https://wiki.example.com/1)",
    ),
}


@pytest.mark.parametrize(("how", "word", "reason"), STATEMENTS.values(), ids=STATEMENTS)
def test_a_statement_that_holds_passes(how, word, reason):
    exceptions = Exceptions(TODAY, attestations=stated(**how))
    assert stands(control="19.emergency-contacts", exceptions=exceptions) == (word, reason)


def test_a_statement_that_expired_or_is_missing_does_not():
    exceptions = Exceptions(date(2026, 6, 2), attestations=stated())
    reason = "the statement of Sato expired on 2026-06-01: cutover attest"
    assert stands(control="19.emergency-contacts", exceptions=exceptions) == ("not reviewed", reason)
    early = Exceptions(date(2026, 2, 1), attestations=stated())
    reason = "the statement of Sato is of 2026-03-01: cutover attest"
    assert stands(control="19.emergency-contacts", exceptions=early) == ("not reviewed", reason)
    assert stands(control="19.emergency-contacts") == ("not reviewed", "nobody has stated it: cutover attest")


def test_a_statement_does_not_stand_in_for_a_check():
    statement = replace_control(stated()[0], "12.ssl-labs")
    exceptions = Exceptions(TODAY, attestations=(statement,))
    assert stands(control="12.ssl-labs", exceptions=exceptions)[0] == "not reviewed"


def replace_control(statement, control):
    return statement.model_copy(update={"control": control})


def decided(*verdicts, exceptions=STATED, **more):
    return run_of(TEMP, *verdicts, exceptions=exceptions, **more).decision


def test_the_gate_opens_when_all_was_seen_and_stated():
    decision = decided(*everything())
    assert (decision.yes, decision.status, decision.blocks, decision.objections) == (True, 0, (), ())


WAIVER = Waiver(control="12.redirect", target=LABEL, reason="known", approver="Suzuki", expires=date(2026, 3, 31))
CLOSED = {
    "failed": (everything(**{"12__redirect": "failed"}), 1),
    "could not look": (everything(**{"12__redirect": "error"}), 8),
    "not reviewed": (everything(**{"12__redirect": "not reviewed"}), 9),
    "failed goes first": (
        everything(**{"12__redirect": "not reviewed", "11__me": "error", "1__os": "failed"}),
        1,
    ),
    "could not look goes before not reviewed": (everything(**{"12__redirect": "not reviewed", "11__me": "error"}), 8),
    "declared, optional, failed": (everything(**{"8__database": "failed"}), 1),
    "no verdict": ([], 9),
}


@pytest.mark.parametrize(("verdicts", "status"), CLOSED.values(), ids=CLOSED)
def test_the_gate_stays_closed(verdicts, status):
    decision = decided(*verdicts)
    assert (decision.yes, decision.status) == (False, status)
    assert decision.blocks


@pytest.mark.parametrize(
    "control",
    [row for row in catalogue().control if row.mandatory and row.judged_by == "checks"],
    ids=lambda row: row.id,
)
def test_no_mandatory_box_can_be_missing(control):
    decision = decided(*(each for each in everything() if each.control_id != control.id))
    assert decision.status == 9
    assert control.id in {standing.control_id for standing in decision.blocks}


def test_what_is_optional_may_be_left_out():
    assert decided(*everything(**{"8__database": "not reviewed", "10__unit": "not reviewed"})).yes


def test_advice_decides_nothing_unless_strict():
    advice = verdict("advice.csp", "failed", is_advice=True)
    assert decided(*everything(), advice).yes
    assert decided(*everything(), replace(advice, is_advice=False)).status == 1


def test_a_waived_failure_opens_the_gate_until_its_last_day():
    failed = everything(**{"12__redirect": "failed"})
    for day, status in ((date(2026, 3, 31), 0), (date(2026, 4, 1), 1)):
        exceptions = Exceptions(day, (WAIVER,), stated())
        judged = [exceptions.applied(each) for each in failed]
        assert decided(*judged, exceptions=exceptions).status == status


def test_without_statements_the_gate_stays_closed():
    assert decided(*everything(), exceptions=Exceptions(TODAY)).status == 9


@pytest.mark.parametrize("state", ["running", "interrupted"])
def test_a_run_that_did_not_end_is_no_yes(state):
    assert decided(*everything(), state=state).status == 8
    assert decided(*everything(), state=state, ended_with=2).status == 2


def test_what_speaks_against_the_run_as_a_whole_closes_the_gate():
    assert decided(*everything(), unwritten="the disk is full").objections == ("the disk is full",)
    assert decided(*everything(), ended_with=1).status == 1  # another test failed
    assert decided(*everything(), ended_with=5).status == 5
    run = run_of(TEMP, *everything(), exceptions=STATED)
    run.about = replace(run.about, sameness={LABEL: Sameness({"boot": "1"}, {"boot": "2"}, ("boot",), None)})
    assert run.decision.status == 8
    assert run.decision.objections == (f"{LABEL} changed while it was looked at: boot",)
