"""``cutover diff``: what changed between two runs that were written as runs are."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cutover.__main__ import main
from cutover.exceptions import Exceptions
from cutover.report import journal
from cutover.report.about import About, Sameness, TargetLine
from cutover.verdict import Verdict

LINE = TargetLine("a.test", "post", "small", ("192.0.2.1",), False)
SAME = Sameness({"commit": "abc"}, {"commit": "abc"}, (), 0.1)
ABOUT = About(
    run="first",
    started="2026-03-01T00:00:00+00:00",
    started_jst="2026-03-01T09:00:00+09:00",
    operator="ops",
    job="",
    machine="m",
    version="0.1.0",
    commit="c1",
    python="3.11.7",
    arguments="--host a.test",
    inputs={"inventory": hashlib.sha256(b"1").hexdigest()},
    targets={"a.test": LINE},
    state="ended",
    sameness={"a.test": SAME},
)


def verdict(word="passed", **more):
    given = {"check": "test_chain_is_in_order[a.test@192.0.2.1-leaf]", "promised": "leaf first", "seen": "leaf first"}
    return Verdict(word, "12.certificate", "tests_security/test_certificate.py", target="a.test", **given | more)


@pytest.fixture
def diff(tmp_path, capsys):
    """Status and lines below the head, for two runs that differ from ``ABOUT`` and one passed verdict as told."""

    def write(name, about, verdicts):
        folder = tmp_path / name
        folder.mkdir()
        about.write(folder)
        Exceptions(datetime.now(UTC).date()).write(folder)
        lines = journal.Journal(folder)
        for one in verdicts:
            lines.append(one)
        return str(folder)

    def compare(after=(), about=None, before=(), options=()):
        first = write("first", ABOUT, before or [verdict()])
        second = write("second", replace(ABOUT, run="second", **about or {}), after or [verdict()])
        status = main(["diff", first, second, *options])
        head, *lines = capsys.readouterr().out.splitlines()
        return status, head, lines

    return compare


def test_nothing_changed_is_said(diff):
    when = "(2026-03-01 00:00:00 UTC)"
    assert diff() == (0, f"nothing changed between first {when} and second {when}", [])


def test_a_verdict_that_changed_is_told_of_control_and_check(diff):
    status, head, lines = diff([verdict("failed", seen="leaf last")])
    assert (status, head.partition(" ")[0]) == (1, "between")
    assert lines == [
        "a.test:",
        "  12.certificate: passed -> failed",
        "  18.https: not reviewed -> failed",
        "  18.certificate: not reviewed -> failed",
        "  T4.https: not reviewed -> failed",
        "  12.certificate chain is in order [192.0.2.1-leaf]: passed -> failed",
        "  12.certificate chain is in order [192.0.2.1-leaf]: seen leaf first -> leaf last",
    ]


CHANGES = {
    "another sight": (verdict(seen="leaf, then root"), "seen leaf first -> leaf, then root"),
    "another promise": (verdict(promised="leaf, then root"), "promised leaf first -> leaf, then root"),
    "nothing seen": (verdict(seen=""), "seen leaf first -> nothing"),
}


@pytest.mark.parametrize(("after", "told"), CHANGES.values(), ids=CHANGES)
def test_promised_and_seen_are_told_under_the_same_verdict(diff, after, told):
    assert diff([after])[2] == ["a.test:", f"  12.certificate chain is in order [192.0.2.1-leaf]: {told}"]


def test_a_figure_that_moved_within_its_promise_is_told_when_asked(diff):
    figures = {"before": [verdict(seen="0.034 s")], "after": [verdict(seen="0.1 s")]}
    assert diff(**figures)[0] == 0


@pytest.mark.parametrize(
    ("word", "options"), [("passed", ["--figures"]), ("failed", [])], ids=["passed, and asked for", "failed"]
)
def test_a_figure_is_told(diff, word, options):
    status, _, lines = diff(
        before=[verdict(word, seen="0.034 s")], after=[verdict(word, seen="0.1 s")], options=options
    )
    assert status == 1
    assert lines[-1].endswith(": seen 0.034 s -> 0.1 s")


ABOUTS = {
    "target came": ({"targets": {"a.test": LINE, "b.test": LINE}}, "b.test: new"),
    "target went": ({"targets": {}}, "a.test: gone"),
    "addresses": ({"targets": {"a.test": replace(LINE, addresses=())}}, "  addresses: 192.0.2.1 -> none"),
    "tier": ({"targets": {"a.test": replace(LINE, tier="large")}}, "  tier: small -> large"),
    "recorded": ({"targets": {"a.test": replace(LINE, recorded=True)}}, "  its server's facts: seen -> recorded"),
    "phase": ({"targets": {"a.test": replace(LINE, phase="pre")}}, "  20.old-environment: taken away"),
    "identity": ({"sameness": {"a.test": replace(SAME, end={"commit": "def"})}}, "  commit: abc -> def"),
    "identity not seen": ({"sameness": {}}, "  commit: abc -> not seen"),
    "inventory": ({"inputs": {"inventory": "2"}}, "  inventory: changed"),
    "no inventory": ({"inputs": {}}, "  inventory: taken away"),
    "waivers": ({"inputs": ABOUT.inputs | {"waivers": "2"}}, "  waivers: added"),
    "our commit": ({"commit": "c2"}, "  commit of cutover: c1 -> c2"),
    "not ended": ({"state": "running"}, "  the second run did not come to its end: what it lacks is no change"),
}


@pytest.mark.parametrize(("about", "told"), ABOUTS.values(), ids=ABOUTS)
def test_a_change_of_the_run_or_its_target_is_told(diff, about, told):
    status, _, lines = diff(about=about)
    assert status == 1
    assert told in lines


def test_a_check_that_came_or_went_is_told(diff):
    other = verdict(check="test_other[a.test]")
    _, _, lines = diff(before=[verdict(), other], after=[verdict(), replace(other, check="test_new[a.test]")])
    assert "  12.certificate other: taken away (passed)" in lines
    assert "  12.certificate new: added (passed)" in lines


def test_what_is_no_run_is_one_line_and_status_4(tmp_path, capsys):
    assert main(["diff", str(tmp_path), str(tmp_path)]) == 4
    assert capsys.readouterr().err.startswith(f"cutover: {tmp_path}: is no run's folder: run.json cannot be read")
