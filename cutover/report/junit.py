"""JUnit XML (the xunit2 schema of Jenkins), for CI systems and for audit.

One testcase for each target × check, and in a second suite one for each box that no check of the run looked at: those
that people state or other boxes answer. What a consumer that ignores properties must know, target, control and
measured value, stands in the test's name and message too; ``hostname`` of a suite is the target, not the
machine that looked. Of what did not pass the transcripts are here, each once; of the rest, the line that has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from cutover.facts.evidence import Evidence
from cutover.files import write_whole
from cutover.report import journal
from cutover.report.run import Run
from cutover.standing import Standing
from cutover.verdict import Outcome, Verdict

# XML 1.0 section 2.2: no other character may stand in a document, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# What must not turn a CI server red is told as skipped; the property ``verdict`` keeps its word.
_SKIPPED: tuple[Outcome, ...] = ("advice", "waived", "not reviewed")


def properties(verdict: Verdict) -> list[tuple[str, object]]:
    """What an audit wants to know of a verdict, by name; nothing empty."""
    control = verdict.control
    told = {
        "verdict": verdict.word,
        "control": verdict.control_id,
        "check": verdict.check.partition("[")[0].removeprefix("test_"),
        "section": control.section,
        "box": control.ja,
        "severity": control.severity,
        "advice": "yes" if verdict.is_advice else "",
        "target": verdict.target,
        "address": verdict.address,
        "promised": verdict.promised,
        "measured": verdict.seen,
        "where": verdict.where,
        "reason": verdict.reason,
        "why": verdict.why,
        "waiver": verdict.waiver,
        "since": verdict.since,
        "mend": verdict.mend if verdict.word != "passed" else "",
    }
    return [(name, value) for name, value in told.items() if value]


def write(run: Run) -> Path:
    """Write ``junit.xml`` into the run's folder: two testsuites for each target. OSError when it cannot be written."""
    root = ET.Element("testsuites", name="cutover")
    groups: dict[str, list[Verdict]] = {}
    lines: dict[int, int] = {}
    for line, verdict in enumerate(run.verdicts, 1):
        groups.setdefault(verdict.target, []).append(verdict)
        lines[id(verdict)] = line
    for target, verdicts in groups.items():
        outcomes = [verdict.outcome for verdict in verdicts]
        suite = _suite(root, run, target, f"cutover {target}", outcomes, sum(verdict.seconds for verdict in verdicts))
        known: dict[Evidence, str] = {}
        for verdict in verdicts:
            _case(suite, verdict, lines[id(verdict)], known)
    for target, of_target in run.standings.items():
        boxes = [standing for standing in of_target.values() if not standing.verdicts]
        words: list[Outcome] = ["passed" if standing.word == "passed" else "not reviewed" for standing in boxes]
        suite = _suite(root, run, target, f"cutover {target}: boxes without a check of their own", words, 0.0)
        for standing in boxes:
            _box(suite, standing)
    file = run.folder / "junit.xml"
    ET.indent(root)
    # All of it at once: of the half million texts of sixty targets hardly one needs it.
    document = _NOT_XML.sub("\ufffd", ET.tostring(root, encoding="unicode"))
    write_whole(file, b"<?xml version='1.0' encoding='utf-8'?>\n" + document.encode())
    return file


def _suite(
    root: ET.Element, run: Run, target: str, name: str, outcomes: Sequence[Outcome], seconds: float
) -> ET.Element:
    return ET.SubElement(
        root,
        "testsuite",
        name=name,
        tests=str(len(outcomes)),
        failures=str(outcomes.count("failed")),
        errors=str(outcomes.count("error")),
        skipped=str(sum(outcomes.count(outcome) for outcome in _SKIPPED)),
        time=f"{seconds:.3f}",
        timestamp=run.started.isoformat(timespec="seconds"),
        hostname=target,
    )


def _case(suite: ET.Element, verdict: Verdict, line: int, known: dict[Evidence, str]) -> None:
    folder = verdict.file.removesuffix(".py").replace("/", ".")
    measured = f" = {verdict.seen}" if verdict.seen else ""
    name = f"{verdict.control_id} {verdict.check}{measured}"[:300]
    classname = f"{folder}.{verdict.control_id.replace('.', ' ')}"
    case = ET.SubElement(suite, "testcase", classname=classname, name=name, time=f"{verdict.seconds:.3f}")
    _bag(case, [*properties(verdict), *_evidence(verdict, line, known)])
    first = (verdict.reason or f"promised {verdict.promised}, seen {verdict.seen}").replace("\n", " ")
    message = f"{verdict.target}: {verdict.control_id}: {first}"[:500]
    match verdict.outcome:
        case "failed":
            ET.SubElement(case, "failure", message=message, type="failed").text = verdict.message
        case "error":
            ET.SubElement(case, "error", message=message, type="error").text = verdict.message
        case "waived":
            waiver = (verdict.waiver.removeprefix("waived ") or "by nobody")[:300]
            ET.SubElement(case, "skipped", message=f"waived {waiver}: {message}", type="waived")
        case outcome if outcome in _SKIPPED:
            ET.SubElement(case, "skipped", message=f"{outcome}: {message}", type=outcome)


def _evidence(verdict: Verdict, line: int, known: dict[Evidence, str]) -> Iterator[tuple[str, object]]:
    """The transcripts of what did not pass, or where they are told."""
    if verdict.evidence:
        yield "evidence in", f"{journal.FILE} line {line}"
    for number, each in enumerate(verdict.evidence if verdict.word != "passed" else (), 1):
        if each in known:
            yield f"evidence {number}", f"as of {known[each]}"
        else:
            known[each] = f"{verdict.control_id} {verdict.check}, evidence {number}"
            yield f"evidence {number}", f"{each.at} {each.asked}\n{each.answer}"


def _box(suite: ET.Element, standing: Standing) -> None:
    """What failed or could not be seen there did so in a check, which turns the run red: it is told as skipped."""
    control = standing.control
    name = f"{control.id} {control.en} = {standing.word}"[:300]
    case = ET.SubElement(suite, "testcase", classname=f"boxes.{control.id.replace('.', ' ')}", name=name, time="0.000")
    told = {"verdict": standing.word, "control": control.id, "section": control.section, "box": control.ja}
    more = {"severity": control.severity, "target": standing.target, "reason": standing.reason}
    _bag(case, [(key, value) for key, value in (told | more).items() if value])
    if standing.word != "passed":
        message = f"{standing.word}: {standing.target}: {control.id}: {standing.reason}"[:500]
        ET.SubElement(case, "skipped", message=message, type=standing.word)


def _bag(case: ET.Element, told: Iterable[tuple[str, object]]) -> None:
    bag = ET.SubElement(case, "properties")
    for name, value in told:
        ET.SubElement(bag, "property", name=name, value=str(value))
