"""What a check does, and the verdict it gets: five words, never a guess, and never green when nothing was judged."""

import re
import textwrap

import pytest

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


def test_what_names_no_box_is_no_verdict(run):
    assert run("\ndef test_it(target):\n    assert target.host == 'api.example.test'\n") == (5, [])
