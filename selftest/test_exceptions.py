"""Waivers and attestations: read strictly, a mistake in one line, counted to the day, told when untidy."""

from datetime import date

import pytest

from cutover.errors import UsageError
from cutover.exceptions import Exceptions, read_attestations, read_waivers
from selftest.runs import LABEL, TODAY, verdict

WAIVER = {
    "control": "12.redirect",
    "target": LABEL,
    "reason": "302 until the campaign ends",
    "approver": "Suzuki",
    "expires": "2026-03-31",
}
ATTESTATION = {
    "control": "19.emergency-contacts",
    "target": LABEL,
    "by": "Sato",
    "on": "2026-03-01",
    "statement": "the list hangs in the office",
    "valid_until": "2026-06-01",
}


def table(name, row):
    dates = ("expires", "on", "valid_until")
    lines = [f"{key} = {value if key in dates else repr(value)}" for key, value in row.items()]
    return f"[[{name}]]\n" + "\n".join(lines) + "\n"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "given.toml"


def waivers(file, text):
    file.write_text(text)
    return read_waivers(file)


def test_dates_may_be_written_as_such_or_as_text(file):
    plain = waivers(file, table("waiver", WAIVER))
    quoted = waivers(file, table("waiver", WAIVER).replace("2026-03-31", '"2026-03-31"'))
    assert plain == quoted
    assert plain[0].expires == date(2026, 3, 31)


def test_an_empty_file_answers_for_nothing(file):
    assert waivers(file, "") == ()


WRONG = {
    "no expiry": (
        table("waiver", {k: v for k, v in WAIVER.items() if k != "expires"}),
        "waiver[0].expires: is missing",
    ),
    "no reason": (
        table("waiver", WAIVER | {"reason": ""}),
        "waiver[0].reason: String should have at least 1 character",
    ),
    "no date": (table("waiver", WAIVER | {"expires": "'soon'"}), "waiver[0].expires: expected a valid date"),
    "unknown control": (
        table("waiver", WAIVER | {"control": "12.redirekt"}),
        "waiver[0].control: control '12.redirekt' is not in the checklist; did you mean 12.redirect",
    ),
    "unknown key": (table("waiver", WAIVER | {"expire": "x"}), "waiver[0].expire: unknown key; did you mean expires?"),
    "twice": (2 * table("waiver", WAIVER), f"two waivers for 12.redirect of {LABEL}; only one can count"),
    "no TOML": ("[[waiver", "is not TOML: "),
}


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_one_line_with_file_and_key(file, text, told):
    with pytest.raises(UsageError) as raised:
        waivers(file, text)
    assert str(raised.value).startswith(f"{file}: {told}")
    assert "\n" not in str(raised.value)


def test_a_statement_cannot_end_before_it_began(file):
    file.write_text(table("attestation", ATTESTATION | {"valid_until": "2026-02-01"}))
    with pytest.raises(UsageError, match=r"valid_until lies before on$"):
        read_attestations(file)


def test_what_a_person_writes_holds_no_secret_in_a_report(file):
    (waiver,) = waivers(file, table("waiver", WAIVER | {"reason": "password=hunter2hunter2"}))
    assert "hunter2" not in waiver.reason


APPLIED = {
    "failed": (verdict(word="failed"), "waived"),
    "could not look": (verdict(word="error"), "error"),
    "passed": (verdict(), "passed"),
    "another control": (verdict("12.certificate", "failed"), "failed"),
    "another target": (verdict(word="failed", target="other"), "failed"),
}


@pytest.mark.parametrize(("judged", "word"), APPLIED.values(), ids=APPLIED)
def test_only_a_failure_of_its_own_is_waived(file, judged, word):
    exceptions = Exceptions(TODAY, waivers(file, table("waiver", WAIVER)))
    assert exceptions.applied(judged).word == word


def test_a_waived_failure_tells_who_answers_for_it(file):
    exceptions = Exceptions(TODAY, waivers(file, table("waiver", WAIVER)))
    told = "waived until 2026-03-31 by Suzuki: 302 until the campaign ends"
    judged = exceptions.applied(verdict(word="failed"))
    assert judged.waiver == told
    assert told in judged.message


UNTIDY = {
    "in use": (TODAY, [verdict(word="waived")], []),
    "stale": (TODAY, [verdict()], [f"waiver of 12.redirect for {LABEL}: stale, nothing fails any more; take it out"]),
    "could not look": (TODAY, [verdict(word="error")], []),
    "unused": (TODAY, [], [f"waiver of 12.redirect for {LABEL}: unused, nothing of it was judged"]),
    "expired": (
        date(2026, 4, 1),
        [verdict(word="failed")],
        [f"waiver of 12.redirect for {LABEL}: expired on 2026-03-31; failures count again"],
    ),
}


@pytest.mark.parametrize(("today", "verdicts", "told"), UNTIDY.values(), ids=UNTIDY)
def test_an_untidy_waiver_is_told(file, today, verdicts, told):
    exceptions = Exceptions(today, waivers(file, table("waiver", WAIVER)))
    assert exceptions.untidy(verdicts, [LABEL]) == told


def test_an_unknown_target_and_a_worn_out_statement_are_told(file):
    file.write_text(table("attestation", ATTESTATION) + table("attestation", ATTESTATION | {"target": "typo"}))
    exceptions = Exceptions(date(2026, 6, 2), attestations=read_attestations(file))
    what = "attestation of 19.emergency-contacts for"
    assert exceptions.untidy([], [LABEL]) == [
        f"{what} {LABEL}: expired on 2026-06-01; have it stated again: cutover attest",
        f"{what} typo: unused, this run has no target of that name",
    ]


def test_they_are_kept_with_the_run(file, tmp_path):
    file.write_text(table("attestation", ATTESTATION))
    exceptions = Exceptions(TODAY, (), read_attestations(file))
    exceptions.write(tmp_path)
    assert Exceptions.read(tmp_path) == exceptions
