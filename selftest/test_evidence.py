"""What a run leaves behind: a journal that survives a kill, sums that tell a change, facts that can be judged again."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from cutover.__main__ import main
from cutover.errors import UsageError
from cutover.exceptions import Exceptions, Waiver
from cutover.report import answer, folder, journal, sums
from cutover.report.about import About
from cutover.report.run import read as run_read
from selftest.pki import head_of, tcp
from selftest.runs import LABEL, STARTED, TODAY, everything, run_of, stated, verdict
from selftest.test_runs import BAD, GOOD, PATIENCE, ROOT, Runner, check


@pytest.fixture
def runner(tmp_path):
    return Runner(tmp_path)


def left_by(runner):
    (left,) = runner.folder.glob("reports/2*")
    return left


SLEEPS = "import time; time.sleep(60)"


def test_a_killed_run_leaves_its_verdicts_and_its_reports_can_be_made(runner, capsys):
    process = runner.start(check("first") + check("second", BAD) + check("third", SLEEPS))
    try:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            left = next(runner.folder.glob("reports/2*/evidence.jsonl"), None)
            if left and left.read_bytes().count(b"\n") == 2:
                break
            time.sleep(0.05)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=PATIENCE)
    left = left_by(runner)
    assert About.read(left).state == "running"
    run = run_read(left)
    assert [each.word for each in run.verdicts] == ["passed", "failed"]
    assert [each.function for each in run.plan.left(run.verdicts)] == ["test_third"]
    assert not run.decision.yes
    assert main(["report", str(left)]) == 0
    assert "2 verdicts, the run did not end" in capsys.readouterr().out
    told = answer.load(left)
    assert (told["answer"], told["objections"], told["state"]) == ("no", ["the run did not end"], "running")
    assert (left / "junit.xml").exists()
    assert main(["check-evidence", str(left)]) == 0


def test_a_journal_that_was_cut_off_is_read_up_to_there(tmp_path):
    written = journal.Journal(tmp_path)
    for each in (verdict(), verdict(word="failed")):
        written.append(each)
    whole = (tmp_path / journal.FILE).read_bytes()
    for end in range(len(whole)):
        (tmp_path / journal.FILE).write_bytes(whole[:end])
        assert len(list(journal.read(tmp_path))) == whole[:end].count(b"\n")


def test_what_was_written_into_a_journal_by_hand_is_no_verdict(tmp_path):
    (tmp_path / journal.FILE).write_text('{"verdict": {"word": "good"}}\n')
    with pytest.raises(UsageError, match="line 1 is no verdict"):
        list(journal.read(tmp_path))


def test_since_when_it_fails_is_told_by_the_runs_before(tmp_path):
    days = [replace(verdict(word=word), reason="") for word in ("failed", "failed", "passed", "failed")]
    told = []
    for number, judged in enumerate(days):
        run = run_of(tmp_path / f"2026030{number}")
        started = f"2026-03-0{number}"
        run.folder.mkdir()
        run.about.write(run.folder)
        dated = journal.History(run.folder).dated(judged, started)
        journal.Journal(run.folder).append(dated)
        told.append(dated.since)
    assert told == ["2026-03-00", "2026-03-00", "", "2026-03-03"]


def test_since_does_not_look_at_another_target(tmp_path):
    run = run_of(tmp_path / "1", verdict(word="failed", target="other"))
    run.folder.mkdir()
    run.about.write(run.folder)
    journal.Journal(run.folder).append(replace(verdict(word="failed", target="other"), since="2026-01-01"))
    assert journal.History(tmp_path / "2").dated(verdict(word="failed"), "now").since == "now"


@pytest.fixture
def written(tmp_path):
    """A run's folder with all its reports."""
    run = run_of(tmp_path / "run", *everything(), exceptions=Exceptions(TODAY, attestations=stated()))
    run.folder.mkdir()
    run.exceptions.write(run.folder)
    for each in run.verdicts:
        journal.Journal(run.folder).append(each)
    folder.write(run)
    return run.folder


CHANGES = {
    "changed": (lambda file: file.write_text(file.read_text() + " "), "junit.xml: was changed"),
    "taken away": (lambda file: file.unlink(), "junit.xml: is missing"),
    "added": (lambda file: file.with_name("junit2.xml").write_text("x"), "junit2.xml: was added"),
}


@pytest.mark.parametrize(("change", "told"), CHANGES.values(), ids=CHANGES)
def test_a_folder_that_was_changed_is_told_apart(written, capsys, change, told):
    assert main(["check-evidence", str(written)]) == 0
    assert capsys.readouterr().out == "run: as the run left it\n"
    change(written / "junit.xml")
    assert main(["check-evidence", str(written)]) == 1
    assert capsys.readouterr().out == f"{told}\n"


def test_an_answer_of_other_evidence_is_told_even_with_new_sums(written, capsys):
    journal.Journal(written).append(verdict(word="passed"))
    sums.write(written)
    assert main(["check-evidence", str(written)]) == 1
    assert capsys.readouterr().out == "verdict.json: is of other evidence\n"


@pytest.fixture
def key(tmp_path):
    file = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(file)], check=True)
    signers = tmp_path / "signers"
    signers.write_text(f"gate {file.with_suffix('.pub').read_text()}")
    return file, signers


def test_a_signature_holds_for_its_signer_and_its_sums_only(written, key, capsys):
    file, signers = key
    assert sums.sign(written, file) == ""
    asked = ["check-evidence", str(written), "--signers", str(signers), "--signer"]
    assert main([*asked, "gate"]) == 0
    assert capsys.readouterr().out == "run: as the run left it, signed by gate\n"
    assert main([*asked, "somebody"]) == 1
    (written / "junit.xml").write_text("<testsuites/>")
    sums.write(written)
    assert main([*asked, "gate"]) == 1
    assert "SHA256SUMS.sig: " in capsys.readouterr().out


def test_a_key_that_cannot_sign_makes_a_run_not_whole(runner, tmp_path):
    status, out = runner.run(check("kept"), "--sign", str(tmp_path / "nowhere"))
    assert status == pytest.ExitCode.TESTS_FAILED
    assert "not signed: " in out
    assert "Traceback" not in out
    told = answer.load(left_by(runner))
    assert told["answer"] == "no"
    assert told["objections"][-1].startswith("not signed: ")
    assert main(["check-evidence", str(left_by(runner))]) == 0


def test_a_yes_that_cannot_be_signed_is_none(written):
    assert answer.load(written)["answer"] == "yes"
    folder.write(run_read(written), written / "nowhere")
    assert answer.load(written)["answer"] == "no"


def test_one_signer_is_named_with_the_file_of_signers(written, capsys):
    assert main(["check-evidence", str(written), "--signer", "gate"]) == 4
    assert "--signers and --signer go together" in capsys.readouterr().err


def test_a_folder_of_no_run_is_told_in_one_line(tmp_path, capsys):
    for command in ("check-evidence", "report"):
        assert main([command, str(tmp_path)]) == 4
        assert capsys.readouterr().err.count("\n") == 1


def test_reports_of_a_run_that_ended_stay(written, capsys):
    assert main(["report", str(written)]) == 4
    assert "this run ended and has its reports" in capsys.readouterr().err


REPORTS = ("junit", "answer", "html", "markdown", "sums")


@pytest.mark.parametrize("report", REPORTS)
def test_a_run_that_is_killed_while_it_writes_its_reports_did_not_end(tmp_path, monkeypatch, capsys, report):
    """Whichever of them it was about to write: no folder says that all is there while something is missing."""
    run = run_of(tmp_path / "run", *everything(), exceptions=Exceptions(TODAY, attestations=stated()))
    run.folder.mkdir()
    replace(run.about, state="running", ended="").write(run.folder)
    run.exceptions.write(run.folder)
    for each in run.verdicts:
        journal.Journal(run.folder).append(each)
    with monkeypatch.context() as during:
        during.setattr(getattr(folder, report), "write", lambda run: sys.exit())
        with pytest.raises(SystemExit):
            folder.write(run)
    assert main(["report", str(run.folder)]) == 0
    assert "the run did not end" in capsys.readouterr().out
    told = answer.load(run.folder)
    assert (told["answer"], told["objections"], told["state"]) == ("no", ["the run did not end"], "running")
    assert main(["check-evidence", str(run.folder)]) == 0


def test_an_answer_is_valid_for_a_day_and_no_longer_than_what_it_rests_on(tmp_path):
    run = run_of(tmp_path)
    assert answer.answer(run)["valid_until"] == "2026-03-02T00:00:00+00:00"
    waiver = Waiver(control="12.redirect", target=LABEL, reason="known", approver="Suzuki", expires=TODAY)
    run = run_of(tmp_path, exceptions=Exceptions(TODAY, (waiver,)))
    assert answer.answer(run)["valid_until"] == "2026-03-01T23:59:59+00:00"
    assert run.started == STARTED


def again(runner, first):
    return subprocess.run(
        [*runner.argv, "--facts", first, runner.folder / "test_own.py"],
        cwd=ROOT,
        env=runner.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_facts_are_judged_again_without_a_host(runner):
    with tcp(head_of) as port:
        assert runner.run(check("looked", facts="ports"), port=port)[0] == 0
    first = left_by(runner)
    process = again(runner, first)
    assert process.returncode == 0, process.stdout
    (second,) = {*runner.folder.glob("reports/2*")} - {first}
    assert json.loads((second / "facts" / "targets.json").read_text()) == json.loads(
        (first / "facts" / "targets.json").read_text()
    )
    # Another check than those of that run asks for what it did not see.
    (runner.folder / "test_own.py").write_text(
        (runner.folder / "test_own.py").read_text() + check("other", GOOD, facts="http")
    )
    process = again(runner, first)
    assert process.returncode == 0
    assert "the run whose facts these are did not look at it" in process.stdout
