"""One cause, one line: what the checklist's troubleshooting rows say of failures, and what they must not say."""

import pytest

from cutover.causes import causes, explained_by
from cutover.checklist import catalogue
from cutover.standing import Standing
from cutover.verdict import Verdict


def verdict(control, word, address="", reason=""):
    return Verdict(word, control, "tests_x/test_x.py", "test_x[api]", "api", address=address, reason=reason)


def standings(**words):
    """Standings of one target: all passed, but ``x9_start="failed"``, or a verdict of its own."""
    told = {name[1:].replace("_", ".", 1).replace("_", "-"): word for name, word in words.items()}
    found = {}
    for control in catalogue().control:
        if control.judged_by == "checks":
            of = told.get(control.id, "passed")
            of = of if isinstance(of, Verdict) else verdict(control.id, of)
            found[control.id] = Standing(control.id, "api", of.word, verdicts=(of,))
    return found


def told(**words):
    """Root, what it explains, and the rows that say so."""
    return [
        (cause.root.control_id, [each.control_id for each in cause.explained], [row.id for row in cause.rows])
        for cause in causes(standings(**words))
    ]


def test_of_a_good_host_nothing_is_explained():
    assert told() == []


def test_a_failure_alone_explains_itself_only():
    assert told(x9_start="failed") == []
    assert told(x12_security_headers="failed") == []


def test_a_dead_application_explains_what_its_endpoints_say():
    assert told(x9_status="failed", x11_health="failed", x11_login="failed") == [
        ("9.status", ["11.health", "11.login"], ["T2.gunicorn-running"])
    ]


def test_a_chain_has_one_cause():
    found = told(x4_virtualenv="failed", x9_start="failed", x9_status="failed", x11_health="failed")
    assert found == [("4.virtualenv", ["9.start", "9.status", "11.health"], ["T1.virtualenv", "T1.packages"])]


def test_two_causes_may_explain_the_same():
    found = causes(standings(x2_dns="failed", x9_status="failed", x11_health="failed"))
    assert [cause.root.control_id for cause in found] == ["2.dns", "9.status"]
    assert explained_by(found) == {"11.health": ["2.dns", "9.status"]}


@pytest.mark.parametrize("word", ["waived", "not reviewed", "passed"])
def test_only_what_is_wrong_is_a_cause_or_explained(word):
    assert told(x9_status=word, x11_health="failed") == []
    assert told(x9_status="failed", x11_health=word) == []


def test_what_could_not_be_seen_may_be_why_another_failed():
    assert [root for root, *_ in told(x9_status="error", x11_health="failed")] == ["9.status"]


def test_what_could_not_be_seen_explains_nothing_that_could_not_be_seen_either():
    assert told(x9_status="error", x11_health=verdict("11.health", "error", "192.0.2.1")) == []


def test_a_failure_inside_explains_who_does_not_answer_outside_and_no_sudo_that_refuses():
    assert told(x9_status="failed", x11_health=verdict("11.health", "error", "192.0.2.1")) == [
        ("9.status", ["11.health"], ["T2.gunicorn-running"])
    ]
    assert told(x9_status="failed", x14_error_log=verdict("14.error-log", "error")) == []


def test_advice_is_the_checklists_for_this_host_and_each_sentence_once():
    (cause,) = causes(standings(x6_certificate="failed", x12_certificate="failed"))
    assert cause.advice("en", "api.example.org") == [
        "Look at the certificates and obtain the missing one again: `sudo certbot certificates`, "
        "`sudo certbot certonly --nginx -d api.example.org`"
    ]
    (japanese,) = cause.advice("ja", "api.example.org")
    assert japanese.startswith("証明書を確認し")
    assert "api.example.com" not in japanese


@pytest.mark.parametrize("row", [row for row in catalogue().control if row.explains], ids=lambda row: row.id)
def test_each_row_of_the_troubleshooting_part_can_be_told(row):
    words = {f"x{control.replace('.', '_', 1)}": "failed" for control in (row.rows[0], row.explains[-1])}
    assert [row.id in rows for _, _, rows in told(**words)] == [True]
