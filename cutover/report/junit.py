"""JUnit XML (the xunit2 schema of Jenkins), for CI systems and for audit.

One testcase for each target × check. What a consumer that ignores properties must know, target, control and
measured value, stands in the test's name and message too; ``hostname`` of a suite is the target, not the
machine that looked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree as ET

from cutover.files import write_whole
from cutover.report.run import Run
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
        "mend": verdict.mend if verdict.word != "passed" else "",
    }
    named: list[tuple[str, object]] = [(name, value) for name, value in told.items() if value]
    evidence = [(f"evidence {number}", f"{e.at} {e.asked}\n{e.answer}") for number, e in enumerate(verdict.evidence, 1)]
    return named + evidence


def write(run: Run) -> Path:
    """Write ``junit.xml`` into the run's folder: a testsuite for each target. OSError when it cannot be written."""
    root = ET.Element("testsuites", name="cutover")
    targets = dict.fromkeys(verdict.target for verdict in run.verdicts)
    for target in targets:
        _suite(root, run, target, [verdict for verdict in run.verdicts if verdict.target == target])
    file = run.folder / "junit.xml"
    ET.indent(root)
    write_whole(file, ET.tostring(root, encoding="utf-8", xml_declaration=True))
    return file


def _suite(root: ET.Element, run: Run, target: str, verdicts: Iterable[Verdict]) -> None:
    verdicts = list(verdicts)
    outcomes = [verdict.outcome for verdict in verdicts]
    suite = ET.SubElement(
        root,
        "testsuite",
        name=f"cutover {target}",
        tests=str(len(verdicts)),
        failures=str(outcomes.count("failed")),
        errors=str(outcomes.count("error")),
        skipped=str(sum(outcomes.count(outcome) for outcome in _SKIPPED)),
        time=f"{sum(verdict.seconds for verdict in verdicts):.3f}",
        timestamp=run.started.isoformat(timespec="seconds"),
        hostname=target,
    )
    for verdict in verdicts:
        _case(suite, verdict)


def _case(suite: ET.Element, verdict: Verdict) -> None:
    folder = verdict.file.removesuffix(".py").replace("/", ".")
    measured = f" = {verdict.seen}" if verdict.seen else ""
    case = ET.SubElement(
        suite,
        "testcase",
        classname=f"{folder}.{verdict.control_id.replace('.', ' ')}",
        name=_clean(f"{verdict.control_id} {verdict.check}{measured}")[:300],
        time=f"{verdict.seconds:.3f}",
    )
    bag = ET.SubElement(case, "properties")
    for name, value in properties(verdict):
        ET.SubElement(bag, "property", name=_clean(name), value=_clean(str(value)))
    first = (verdict.reason or f"promised {verdict.promised}, seen {verdict.seen}").replace("\n", " ")
    message = _clean(f"{verdict.target}: {verdict.control_id}: {first}")[:500]
    match verdict.outcome:
        case "failed":
            ET.SubElement(case, "failure", message=message, type="failed").text = _clean(verdict.message)
        case "error":
            ET.SubElement(case, "error", message=message, type="error").text = _clean(verdict.message)
        case outcome if outcome in _SKIPPED:
            ET.SubElement(case, "skipped", message=f"{outcome}: {message}", type=outcome)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
