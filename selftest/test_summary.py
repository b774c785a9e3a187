"""The terminal's summary: one cause with what it explains, who answers for what, the gate's answer, in plain lines."""

from dataclasses import replace
from datetime import date

import pytest

from cutover.checklist import catalogue
from cutover.exceptions import Attestation, Exceptions, Waiver
from cutover.report.summary import summarise
from cutover.verdict import Verdict
from selftest.made_runs import made_run

TODAY = date(2026, 3, 1)
FAILED = Verdict(
    word="failed",
    control_id="9.status",
    file="tests_server/test_service.py",
    check="test_status_agrees[api]",
    target="api",
    promised="running",
    seen="dead",
    where="systemctl status",
    mend="start it",
)


class Out:
    """What a terminal reporter prints, as text."""

    def __init__(self):
        self.text = ""

    def line(self, told="", **colours):
        self.text += f"{told}\n"

    def write(self, told, **colours):
        self.text += told

    def section(self, told, sep):
        self.text += f"{sep}{told}\n"


@pytest.fixture
def told(tmp_path):
    def tell(*verdicts, **more):
        out = Out()
        summarise(out, made_run(tmp_path, *verdicts, **more), {}, set(), False)
        return out.text

    return tell


OUTSIDE = replace(FAILED, control_id="11.health", check="test_health_answers[api@192.0.2.1]", address="192.0.2.1")


def test_a_cause_is_told_in_full_and_what_it_explains_in_a_line_each(told):
    text = told(FAILED, OUTSIDE, replace(OUTSIDE, check="test_health_answers[api@2001:db8::1]"))
    assert (
        "\n9.status status agrees: failed on api\n    promised  running\n    seen      dead\n"
        "    where     systemctl status\n    mend      start it\n"
        "\n9.status of api may explain 1 more box:\n"
        "    11.health  health answers: promised running, seen dead  (2 times)\n"
        "    do        Look at Gunicorn's state and start it if it is down: "
    ) in text
    assert "11.health health answers: failed on" not in text


def test_advice_is_told_in_the_language_that_was_asked_for(told):
    assert "    do        Gunicornの状態を確認し" in told(FAILED, OUTSIDE, lang="ja")


def test_what_nothing_explains_is_told_in_full(told):
    other = replace(OUTSIDE, control_id="12.security-headers")
    text = told(FAILED, OUTSIDE, other)
    assert "\n12.security-headers health answers: failed on api at 192.0.2.1\n    promised  running\n" in text


def test_who_does_not_answer_is_told_by_the_cause_and_once_with_its_reason(told):
    silent = replace(OUTSIDE, word="error", promised="", seen="", reason="192.0.2.1 refuses connections")
    text = told(FAILED, silent)
    assert "    could not be looked at: 11.health\n" in text
    assert text.count("\nerror on api: 192.0.2.1 refuses connections\n") == 1


def test_who_answers_for_a_failure_is_told_with_the_failure_and_untidy_files_too(told):
    waived = replace(FAILED, word="waived", waiver="waived until 2026-03-01 by K. Sato: old clients")
    waivers = [Waiver(control=c, target="api", reason="r", approver="a", expires=TODAY) for c in ("9.status", "2.dns")]
    text = told(waived, replace(waived, check="test_other[api]"), exceptions=Exceptions(TODAY, tuple(waivers)))
    assert (
        "\n9.status on api: waived until 2026-03-01 by K. Sato: old clients\n"
        "    status agrees: promised running, seen dead\n    other: promised running, seen dead\n"
    ) in text
    assert "\nwaiver of 2.dns for api: unused, nothing of it was judged\n" in text


def test_answer_is_no_with_its_status_and_what_blocks_by_reason(told):
    text = told(FAILED, sameness={}, state="interrupted")
    answer = text[text.index("-answer\n") :]
    assert answer.startswith("-answer\nNO (exit status 1)\n    the run was interrupted\n    failed on api: 9.status\n")
    assert "    not reviewed on api: 2.domain, 19.architecture-diagram, " in answer
    assert "20.dns-switchback (nobody has stated it: cutover attest)\n" in answer
    # What only sums up others is no reason of its own.
    assert "18.autostart" not in answer


def test_answer_is_yes_with_how_long_it_holds(told):
    passed = [
        replace(FAILED, word="passed", control_id=control.id, check=f"test_x{number}[api]")
        for number, control in enumerate(catalogue().control)
        if control.judged_by == "checks"
    ]
    stated = tuple(
        Attestation(control=control.id, target="api", by="M", on=TODAY, statement="s", valid_until=TODAY)
        for control in catalogue().control
        if control.judged_by == "attestation"
    )
    text = told(*passed, exceptions=Exceptions(TODAY, (), stated))
    assert "-answer\nYES: every mandatory box was seen as promised, is waived or is attested\n" in text
    assert "    valid until 2026-03-02 08:59:59 JST (2026-03-01 23:59:59 UTC)\n" in text
    assert "not stated" not in text
    assert "a person has to state them" not in text


def test_without_a_gate_there_is_no_answer(told):
    assert "-answer" not in told(FAILED, gate=False)


def test_a_section_with_a_box_that_nobody_stated_is_not_ok(told):
    text = told(replace(FAILED, word="passed", control_id="2.dns"))
    assert "  -        2  Domain and DNS                      1 passed, 1 not stated\n" in text


def test_reports_are_named_last(told, tmp_path):
    *_, read, report = told(FAILED).splitlines()
    assert read == f"to read: {tmp_path}/report.html, report.md; for programs: verdict.json, junit.xml"
    assert report == f"report: {tmp_path}/junit.xml"


def test_the_box_is_named_in_plain_characters(told):
    assert told(FAILED, OUTSIDE).isascii()
