"""Where each control of each target stands: one of five words, drawn from checks, a statement, or rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cutover.checklist import Control, catalogue
from cutover.exceptions import Exceptions
from cutover.plan import Plan, Planned
from cutover.verdict import Verdict, Word

# The worst first. What was not looked at is worse than what somebody answers for.
WORST: tuple[Word, ...] = ("failed", "error", "not reviewed", "waived", "passed")


@dataclass(frozen=True, slots=True)
class Standing:
    """One control of one target.

    ``reason`` tells what stands behind the word where its verdicts do not: a statement, or why there is none.
    ``counts`` tells whether it is asked for at all: advice is only in a strict run.
    """

    control_id: str
    target: str
    word: Word
    reason: str = ""
    verdicts: tuple[Verdict, ...] = ()
    counts: bool = True

    @property
    def control(self) -> Control:
        """The checklist's box."""
        return catalogue()[self.control_id]

    @property
    def blocks(self) -> bool:
        """Whether a gate stays closed for it: what failed or could not be seen, and what had to be looked at."""
        if not self.counts:
            return False
        return self.word in ("failed", "error") or (self.word == "not reviewed" and self.control.mandatory)


def standings(
    phases: Mapping[str, str], verdicts: Sequence[Verdict], plan: Plan, exceptions: Exceptions
) -> dict[str, dict[str, Standing]]:
    """By target and by control, in the document's order; ``phases`` has each target's.

    A control that means something only in the other phase is left out.
    """
    judged: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in verdicts:
        judged.setdefault((verdict.target, verdict.control_id), []).append(verdict)
    unjudged = _unjudged(plan, verdicts)
    found: dict[str, dict[str, Standing]] = {}
    for target, phase in phases.items():
        rows: dict[str, Standing] = found.setdefault(target, {})
        controls = [control for control in catalogue().control if control.phase in ("both", phase)]
        for control in controls:
            if control.judged_by == "checks":
                missing = unjudged.get((target, control.id), []) + unjudged.get(("", control.id), [])
                rows[control.id] = _of_checks(control, target, judged.get((target, control.id), []), missing)
            elif control.judged_by == "attestation":
                rows[control.id] = _of_statement(control, target, exceptions)
        for control in controls:
            if control.judged_by == "rows":
                rows[control.id] = _of_rows(control, target, rows)
        found[target] = {control.id: rows[control.id] for control in controls}
    return found


def _unjudged(plan: Plan, verdicts: Iterable[Verdict]) -> dict[tuple[str, str], list[str]]:
    """Why checks have no verdict, by target, empty for all of them, and control."""
    told: dict[tuple[str, str], list[str]] = {}

    def tell(checks: Iterable[Planned], why: str) -> None:
        for check in checks:
            told.setdefault((check.target, check.control_id), []).append(why)

    tell(plan.left(verdicts), "did not run")
    tell(plan.deselected, "was deselected")
    tell(plan.uncollected, "was not asked for")
    return told


def _of_checks(control: Control, target: str, verdicts: Sequence[Verdict], missing: Sequence[str]) -> Standing:
    asked = [verdict for verdict in verdicts if not verdict.is_optional]
    words = {verdict.word for verdict in asked}
    reason = ""
    if missing:
        words.add("not reviewed")
        reason = f"{len(missing)} of its checks {'/'.join(dict.fromkeys(missing))}".replace("was", "were")
    elif not asked:
        words.add("not reviewed")
        reason = "" if verdicts else "no check of this run looks at it"
    word = min(words, key=WORST.index)
    counts = not control.is_advice or any(not verdict.is_advice for verdict in verdicts)
    return Standing(control.id, target, word, reason, tuple(verdicts), counts)


def _of_statement(control: Control, target: str, exceptions: Exceptions) -> Standing:
    told = exceptions.attestation(control.id, target)
    if told is None:
        return Standing(control.id, target, "not reviewed", "nobody has stated it: cutover attest")
    if not exceptions.holds(told):
        when = f"expired on {told.valid_until}" if told.valid_until < exceptions.today else f"is of {told.on}"
        return Standing(control.id, target, "not reviewed", f"the statement of {told.by} {when}: cutover attest")
    proof = f" ({told.evidence})" if told.evidence else ""
    reason = f"stated by {told.by} on {told.on}, valid until {told.valid_until}: {told.statement}{proof}"
    return Standing(control.id, target, "passed", reason)


def _of_rows(control: Control, target: str, rows: Mapping[str, Standing]) -> Standing:
    """The worst of its rows; an optional row that nobody declared decides nothing beside others."""
    below = [rows[row] for row in control.rows]
    asked = [row for row in below if row.control.mandatory or row.word != "not reviewed"] or below
    word = min((row.word for row in asked), key=WORST.index)
    reason = ", ".join(row.control_id for row in asked if row.word == word) if word != "passed" else ""
    return Standing(control.id, target, word, reason)
