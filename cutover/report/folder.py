"""All that is written when a run has ended, and once more from the folder of one that was killed."""

from __future__ import annotations

from pathlib import Path

from cutover.report import answer, html, junit, markdown, sums
from cutover.report.run import Run


def write(run: Run, key: Path | None = None) -> None:
    """Write every report, then the sums, signed when there is a key; OSError when something cannot be written."""
    _write(run)
    if key and (refusal := sums.sign(run.folder, key)):
        run.unwritten = f"not signed: {refusal}"
        _write(run)  # no file says yes that could not be signed


def _write(run: Run) -> None:
    junit.write(run)
    answer.write(run)
    html.write(run)
    markdown.write(run)
    # Last: a run that is killed on the way here has not ended, and `cutover report` makes its reports.
    run.about.write(run.folder)
    sums.write(run.folder)
