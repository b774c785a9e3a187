"""What a check does, and the verdict it gets: five words, never a guess, and never green when nothing was judged."""

import re
import textwrap

import pytest
from _pytest._code.code import TracebackEntry

from cutover.plugin import VERIFICATION

pytest_plugins = ["pytester"]

HEAD = """
    import pytest
    from cutover.check import control, promised, seen
    from cutover.errors import NotDeclared, ProbeError

    @pytest.fixture
    def unreachable(target):
        raise ProbeError("192.0.2.1 does not answer", "start it")

    @pytest.fixture
    def undeclared(target):
        raise NotDeclared("no way in is declared")

    @pytest.fixture
    def wrong_fixture(target):
        assert target is None
"""

CHECK = '''
    @control("12.redirect")
    def test_it(target{arguments}):
        """Because.

        Mend: turn it on
        """
        {body}
'''


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs checks against a target that no probe is asked about; the exit status and the verdicts."""

    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def judge(checks, *options):
        pytester.makepyfile(textwrap.dedent(HEAD) + textwrap.dedent(checks))
        host = ["--host", "api.example.test", "--address", "127.0.0.1"]
        ran = pytester.inline_run("-p", "cutover.plugin", *host, *options)
        (finish,) = ran.getcalls("pytest_sessionfinish")
        return finish.session.exitstatus, finish.session.config.stash[VERIFICATION]._run.verdicts

    return judge


# The end of a check, what else it asks for, and of the verdict: word, promised, seen, a part of the reason, mend.
ENDS = {
    "as promised": ("assert seen(301) == promised(301)", "", "passed", ("301", "301"), "", "turn it on"),
    "not as promised": ("assert seen(302) == promised(301)", "", "failed", ("301", "302"), "", "turn it on"),
    "in words": (
        'assert seen(1, "one") >= promised(2, "at least two")',
        "",
        "failed",
        ("at least two", "one"),
        "",
        "turn it on",
    ),
    "another assertion than the comparison": (
        "assert seen(301) == promised(301); assert 1 > 2, 'one is less'",
        "",
        "failed",
        ("", ""),
        "one is less",
        "turn it on",
    ),
    "nothing was promised": ("assert 1 > 2, 'one is less'", "", "failed", ("", ""), "one is less", "turn it on"),
    "fails without a word": ("raise AssertionError", "", "failed", ("", ""), "does not hold", "turn it on"),
    "another exception": ("{}['x']", "", "error", ("", ""), "defect in the suite: KeyError: 'x' (", "report it"),
    "exception after a comparison": ("seen(1), promised(2), {}['x']", "", "error", ("", ""), "KeyError", "report it"),
    "assertion of a fixture": ("pass", ", wrong_fixture", "error", ("", ""), "AssertionError", "report it"),
    "unknown fixture": ("pass", ", no_such_fixture", "error", ("", ""), "no_such_fixture", "report it"),
    "could not look": ("pass", ", unreachable", "error", ("", ""), "192.0.2.1 does not answer", "start it"),
    "could not look, told late": ("raise ProbeError('gone')", "", "error", ("", ""), "gone", "mend this first"),
    "not declared": ("pass", ", undeclared", "not reviewed", ("", ""), "no way in is declared", "turn it on"),
    "skipped": ("pytest.skip('not here')", "", "not reviewed", ("", ""), "not here", "turn it on"),
}
STATUS = {"passed": 0, "failed": 1, "error": 1, "not reviewed": 5}


@pytest.mark.parametrize(("body", "arguments", "word", "told", "reason", "mend"), ENDS.values(), ids=ENDS)
def test_end_of_a_check(run, body, arguments, word, told, reason, mend):
    status, (verdict,) = run(CHECK.format(arguments=arguments, body=body))
    assert (verdict.word, verdict.promised, verdict.seen) == (word, *told)
    assert reason in verdict.reason
    assert bool(reason) == bool(verdict.reason)
    assert verdict.mend.startswith(mend)
    assert status == STATUS[word]


def test_a_verdict_knows_where_it_comes_from(run):
    _, (verdict,) = run(CHECK.format(arguments=", peer", body="assert seen(302, where='/') == promised(301)"))
    assert (verdict.control_id, verdict.target, verdict.address) == ("12.redirect", "api.example.test", "127.0.0.1")
    assert verdict.check == "test_it[api.example.test@127.0.0.1]"
    assert (verdict.why, verdict.where) == ("Because.", "/")


def test_a_defect_of_the_suite_is_told_with_its_place(run):
    _, (verdict,) = run(CHECK.format(arguments="", body="{}['x']"))
    assert re.search(r"KeyError: 'x' \(test_a_defect_of_the_suite_is_told_with_its_place\.py:\d+\)$", verdict.reason)


def test_secrets_and_control_characters_of_a_comparison_are_hidden(run):
    body = r"assert seen('token=abcdef \x1b[2J') == promised('password: abcdef')"
    _, (verdict,) = run(CHECK.format(arguments="", body=body))
    assert (verdict.promised, verdict.seen) == ("password: [redacted]", r"token=[redacted] \x1b[2J")


THREE = """
    @control("12.redirect")
    @pytest.mark.parametrize("number", range(3))
    def test_it(target, number):
        {0}
"""


def test_one_cause_is_told_once_for_all_who_wait(run, capsys):
    checks = THREE.format("raise ProbeError('192.0.2.1 does not answer')")
    status, verdicts = run(checks)
    assert status == pytest.ExitCode.TESTS_FAILED
    assert {verdict.reason for verdict in verdicts} == {"192.0.2.1 does not answer"}
    told = capsys.readouterr().out
    assert told.count("192.0.2.1 does not answer") == 1
    assert "3 checks wait for it: 12.redirect" in told


@pytest.mark.parametrize("option", ["--tb=auto", "-q", "-rA", "-v"])
def test_no_option_tells_a_failure_twice(run, capsys, option):
    run(CHECK.format(arguments="", body="assert seen('sight') == promised('promise')"), option)
    assert capsys.readouterr().out.count("seen      sight") == 1


SOME = {
    "one passed": ("if number: pytest.skip('no')", 0, ["passed", "not reviewed", "not reviewed"]),
    "one failed": ("if number: pytest.skip('no')\n        assert number", 1, ["failed"] + ["not reviewed"] * 2),
    "none was judged": ("raise NotDeclared('no')", 5, ["not reviewed"] * 3),
}


@pytest.mark.parametrize(("body", "status", "words"), SOME.values(), ids=SOME)
def test_nothing_judged_is_not_green(run, body, status, words):
    found, verdicts = run(THREE.format(body))
    assert (found, [verdict.word for verdict in verdicts]) == (status, words)


@pytest.mark.parametrize("word", ["xfail", "xfail(raises=AssertionError)"])
def test_a_failure_that_somebody_expects_is_still_no_green_run(run, word):
    status, (verdict,) = run(
        f"\n@pytest.mark.{word}{textwrap.dedent(CHECK).format(arguments='', body='assert seen(1) == promised(2)')}"
    )
    assert (status, verdict.word) == (pytest.ExitCode.TESTS_FAILED, "failed")


BOX = CHECK.format(arguments="", body="assert seen(301) == promised(301)")
ADVICE = (
    CHECK.format(arguments="{0}", body="{1}").replace("12.redirect", "advice.sysctl").replace("test_it", "test_more")
)
HARDER = ADVICE.format("", 'assert seen("soft") == promised("hard")')
UNSEEN = ADVICE.format(", unreachable", "pass")
UNDECLARED = CHECK.format(arguments=", undeclared", body="pass")

# Checks, options, and of the run: its exit status, and the last word of each verdict in JUnit's sense.
ADVISED = {
    "failed": (BOX + HARDER, [], 0, ["passed", "advice"]),
    "could not look": (BOX + UNSEEN, [], 0, ["passed", "advice"]),
    "failed, and asked for": (BOX + HARDER, ["--strict-advice"], 1, ["passed", "failed"]),
    "could not look, and asked for": (BOX + UNSEEN, ["--strict-advice"], 1, ["passed", "error"]),
    "followed": (BOX + ADVICE.format("", "assert seen(1) == promised(1)"), [], 0, ["passed", "passed"]),
    "beside a failure": (BOX.replace("seen(301)", "seen(302)") + HARDER, [], 1, ["failed", "advice"]),
    "beside boxes that nobody judged": (UNDECLARED + HARDER, [], 5, ["not reviewed", "advice"]),
    "alone": (HARDER, [], 0, ["advice"]),
    "alone, could not look": (UNSEEN, [], 5, ["advice"]),
}


@pytest.mark.parametrize(("checks", "options", "status", "outcomes"), ADVISED.values(), ids=ADVISED)
def test_advice_fails_a_run_only_when_asked(run, checks, options, status, outcomes):
    found, verdicts = run(checks, *options)
    assert (found, [verdict.outcome for verdict in verdicts]) == (status, outcomes)


def test_a_failure_stops_a_run_that_stops_at_the_first_and_advice_does_not(run):
    _, verdicts = run(HARDER + BOX, "-x")
    assert [verdict.outcome for verdict in verdicts] == ["advice", "passed"]


def test_advice_is_told_last_in_two_lines_and_never_as_a_failure(run, capsys):
    run(HARDER + UNSEEN.replace("test_more", "test_unseen") + BOX.replace("seen(301)", "seen(302)"), "--color=yes")
    told = capsys.readouterr().out
    plain = re.sub(r"\x1b\[[0-9;]*m", "", told)
    after = plain[plain.index("12.redirect it: failed on api.example.test") :]
    assert (
        "\nadvice on api.example.test: could not look: 192.0.2.1 does not answer\n"
        "    1 check waits for it: advice.sysctl\n    mend      start it\n"
    ) in after
    assert "\nadvice.sysctl on api.example.test: more: promised hard, seen soft\n    mend      turn it on\n" in after
    assert "  advice      Advice beyond the checklist         2 advice\n" in plain
    assert re.search(r"=+ 1 failed, 2 advice in ", plain)
    assert not re.search(r"\x1b\[31m[^\x1b]*advice", told)


def test_one_cause_for_boxes_and_advice_is_an_error(run, capsys):
    run(UNSEEN + CHECK.format(arguments=", unreachable", body="pass"))
    told = capsys.readouterr().out
    assert (
        "\nerror on api.example.test: 192.0.2.1 does not answer\n    2 checks wait for it: advice.sysctl, 12.redirect\n"
        in told
    )


def test_pytests_own_report_tells_advice_as_skipped(run, pytester):
    run(HARDER, "--junitxml=own.xml")
    told = (pytester.path / "own.xml").read_text()
    assert 'failures="0"' in told
    assert "<skipped" in told
    assert "advice: advice.sysctl more: advice on api.example.test" in told


def test_what_names_no_box_is_no_verdict(run):
    assert run("\ndef test_it(target):\n    assert target.host == 'api.example.test'\n") == (5, [])


def test_of_what_could_not_be_looked_at_pytest_shows_no_sources(run, monkeypatch):
    """Where a whole server is in error, that would take longer than all the rest, for a text nobody sees."""
    shown = []
    source = TracebackEntry.getsource
    monkeypatch.setattr(TracebackEntry, "getsource", lambda *args, **more: (shown.append(1), source(*args, **more))[1])
    _, (verdict,) = run(CHECK.format(arguments=", system", body="pass"))
    assert (verdict.word, len(shown)) == ("not reviewed", 0)
