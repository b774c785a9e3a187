"""What every report is made from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from cutover.exceptions import Exceptions
from cutover.gate import Decision, decide
from cutover.plan import Plan
from cutover.report import journal
from cutover.report.about import About
from cutover.standing import Standing, standings
from cutover.verdict import Verdict


@dataclass
class Run:
    """One run: its folder below ``reports/``, what is known of it, and its verdicts in order.

    ``plan`` are the checks it was to judge. ``unwritten`` tells why some of the folder could not be written, if so.
    ``ended_with`` is pytest's exit status. What is derived is worked out once, when the run has ended.
    """

    folder: Path
    about: About
    exceptions: Exceptions
    verdicts: list[Verdict] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)
    unwritten: str = ""
    ended_with: int = 0

    @property
    def started(self) -> datetime:
        """When it started (UTC)."""
        return datetime.fromisoformat(self.about.started)

    @property
    def waited(self) -> Path:
        """The file that tells how waiting for DNS ended."""
        return self.folder / "facts" / "wait-dns.txt"

    @cached_property
    def standings(self) -> dict[str, dict[str, Standing]]:
        """Where each control of each target stands, in the document's order."""
        phases = {label: target.phase for label, target in self.about.targets.items()}
        return standings(phases, self.verdicts, self.plan, self.exceptions)

    @property
    def decision(self) -> Decision:
        """What the gate answers."""
        found = [standing for of_target in self.standings.values() for standing in of_target.values()]
        return decide(found, self.objections, self.ended_with)

    @property
    def objections(self) -> list[str]:
        """What speaks against the run as a whole, a sentence each."""
        told = []
        if self.about.state != "ended":
            told.append("the run was interrupted" if self.about.state == "interrupted" else "the run did not end")
        if self.unwritten:
            told.append(self.unwritten)
        for label, same in self.about.sameness.items():
            if same.changed:
                told.append(f"{label} changed while it was looked at: {', '.join(same.changed)}")
        return told

    @property
    def untidy(self) -> list[str]:
        """What is to be said of waivers and statements themselves."""
        return self.exceptions.untidy(self.verdicts, self.about.targets)


def read(folder: Path) -> Run:
    """A run as its folder tells it, also of one that was killed; UsageError when it is none."""
    about = About.read(folder)
    plan = Plan()
    plan.read(folder / "facts" / "plan.json")
    return Run(folder, about, Exceptions.read(folder), list(journal.read(folder)), plan)
