"""The fault matrix is complete: no check that nobody has seen fail, no name that means nothing, no part left out."""

import argparse
import ast
import json
import re
import time
from collections import defaultdict
from datetime import date, timedelta
from itertools import chain
from pathlib import Path

import pytest

from cutover.checklist import catalogue
from lab import faults, matrix
from lab.choice import Part, choose, part, part_of_the_day
from lab.machine import Refusal
from lab.table import PUBLISHED, Row, Table, markdown, publish, row

ROOT = Path(__file__).parents[1]
FAULTS = faults.load()
SICK = {name: fault for name, fault in FAULTS.items() if not fault.is_healthy}
HEALTHY = set(FAULTS) - set(SICK)

# Faults a section has at least.
FEW = 5


def controls():
    """The control of each check, by the check's name; read, not imported: a name in two files would hide one."""
    found = {}
    for file in sorted(ROOT.glob("tests_*/test_*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                name = node.name.removeprefix("test_")
                assert name not in found, f"two checks are called {name}: a fault cannot tell which"
                (found[name],) = [
                    mark.args[0].value
                    for mark in node.decorator_list
                    if isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "control"
                ]
    return found


CONTROLS = controls()


def test_every_check_fails_in_a_fault():
    failing = set(chain.from_iterable(fault.fails for fault in FAULTS.values()))
    assert set(CONTROLS) - failing == set(), "write a fault in lab/faults that each of these must fail in"


def test_every_check_that_a_fault_names_exists():
    named = {name: (fault.fails | fault.errors) - set(CONTROLS) for name, fault in FAULTS.items()}
    assert {name: unknown for name, unknown in named.items() if unknown} == {}


def test_no_check_both_fails_and_cannot_look():
    # But of what is asked of each endpoint, one may do the one, one the other: a page that fails, and no token.
    both = {check for fault in FAULTS.values() for check in fault.fails & fault.errors}
    assert both <= {"endpoint_answers_in_time"}


def test_every_control_and_section_that_checks_judge_has_faults():
    judged = [control for control in catalogue().control if control.judged_by == "checks"]
    by_section = defaultdict(set)
    for name, fault in FAULTS.items():
        for check in fault.fails:
            by_section[catalogue()[CONTROLS[check]].section].add(name)
    failing = {CONTROLS[check] for fault in FAULTS.values() for check in fault.fails}
    assert {control.id for control in judged} - failing == set()
    thin = {control.section: len(by_section[control.section]) for control in judged}
    assert {section: count for section, count in thin.items() if count < FEW} == {}


def test_a_fault_of_dns_expects_what_is_run_for_it():
    of_dns = {
        node.name.removeprefix("test_")
        for node in ast.parse((ROOT / "tests_network/test_dns.py").read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    for fault in FAULTS.values():
        if fault.of == "dns":
            assert fault.fails | fault.errors <= of_dns, fault.name


def test_what_expects_nothing_says_that_it_is_healthy():
    assert {name for name in HEALTHY if "healthy" not in name} == set()
    assert {name for name in SICK if "healthy" in name} == set()


@pytest.mark.parametrize("fault", FAULTS.values(), ids=lambda fault: fault.name)
def test_a_fault_tells_what_was_done(fault):
    assert len(fault.tells) > 10


@pytest.mark.parametrize("parts", [1, 2, 6, 50, 9999])
def test_parts_are_the_whole_matrix_once(parts):
    shares = [
        {fault.name for fault in choose(FAULTS.values(), [], Part(number, parts)).faults}
        for number in range(1, min(parts, len(SICK)) + 1)
    ]
    assert set().union(*shares) == set(FAULTS)
    assert sum(len(share & set(SICK)) for share in shares) == len(SICK)
    for share in shares:
        assert share >= HEALTHY
        assert abs(len(share & set(SICK)) - len(SICK) / parts) < 1


def test_a_part_has_its_share_of_dns():
    of_dns = [
        sum(fault.of == "dns" for fault in choose(FAULTS.values(), [], Part(number, 4)).faults)
        for number in range(1, 5)
    ]
    assert max(of_dns) - min(of_dns) <= 1


def test_days_in_a_row_run_all_parts():
    first = date(2026, 3, 1)
    days = {part_of_the_day("6", first + timedelta(days=number)) for number in range(6)}
    assert {(share.number, share.of) for share in days} == {(number, 6) for number in range(1, 7)}


@pytest.mark.parametrize("text", ["", "3", "0/3", "4/3", "-1/3", "1/0", "a/b", "1/2/3", "1 /2", "٣/٤"])
def test_what_is_no_part_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        part(text)


@pytest.mark.parametrize("text", ["", "0", "-2", "x", "1.5"])
def test_what_is_no_number_of_parts_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        part_of_the_day(text)


def test_a_choice_by_name_says_that_it_is_not_the_whole():
    choice = choose(FAULTS.values(), ["web."], None)
    assert {fault.name.partition(".")[0] for fault in choice.faults} == {"web"}
    assert not choice.is_whole
    assert choice.told == f"{len(choice.faults)} of {len(FAULTS)} faults: those called web."


def test_a_name_that_no_fault_has_is_refused():
    with pytest.raises(Refusal, match="no fault is called nobody"):
        choose(FAULTS.values(), ["nobody"], None)


def entry(name="ssh.second-port", differs="", fails=("a", "b")):
    return row(FAULTS[name], fails, (), differs, {"boot": 1.0, "verify": 2.4})


def whole(folder, *entries, end=True):
    table = Table(choose(FAULTS.values(), [], None), folder)
    for one in entries:
        table.add(one)
    if end:
        table.end(0)
    return table


def test_the_table_of_a_run_that_was_killed_says_so_and_has_what_was_seen(tmp_path):
    whole(tmp_path, entry(), end=False)
    told = json.loads((tmp_path / "matrix.json").read_text("utf-8"))
    assert told["ended"] == "interrupted"
    assert [Row(**one).fault for one in told["faults"]] == ["ssh.second-port"]
    text = (tmp_path / "matrix.md").read_text("utf-8")
    assert "interrupted: not the whole matrix" in text
    assert "| `ssh.second-port` |" in text


def test_the_table_counts_and_shows_what_was_seen_otherwise_first(tmp_path):
    whole(tmp_path, entry(), entry("web.redirect-is-302", "failed too: front_page_answers"))
    text = (tmp_path / "matrix.md").read_text("utf-8")
    assert "2 faults put into the reference host, 1 of them seen exactly as expected" in text
    assert "complete. Where" in text
    assert text.index("web.redirect-is-302") < text.index("ssh.second-port")
    assert "**failed too: front_page_answers**" in text
    assert "as expected: 2 failed, 0 could not look | 3 |" in text


def test_a_run_out_of_time_is_no_whole_run(tmp_path):
    Table(choose(FAULTS.values(), [], None), tmp_path / "a").end(12)
    assert "out of time, 12 not run: not the whole matrix" in (tmp_path / "a/matrix.md").read_text("utf-8")
    with pytest.raises(Refusal, match="no run of the whole matrix"):
        publish(tmp_path, tmp_path / "docs.md")


def test_no_fault_is_begun_when_the_time_is_over():
    told = []
    of_host = [fault for fault in SICK.values() if fault.of == "host"]
    matrix.run(of_host, [], 2, time.monotonic() - 1, lambda fault, attempt: told.append(fault))
    matrix.run_on_dns([FAULTS["dns.healthy"]], None, time.monotonic() - 1, lambda fault, attempt: told.append(fault))
    assert told == []


def test_a_copy_that_does_not_boot_is_told_and_taken_away(monkeypatch):
    gone = []

    def refuse(*_):
        raise Refusal("no room for it")

    monkeypatch.setattr(matrix, "boot_copy", refuse)
    monkeypatch.setattr(matrix.Host, "destroy", lambda self: gone.append(self.spec))
    attempts = []
    matrix.run(
        [FAULTS["ssh.second-port"]], [], 1, time.monotonic() + 60, lambda fault, attempt: attempts.append(attempt)
    )
    assert [attempt.trouble for attempt in attempts] == ["boot: no room for it"]
    assert gone == [matrix.COPIES[-1]]
    assert set(attempts[0].seconds) == {"boot", "apply", "verify", "destroy"}


def test_what_was_seen_cannot_break_the_table(tmp_path):
    whole(tmp_path, entry(differs="a | b\n<script>x</script>"))
    (line,) = [line for line in (tmp_path / "matrix.md").read_text("utf-8").splitlines() if "second-port" in line]
    assert line.count(" | ") == 4
    assert "<script>" not in line


def test_the_last_whole_run_is_published(tmp_path):
    whole(tmp_path / "1", entry())
    whole(tmp_path / "2", entry(differs="not failed: a"))
    told = publish(tmp_path, tmp_path / "docs" / "faults.md")
    assert told.startswith("faults.md: 0 of 1 faults as expected")
    text = (tmp_path / "docs" / "faults.md").read_text("utf-8")
    assert text == markdown(json.loads((tmp_path / "2" / "matrix.json").read_text("utf-8")))


@pytest.mark.parametrize(("differs", "good"), [("", 2), ("error too: b", 1)])
def test_what_was_tried_again_stands_as_it_was_seen_last(differs, good, tmp_path):
    whole(tmp_path / "1", entry(), entry("web.redirect-is-302", "not failed: a"))
    again = Table(choose(FAULTS.values(), ["redirect-is-302"], None), tmp_path / "2")
    again.add(entry("web.redirect-is-302", differs))
    again.end(0)
    assert publish(tmp_path, tmp_path / "faults.md").startswith(f"faults.md: {good} of 2 faults as expected")
    text = (tmp_path / "faults.md").read_text("utf-8")
    assert f"all {len(FAULTS)} faults, 1 of them tried again until 20" in text
    assert ("error too: b" in text) is bool(differs)


def test_the_readme_tells_of_the_table_that_is_published():
    (count,) = re.findall(r"(?m)^(\d+) faults put into the reference host", PUBLISHED.read_text("utf-8"))
    for file in ("README.md", "README.ja.md"):
        told = (ROOT / file).read_text("utf-8")
        assert re.search(rf"\b{count} faults|{count}件の欠陥", told)
        assert "(docs/faults.md)" in told
