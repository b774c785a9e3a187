"""``cutover attest``: asks for what is missing, keeps what stands there, and never leaves half a file."""

import io
import stat
import tomllib
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.__main__ import main
from cutover.checklist import catalogue
from cutover.cli.attest import append
from cutover.errors import UsageError
from cutover.exceptions import Attestation, Exceptions, read_attestations
from cutover.inventory import Target
from cutover.redact import redact

HOST = "api.example.com"
TODAY = datetime.now(UTC).date()
ASKED = [control.id for control in catalogue().control if control.judged_by == "attestation"]


@pytest.fixture
def attest(tmp_path, monkeypatch):
    """Runs the command with these lines of answers; its exit status."""

    def run(*lines, options=("--host", HOST)):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        monkeypatch.chdir(tmp_path)
        return main(["attest", *options])

    return run


@pytest.fixture
def file(tmp_path):
    return tmp_path / "attestations.toml"


def answers(statement="it is so", by="Taro", evidence="", until=""):
    return statement, by, evidence, until


def row(control, **more):
    given = {"control": control, "target": HOST, "by": "Hanako", "statement": "as it was"}
    days = {"on": TODAY - timedelta(days=9), "valid_until": TODAY + timedelta(days=9)}
    return Attestation(**given | days | more)


def test_all_that_no_program_can_see_is_asked_in_the_documents_order(attest, file, capsys):
    assert attest(*(line for _ in ASKED for line in answers())) == 0
    assert [each.control for each in read_attestations(file)] == ASKED
    assert {each.valid_until - TODAY for each in read_attestations(file)} == {timedelta(days=90)}
    told = capsys.readouterr().out
    assert "20.procedure of api.example.com: Rollback procedure written\n  ロールバック手順書の作成\n" in told
    assert told.endswith("attestations.toml: 9 written, 0 left out\n")
    assert attest() == 0
    assert capsys.readouterr().out == "attestations.toml: nothing is missing\n"


def test_an_empty_statement_leaves_one_out(attest, file, capsys):
    assert attest("", *answers(), *[""] * 7) == 1
    assert [each.control for each in read_attestations(file)] == ASKED[1:2]
    assert "\n    not stated of api.example.com: 2.domain  Domain registered\n" in capsys.readouterr().out


def test_who_states_it_is_asked_once_and_then_offered(attest, file):
    attest(*answers(), *answers(by=""), *answers(by="Jiro"), *answers(by=""))
    assert [each.by for each in read_attestations(file)] == ["Taro", "Taro", "Jiro", "Jiro"]


@pytest.mark.parametrize("said", range(1, 4))
def test_an_end_in_the_middle_leaves_what_was_whole(attest, file, capsys, said):
    assert attest(*answers(), *answers()[:said]) == 1
    assert [each.control for each in read_attestations(file)] == ASKED[:1]
    told = capsys.readouterr().out
    assert "\nended before all was asked\nattestations.toml: 1 written, 8 left out\n" in told
    assert "not stated of api.example.com: 19.architecture-diagram" in told


def test_ctrl_c_leaves_what_was_whole(attest, file, monkeypatch, capsys):
    class Typed(io.StringIO):
        def readline(self, *size):
            return super().readline(*size) or self._interrupted()

        def _interrupted(self):
            raise KeyboardInterrupt

    monkeypatch.chdir(file.parent)
    monkeypatch.setattr("sys.stdin", Typed("".join(f"{line}\n" for line in answers())))
    assert main(["attest", "--host", HOST]) == 1
    assert len(read_attestations(file)) == 1
    assert "ended before all was asked" in capsys.readouterr().out


def test_no_answer_at_all_writes_no_file(attest, file):
    assert attest() == 1
    assert not file.exists()


def test_a_file_as_evidence_is_hashed_and_a_link_is_kept(attest, file, tmp_path):
    (tmp_path / "runbook.md").write_bytes(b"abc")
    attest(*answers(evidence="runbook.md"), *answers(evidence="https://wiki.example.com/x"))
    first, second = read_attestations(file)
    assert first.evidence == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert f'evidence = "{first.evidence}"  # runbook.md\n' in file.read_text()
    assert second.evidence == "https://wiki.example.com/x"


WRONG = {
    "no such file": (2, "none.md", "none.md: No such file or directory; expected https://… or a file"),
    "a folder": (2, ".", ".: Is a directory; expected https://… or a file"),
    "no day": (3, "soon", "expected a day such as 2030-01-31, or a number of days such as 30d"),
    "a day that was": (3, "2020-01-31", "2020-01-31 has passed"),
    "nobody": (1, "", "expected a few words"),
    "a novel": (0, "x" * 2001, "expected at most 2000 characters"),
}


@pytest.mark.parametrize(("place", "answer", "told"), WRONG.values(), ids=WRONG)
def test_a_bad_answer_is_asked_again_with_why(attest, file, capsys, place, answer, told):
    lines = list(answers())
    lines.insert(place, answer)
    attest(*lines)
    assert len(read_attestations(file)) == 1
    assert f"\n  {told}" in capsys.readouterr().out


def test_a_pipe_that_answers_wrongly_comes_to_an_end(attest, file, capsys):
    assert attest(*answers(until="soon"), *["soon"] * 10) == 4
    assert not file.exists()
    assert capsys.readouterr().err == "cutover: Valid until, a day or such as 30d: 5 answers in a row would not do\n"


def test_a_secret_in_an_answer_reaches_no_file(attest, file):
    attest(*answers("the password: hunter22 is in the safe", evidence="https://ops:hunter22@wiki.example.com/x"))
    assert "hunter22" not in file.read_text()


def test_what_has_expired_is_asked_again_beside_what_holds(attest, file):
    append(file, row("2.domain", valid_until=TODAY - timedelta(days=1)))
    append(file, row("20.procedure", valid_until=TODAY))
    before = file.read_text()
    attest(*(line for _ in ASKED for line in answers()))
    assert file.read_text().startswith(before)
    told = [each.control for each in read_attestations(file)]
    assert sorted(told) == sorted([*ASKED, "2.domain"])


def test_a_box_that_checks_judge_can_be_stated_of_when_it_is_named(attest, file):
    assert attest(*answers("A+", evidence="https://www.ssllabs.com/x"), options=named("12.ssl-labs")) == 0
    assert [each.control for each in read_attestations(file)] == ["12.ssl-labs"]


def named(*controls):
    return ["--host", HOST, *(word for control in controls for word in ("--control", control))]


def test_mistakes_are_one_line_and_status_4(attest, file, capsys):
    assert attest(options=[]) == 4
    assert capsys.readouterr().err == "cutover: name who is spoken of: --host api.example.com, or --inventory FILE\n"
    assert attest(options=named("12.ssl-lab")) == 4
    assert "did you mean 12.ssl-labs" in capsys.readouterr().err
    file.write_text("attestation = 1\n")
    assert attest(*answers()) == 4
    assert capsys.readouterr().err.startswith("cutover: attestations.toml: attestation: ")
    assert file.read_text() == "attestation = 1\n"


def test_an_inventorys_targets_are_asked_for_in_their_phase_and_beside_it(attest, tmp_path):
    (tmp_path / "in").mkdir()
    inventory = tmp_path / "in" / "hosts.toml"
    inventory.write_text('[[target]]\nhost = "a.test"\nphase = "pre"\naddresses = ["192.0.2.1"]\n')
    assert attest(*(line for _ in ASKED[1:] for line in answers()), options=["--inventory", str(inventory)]) == 0
    told = read_attestations(tmp_path / "in" / "attestations.toml")
    assert {each.control for each in told} == {*ASKED} - {"20.old-environment"}
    assert {each.target for each in told} == {"a.test"}


def test_comments_order_mode_and_link_of_a_persons_file_stay(file, tmp_path):
    own = "# ours\r\n[[attestation]] # first\r\n" + "\r\n".join(
        f"{key} = '{value}'" if isinstance(value, str) else f"{key} = {value}"
        for key, value in row("2.domain").model_dump().items()
    )
    real = tmp_path / "real.toml"
    real.write_bytes(own.encode())
    real.chmod(0o640)
    file.symlink_to(real)
    append(file, row("20.procedure"))
    assert file.is_symlink()
    assert real.read_bytes().startswith(own.encode())
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [each.control for each in read_attestations(file)] == ["2.domain", "20.procedure"]


def test_a_list_that_takes_no_table_is_left_as_it_is(file):
    file.write_text("attestation = []\n")
    with pytest.raises(UsageError, match=r"write what it has as \[\[attestation\]\] tables"):
        append(file, row("2.domain"))
    assert file.read_text() == "attestation = []\n"


TEXT = st.text(min_size=1, max_size=60).map(redact).filter(lambda text: text == redact(text))
DAYS = st.dates(date(1900, 1, 1), date(9000, 1, 1))
ATTESTATIONS = st.builds(
    lambda days, **row: Attestation(on=min(days), valid_until=max(days), **row),
    days=st.tuples(DAYS, DAYS),
    control=st.sampled_from([control.id for control in catalogue().control]),
    target=TEXT,
    by=TEXT,
    statement=TEXT,
    evidence=st.just("") | TEXT,
)


@given(st.lists(ATTESTATIONS, min_size=1, max_size=3), st.text(max_size=20).map(redact))
def test_what_was_stated_is_read_back(tmp_path_factory, stated, note):
    file = tmp_path_factory.mktemp("stated") / "attestations.toml"
    for one in stated:
        append(file, one, note)
    assert read_attestations(file) == tuple(stated)
    assert len(tomllib.loads(file.read_text("utf-8"))["attestation"]) == len(stated)


def test_what_was_stated_again_is_not_told_as_expired():
    old, new = row("2.domain", valid_until=TODAY - timedelta(days=1)), row("2.domain", statement="again")
    told = Exceptions(TODAY, attestations=(old, new))
    assert told.untidy([], [HOST]) == []
    (alone,) = Exceptions(TODAY, attestations=(old,)).untidy([], [HOST])
    assert "expired on" in alone


def test_the_label_of_a_host_is_what_a_run_calls_it(attest, file):
    attest(*answers(), options=["--host", "API.example.com."])
    assert {each.target for each in read_attestations(file)} == {Target(host="API.example.com.").label}
