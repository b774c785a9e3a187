"""Runs for the tests of reports: of verdicts that are given, of targets that nobody looked at."""

from dataclasses import replace
from datetime import UTC, date, datetime

from cutover.exceptions import Exceptions
from cutover.report.about import TargetLine, about
from cutover.report.run import Run

STARTED = datetime(2026, 3, 1, tzinfo=UTC)


def line(host, phase="post"):
    return TargetLine(host=host, phase=phase, tier="small", addresses=("192.0.2.1",), recorded=False)


def made_run(folder, *verdicts, targets=None, exceptions=None, lang="en", **more):
    """A run that ended, of these verdicts; its targets are those of the verdicts unless told otherwise."""
    known = about("20260301T000000Z-beef", STARTED, ["--gate"], {}, {}, [], strict_advice=False, gate=True, lang=lang)
    labels = targets if targets is not None else dict.fromkeys(verdict.target for verdict in verdicts)
    lines = labels if isinstance(targets, dict) else {label: line(label) for label in labels}
    known = replace(known, targets=lines, operator="K. Sato").closed("ended")
    known = replace(known, **more)
    return Run(folder, known, exceptions or Exceptions(date(2026, 3, 1)), list(verdicts))
