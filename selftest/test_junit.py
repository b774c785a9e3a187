"""junit.xml: what a CI server and an auditor read of each verdict, whatever a stranger said."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from cutover.checklist import catalogue
from cutover.facts.evidence import Evidence
from cutover.report import junit
from cutover.verdict import Verdict
from selftest.made_runs import made_run

BOXES = ": boxes without a check of their own"
AT = "2026-03-01T00:00:00+00:00"
FAILED = Verdict(
    word="failed",
    control_id="12.redirect",
    file="tests_network/test_redirect.py",
    check="test_http_is_redirected_with_301[new-api@192.0.2.1-/]",
    target="new-api",
    address="192.0.2.1",
    why="A 302 is for now only.",
    promised="301",
    seen="302",
    where="http://api.example.com/",
    mend="return 301",
    evidence=(Evidence("GET http://api.example.com/", AT, "302\nLocation: /x"),),
    seconds=0.25,
)
PASSED = replace(FAILED, word="passed", seen="301")
ERROR = replace(FAILED, word="error", promised="", seen="", reason="192.0.2.1 does not answer")
NOT_REVIEWED = replace(ERROR, word="not reviewed", address="", reason="no way in is declared")
WAIVED = replace(FAILED, word="waived", waiver="waived until 2026-04-01 by K. Sato: the old clients need it")
ADVICE = replace(FAILED, control_id="advice.server-tokens", promised="nginx", seen="nginx/1.22.1", is_advice=True)


@pytest.fixture
def whole(tmp_path):
    def write(*verdicts, **more):
        file = junit.write(made_run(tmp_path / "run", *verdicts, **more))
        assert file == tmp_path / "run/junit.xml"
        return ET.parse(file).getroot()  # noqa: S314 - our own

    return write


@pytest.fixture
def written(whole):
    """Only the suites of checks."""

    def write(*verdicts):
        root = whole(*verdicts)
        for suite in root.findall("testsuite"):
            if suite.get("name").endswith(BOXES):
                root.remove(suite)
        return root

    return write


def properties(case):
    return {entry.get("name"): entry.get("value") for entry in case.find("properties")}


def evidence(case):
    """The transcripts, by name and text; where they are told is no transcript."""
    found = properties(case)
    return [f"{name} {found[name]}" for name in found if name.startswith("evidence") and name != "evidence in"]


# The elements of the xunit2 schema of Jenkins (junit-10.xsd) that are used: attributes, those required, children.
# Properties of a testcase are not in it, but pytest, Jenkins and GitLab know them.
SCHEMA = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, set(), {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"},
        {"name", "tests", "failures", "errors"},
        {"properties", "testcase"},
    ),
    "testcase": (
        {"name", "classname", "time"},
        {"name", "classname"},
        {"properties", "failure", "error", "skipped"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, {"name", "value"}, set()),
    "failure": ({"message", "type"}, {"message"}, set()),
    "error": ({"message", "type"}, {"message"}, set()),
    "skipped": ({"message", "type"}, {"message"}, set()),
}


def test_structure_is_the_schemas(whole):
    root = whole(PASSED, FAILED, ERROR, NOT_REVIEWED, WAIVED, ADVICE)
    assert root.tag == "testsuites"
    for element in root.iter():
        known, required, children = SCHEMA[element.tag]
        assert required <= set(element.keys()) <= known, element.tag
        assert {child.tag for child in element} <= children, element.tag
        assert not (element.text or "").strip() or element.tag in ("failure", "error"), element.tag


def test_counts_by_target(written):
    other = replace(FAILED, target="old-api")
    suites = written(PASSED, FAILED, ERROR, NOT_REVIEWED, WAIVED, ADVICE, other).findall("testsuite")
    counted = ("hostname", "tests", "failures", "errors", "skipped", "time")
    assert [[suite.get(name) for name in counted] for suite in suites] == [
        ["new-api", "6", "1", "1", "3", "1.500"],
        ["old-api", "1", "1", "0", "0", "0.250"],
    ]
    for suite in suites:
        assert len(suite.findall("testcase")) == int(suite.get("tests"))
        assert len(suite.findall(".//failure")) == int(suite.get("failures"))
        assert len(suite.findall(".//error")) == int(suite.get("errors"))
        assert len(suite.findall(".//skipped")) == int(suite.get("skipped"))
        assert suite.get("timestamp") == AT


OUTCOMES = {
    "passed": (PASSED, None, None),
    "failed": (FAILED, "failure", "new-api: 12.redirect: promised 301, seen 302"),
    "error": (ERROR, "error", "new-api: 12.redirect: 192.0.2.1 does not answer"),
    "not reviewed": (NOT_REVIEWED, "skipped", "not reviewed: new-api: 12.redirect: no way in is declared"),
    "waived": (
        WAIVED,
        "skipped",
        "waived until 2026-04-01 by K. Sato: the old clients need it: new-api: 12.redirect: promised 301, seen 302",
    ),
    "advice": (ADVICE, "skipped", "advice: new-api: advice.server-tokens: promised nginx, seen nginx/1.22.1"),
    "advice, passed": (replace(ADVICE, word="passed"), None, None),
    "advice, not seen": (
        replace(ADVICE, word="error", promised="", seen="", reason="192.0.2.1 does not answer"),
        "skipped",
        "advice: new-api: advice.server-tokens: 192.0.2.1 does not answer",
    ),
    "advice, asked for": (
        replace(ADVICE, is_advice=False),
        "failure",
        "new-api: advice.server-tokens: promised nginx, seen nginx/1.22.1",
    ),
}


@pytest.mark.parametrize(("verdict", "element", "message"), OUTCOMES.values(), ids=OUTCOMES)
def test_outcome(written, verdict, element, message):
    (case,) = written(verdict).iter("testcase")
    outcomes = [child for child in case if child.tag != "properties"]
    assert [child.tag for child in outcomes] == ([element] if element else [])
    assert [child.get("message") for child in outcomes] == ([message] if element else [])
    assert properties(case)["verdict"] == verdict.word
    assert properties(case).get("advice") == ("yes" if verdict.is_advice else None)


def test_what_an_audit_asks_for_are_properties(written):
    (case,) = written(FAILED).iter("testcase")
    found = {name: value for name, value in properties(case).items() if not name.startswith("evidence")}
    assert found.pop("box") == FAILED.control.ja
    assert found.pop("severity") == FAILED.control.severity
    assert found == {
        "verdict": "failed",
        "control": "12.redirect",
        "check": "http_is_redirected_with_301",
        "section": "12",
        "target": "new-api",
        "address": "192.0.2.1",
        "promised": "301",
        "measured": "302",
        "where": "http://api.example.com/",
        "why": "A 302 is for now only.",
        "mend": "return 301",
    }
    (told,) = evidence(case)
    assert AT in told
    assert told.endswith("GET http://api.example.com/\n302\nLocation: /x")


def test_nothing_empty_is_a_property_and_who_passed_needs_no_mending(written):
    (case,) = written(replace(PASSED, address="", where="", evidence=())).iter("testcase")
    assert not {"address", "where", "reason", "mend"} & set(properties(case))


def test_each_piece_of_evidence_has_a_name_of_its_own(written):
    two = (*FAILED.evidence, Evidence("GET http://api.example.com/x", AT, "301"))
    (case,) = written(replace(FAILED, evidence=two)).iter("testcase")
    assert len(evidence(case)) == 2


@pytest.mark.parametrize("verdict", [PASSED, FAILED], ids=lambda verdict: verdict.word)
def test_who_ignores_properties_still_learns_target_control_and_value(written, verdict):
    (case,) = written(verdict).iter("testcase")
    for word in ("new-api", "192.0.2.1", "12.redirect", verdict.seen):
        assert word in case.get("name")


def test_each_transcript_is_there_once_and_of_what_passed_only_its_line(written):
    first, second, passed = written(FAILED, replace(FAILED, check="test_other[new-api]"), PASSED).iter("testcase")
    assert "Location: /x" in evidence(first)[0]
    assert evidence(second) == [f"evidence 1 as of 12.redirect {FAILED.check}, evidence 1"]
    assert evidence(passed) == []
    lines = [properties(case)["evidence in"] for case in (first, second, passed)]
    assert lines == [f"evidence.jsonl line {number}" for number in (1, 2, 3)]


def test_who_answers_for_a_failure_until_when_and_since_when_it_is(written):
    (case,) = written(replace(WAIVED, since="2026-02-28T10:00:00+00:00")).iter("testcase")
    assert properties(case)["waiver"] == WAIVED.waiver
    assert properties(case)["since"] == "2026-02-28T10:00:00+00:00"


def test_every_box_has_its_word_and_none_fails_twice(whole):
    root = whole(FAILED, targets=["new-api"])
    checks, boxes = root.findall("testsuite")
    assert boxes.get("name") == f"cutover new-api{BOXES}"
    words = {properties(case)["control"]: properties(case)["verdict"] for case in boxes}
    (of_check,) = {properties(case)["control"] for case in checks}
    expected = {control.id for control in catalogue().control if control.phase in ("both", "post")}
    assert set(words) == expected - {of_check}
    # 18.https is answered by 12.redirect, which is red already.
    assert (words["18.https"], words["2.domain"]) == ("failed", "not reviewed")
    assert (boxes.get("failures"), boxes.get("errors"), boxes.get("skipped")) == ("0", "0", str(len(boxes)))


def test_body_of_a_failure_tells_what_to_do(written):
    (failure,) = written(FAILED).iter("failure")
    assert failure.text.splitlines() == [
        "12.redirect http is redirected with 301: failed on new-api at 192.0.2.1",
        "promised  301",
        "seen      302",
        "where     http://api.example.com/",
        "mend      return 301",
    ]


ODD = {
    "markup": "</failure><testcase name='x'/>",
    "end of CDATA": "]]>",
    "entity": "&lt; &amp; &#0; &x;",
    "quotes": "\"a\" 'b'",
    "NUL and escape": "\x00\x1b[2J",
    "lone surrogate": "\ud800",
    "no characters": "\ufffe\uffff",
    "C1": "\x85\x9b",
    "newlines": "a\nb\tc",
    "other planes": "🏗 日本語",
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_whatever_a_stranger_says_is_harmless_text(written, text):
    said = replace(
        FAILED,
        check=f"test_x[{text}]",
        promised=text,
        seen=text,
        where=text,
        evidence=(Evidence(text, AT, text),),
    )
    legal = "".join("\ufffd" if c in "\x00\x1b\ud800\ufffe\uffff" else c for c in text)
    (case,) = written(said, replace(said, word="error", reason=text)).findall("testsuite/testcase[failure]")
    assert properties(case)["measured"] == legal
    assert evidence(case)[0].endswith(f"{legal}\n{legal}")
    assert f"promised  {legal}\nseen      {legal}\n" in case.find("failure").text
    assert case.get("name") == f"12.redirect test_x[{legal}] = {legal}"


@pytest.mark.parametrize("word", ["failed", "error", "not reviewed"])
def test_what_is_shown_in_lists_is_bounded(written, word):
    endless = replace(FAILED, word=word, seen="x" * 10_000, reason="y" * 10_000 if word != "failed" else "")
    (case,) = written(endless).iter("testcase")
    assert len(case.get("name")) <= 300
    assert all(len(child.get("message")) <= 600 for child in case if child.tag != "properties")
    for whole in ("12.redirect", "new-api@192.0.2.1"):
        assert whole in case.get("name")


def test_run_without_verdicts_is_still_a_document(written):
    assert [child.tag for child in written()] == []


def test_of_a_target_that_nobody_judged_every_box_is_told(whole):
    (suite,) = whole(targets=["new-api"])
    assert suite.get("tests") == suite.get("skipped") != "0"
