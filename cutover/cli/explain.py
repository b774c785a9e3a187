"""``cutover explain``: what is judged for one box of the checklist, by which checks, why, and how to mend it."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any

from cutover import written
from cutover.checklist import Control, catalogue
from cutover.report.about import PROJECT
from cutover.written import Written

WIDTH = 100
_PHASES = {"pre": "before the DNS change", "post": "after the DNS change", "both": "before and after the DNS change"}


def add(commands: Any) -> None:  # noqa: ANN401 - argparse has no public name for it
    """Enter the command and its options."""
    parser = commands.add_parser("explain", help="tell what is judged for a box, why, and how to mend it")
    parser.add_argument("control", nargs="?", metavar="ID", help="such as 12.security-headers; all ids without one")
    parser.add_argument("--table", action="store_true", help="print the README's table of coverage (Markdown)")
    parser.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Print the explanation, the list or the table."""
    checks: dict[str, list[Written]] = {}
    for check in written.checks(PROJECT, sorted(folder.name for folder in PROJECT.glob("tests_*"))):
        checks.setdefault(check.control_id, []).append(check)
    if asked.table:
        lines = table(checks)
    elif asked.control:
        lines = explained(catalogue()[asked.control], checks)
    else:
        lines = listed()
    print("\n".join(lines))
    return 0


def listed() -> Iterator[str]:
    """All ids, by section."""
    names = {section.id: section for section in catalogue().section}
    for section, controls in groupby(catalogue().control, key=lambda control: control.section):
        yield f"{section}  {names[section].en}  {names[section].ja}"
        yield from (f"    {control.id:28} {control.en}" for control in controls)


def explained(control: Control, checks: dict[str, list[Written]]) -> Iterator[str]:
    """All that is known of one box."""
    section = next(section for section in catalogue().section if section.id == control.section)
    yield f"{control.id}  {control.en}"
    yield f"  {control.ja}  ({section.ja})"
    # Whether a gate asks is the box's own property; advice never is asked for without --strict-advice.
    asked = "mandatory: a gate asks for it" if control.mandatory else "optional: a gate asks for it once it is declared"
    if control.is_advice:
        asked = "advice beyond the checklist: it fails a run with --strict-advice only"
    elif control.section.startswith("T"):
        asked = "an aid to find causes: no gate asks for it"
    yield f"  severity {control.severity}; judged {_PHASES[control.phase]}; {asked}"
    if control.judged_by == "attestation":
        yield from _stated(control)
    elif control.judged_by == "rows":
        yield from _rows(control)
    else:
        yield from _checked(control, checks.get(control.id, []))


def _checked(control: Control, checks: list[Written]) -> Iterator[str]:
    for check in checks:
        yield ""
        yield f"{check.title}  ({check.file}:{check.line})"
        yield from _paragraph("why", check.doc.why)
        yield from _paragraph("mend", check.doc.mend)
    if not control.is_advice:
        yield ""
        yield "To answer for a failure until a day, in waivers.toml beside the inventory:"
        yield "    [[waiver]]"
        yield f'    control = "{control.id}"'
        for key, value in {"target": "api.example.com", "reason": "…", "approver": "…"}.items():
            yield f'    {key} = "{value}"'
        yield f"    expires = {datetime.now(UTC).date() + timedelta(days=30)}"


def _stated(control: Control) -> Iterator[str]:
    yield ""
    yield from _paragraph("judged", "by what a person states, since no program can see it; it holds until a day.")
    yield from _paragraph("state", f"cutover attest --host api.example.com --control {control.id}")


def _rows(control: Control) -> Iterator[str]:
    yield ""
    yield "It is as good as the worst of:"
    yield from (f"    {row:28} {catalogue()[row].en}" for row in control.rows)
    if control.explains:
        yield "A failure of these may come from it:"
        yield from (f"    {row:28} {catalogue()[row].en}" for row in control.explains)
        yield from _paragraph("mend", control.advice_en)
        yield from _paragraph("対処", control.advice_ja)


def _paragraph(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=f"    {head:8}", subsequent_indent=" " * 12, break_on_hyphens=False
    )


def table(checks: dict[str, list[Written]]) -> Iterator[str]:
    """The boxes of the checklist's procedure in Markdown: how each is judged, and by how many checks."""
    yield "| box | チェックリストの項目 | judged by | checks |"
    yield "|---|---|---|---:|"
    for control in catalogue().control:
        if not control.is_advice and not control.section.startswith("T"):
            found = len(checks.get(control.id, []))
            how = {"checks": "checks", "attestation": "a statement", "rows": ", ".join(control.rows)}[control.judged_by]
            yield f"| {control.id} | {control.ja} | {how} | {found or ''} |"
