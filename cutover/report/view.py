"""What reports for people show of a run, in order: targets, sections, boxes, checks; a transcript once per target."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from cutover.causes import Cause, causes, explained_by
from cutover.checklist import Control, Section, catalogue
from cutover.facts.evidence import Evidence
from cutover.report.about import Sameness, TargetLine
from cutover.report.run import Run
from cutover.standing import WORST, Standing
from cutover.verdict import OUTCOMES, Outcome, Verdict, Word

FULL = 5  # targets; of more, only what did not pass is shown down to its checks and transcripts
CHECKS, TRANSCRIPTS = 3, 30  # of a box and of a target that are shown then


@dataclass(frozen=True, slots=True)
class Check:
    """One verdict, and the numbers of its transcripts among the target's."""

    verdict: Verdict
    evidence: tuple[int, ...]

    @property
    def variant(self) -> str:
        """What tells it from the others of its function: its parameters, without target and address."""
        inside = self.verdict.check.partition("[")[2].removesuffix("]")
        for known in (f"{self.verdict.target}@{self.verdict.address}", self.verdict.target):
            inside = inside.replace(known, "", 1)
        return re.sub(r"-{2,}", "-", inside).strip("-")


@dataclass(frozen=True, slots=True)
class Box:
    """One control of the target: ``hidden`` counts its checks that are not shown, ``explained`` names likely causes."""

    standing: Standing
    checks: tuple[Check, ...]
    hidden: int
    explained: tuple[str, ...]

    @property
    def outcome(self) -> Outcome:
        """Its word; ``advice`` where it does not count."""
        if not self.standing.counts and self.standing.word in ("failed", "error"):
            return "advice"
        return self.standing.word

    @property
    def is_open(self) -> bool:
        """Whether it is unfolded from the start."""
        return self.outcome in ("failed", "error", "waived", "advice")


@dataclass(frozen=True)
class Chapter:
    """One section of the target."""

    section: Section
    boxes: tuple[Box, ...]

    @cached_property
    def counts(self) -> dict[Outcome, int]:
        """How many boxes of each word, the worst first."""
        return _counts(box.outcome for box in self.boxes)


@dataclass(frozen=True)
class Part:
    """One target; ``number`` tells its anchors from those of others."""

    number: int
    label: str
    line: TargetLine
    same: Sameness
    requests: int
    chapters: tuple[Chapter, ...]
    causes: tuple[Cause, ...]
    unseen: Mapping[tuple[str, str], tuple[str, ...]]
    evidence: tuple[Evidence, ...]
    cut: bool

    @cached_property
    def counts(self) -> dict[Outcome, int]:
        """How many boxes of each word, the worst first."""
        return _counts(box.outcome for box in self.boxes)

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        """All of its boxes."""
        return tuple(box for chapter in self.chapters for box in chapter.boxes)

    @cached_property
    def blocks(self) -> tuple[Standing, ...]:
        """The boxes that stand in the gate's way."""
        return tuple(box.standing for box in self.boxes if box.standing.blocks)

    @cached_property
    def statements(self) -> tuple[Standing, ...]:
        """The boxes that somebody answers for by a statement that holds."""
        boxes = [box.standing for box in self.boxes if box.standing.word == "passed"]
        return tuple(each for each in boxes if each.control.judged_by == "attestation")

    @cached_property
    def waived(self) -> tuple[tuple[str, str], ...]:
        """The failures that somebody answers for: control, and what is told of it, once for all addresses."""
        verdicts = [each for box in self.boxes for each in box.standing.verdicts if each.word == "waived"]
        return tuple(dict.fromkeys((each.control_id, f"{each.title}: {each.waiver}") for each in verdicts))


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One control that blocks with one word, and for which targets; ``is_derived`` when others answer it."""

    word: Word
    control: Control
    parts: tuple[Part, ...]

    @property
    def is_derived(self) -> bool:
        """Whether it only sums up what blocks by itself."""
        return self.control.judged_by == "rows"


@dataclass
class _Transcripts:
    """Those of one target, each once, up to a limit."""

    limit: int | None
    known: dict[Evidence, int] = field(default_factory=dict)

    def of(self, verdict: Verdict) -> tuple[int, ...]:
        """The numbers of a verdict's."""
        for each in verdict.evidence:
            if each not in self.known and (self.limit is None or len(self.known) < self.limit):
                self.known[each] = len(self.known) + 1
        return tuple(dict.fromkeys(self.known[each] for each in verdict.evidence if each in self.known))


def parts(run: Run) -> list[Part]:
    """All targets of a run."""
    cut = len(run.standings) > FULL
    return [_part(run, number, label, cut) for number, label in enumerate(run.standings, 1)]


def obstacles(found: Sequence[Part]) -> list[Obstacle]:
    """What stands in the gate's way, the worst first, then in the document's order."""
    blocked: dict[tuple[Word, str], list[Part]] = {}
    for part in found:
        for standing in part.blocks:
            blocked.setdefault((standing.word, standing.control_id), []).append(part)
    order = [control.id for control in catalogue().control]
    worst = sorted(blocked, key=lambda each: (WORST.index(each[0]), order.index(each[1])))
    return [Obstacle(word, catalogue()[control], tuple(blocked[word, control])) for word, control in worst]


def unseen(of_target: Mapping[str, Standing]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The boxes that were not judged, by their word and the reason for it: errors first."""
    found: dict[tuple[str, str], list[str]] = {}
    for standing in of_target.values():
        if standing.control.judged_by == "rows":
            continue
        reasons = {(v.word, v.reason) for v in standing.verdicts if v.word in ("error", "not reviewed")}
        if standing.reason and standing.word == "not reviewed":
            reasons.add((standing.word, standing.reason))
        for reason in sorted(reasons):
            found.setdefault(reason, []).append(standing.control_id)
    return {reason: tuple(found[reason]) for reason in sorted(found, key=lambda each: each[0])}


def _part(run: Run, number: int, label: str, cut: bool) -> Part:
    of_target = run.standings[label]
    found = causes(of_target)
    explained = explained_by(found)
    transcripts = _Transcripts(TRANSCRIPTS if cut else None)
    chapters = []
    for section in catalogue().section:
        standings = [each for each in of_target.values() if each.control.section == section.id]
        if standings:
            boxes = [_box(each, explained.get(each.control_id, ()), transcripts, cut) for each in standings]
            chapters.append(Chapter(section, tuple(boxes)))
    return Part(
        number=number,
        label=label,
        line=run.about.targets[label],
        same=run.about.sameness.get(label) or Sameness({}, {}, (), None),
        requests=run.about.requests.get(label, 0),
        chapters=tuple(chapters),
        causes=found,
        unseen=unseen(of_target),
        evidence=tuple(transcripts.known),
        cut=cut,
    )


def _box(standing: Standing, explained: Sequence[str], transcripts: _Transcripts, cut: bool) -> Box:
    shown = sorted(standing.verdicts, key=lambda verdict: (verdict.is_optional, OUTCOMES.index(verdict.outcome)))
    if cut:
        shown = [verdict for verdict in shown if verdict.word in ("failed", "waived")][:CHECKS]
    checks = tuple(Check(verdict, transcripts.of(verdict)) for verdict in shown)
    return Box(standing, checks, len(standing.verdicts) - len(shown), tuple(explained))


def _counts(outcomes: Iterable[Outcome]) -> dict[Outcome, int]:
    counted = Counter(outcomes)
    return {outcome: counted[outcome] for outcome in OUTCOMES if counted[outcome]}
