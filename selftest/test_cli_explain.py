"""``cutover explain``: each box is told from the catalogue and the checks as they are; mistakes in one line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cutover.__main__ import main
from cutover.checklist import catalogue

ROOT = Path(__file__).parents[1]


def explain(capsys, *options):
    status = main(["explain", *options])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.mark.parametrize("control", catalogue().control, ids=lambda control: control.id)
def test_every_box_is_explained_in_both_languages(capsys, control):
    status, out, _ = explain(capsys, control.id)
    assert status == 0
    assert out.startswith(f"{control.id}  {control.en}\n  {control.ja}  (")
    assert f"severity {control.severity}; judged " in out
    wanted = {
        "checks": "    why     ",
        "attestation": f"cutover attest --host api.example.com --control {control.id}",
        "rows": "".join(f"    {row:28} {catalogue()[row].en}\n" for row in control.rows),
    }
    assert wanted[control.judged_by] in out
    assert ("[[waiver]]" in out) == (control.judged_by == "checks" and not control.is_advice)


def test_a_check_is_told_with_its_place_why_and_mend(capsys):
    _, out, _ = explain(capsys, "12.redirect")
    (place,) = re.findall(r"^http is redirected with 301  \((.*):(\d+)\)\n    why     \S", out, re.MULTILINE)
    file, line = place
    assert (ROOT / file).read_text().splitlines()[int(line) - 1].startswith("def test_http_is_redirected_with_301(")
    assert "    mend    in the port 80 server of the nginx site: return 301" in out


def test_what_is_asked_is_told(capsys):
    told = {
        "12.redirect": "mandatory: a gate asks for it",
        "8.database": "optional: a gate asks for it once it is declared",
        "T1.packages": "an aid to find causes: no gate asks for it",
        "advice.sysctl": "advice beyond the checklist: it fails a run with --strict-advice only",
    }
    for control, words in told.items():
        assert words in explain(capsys, control)[1]


def test_without_an_id_all_are_listed(capsys):
    status, out, _ = explain(capsys)
    assert status == 0
    assert re.findall(r"^    (\S+) ", out, re.MULTILINE) == [control.id for control in catalogue().control]


def test_an_unknown_id_is_told_with_its_neighbours(capsys):
    told = (
        "control '12.security-header' is not in the checklist; did you mean 12.security-headers or 18.security-headers?"
    )
    assert explain(capsys, "12.security-header") == (4, "", f"cutover: {told}\n")


def test_a_reader_who_has_seen_enough_gets_no_traceback():
    argv = [sys.executable, "-c", "import sys; from cutover.__main__ import main; sys.exit(main(['explain']))"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=60) == 141


def test_ctrl_c_anywhere_is_told_without_a_traceback(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("cutover.cli.explain.listed", interrupted)
    assert main(["explain"]) == 130
    assert capsys.readouterr().err == "\ncutover: interrupted\n"
