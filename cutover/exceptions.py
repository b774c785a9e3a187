"""What people answer for: waivers of failures, and statements on what no program can see. TOML, strict, typed.

A waiver turns ``failed`` into ``waived`` for one control of one target, until its last day; what could not be looked
at stays ``error``. An attestation serves a control that is judged by one; beside the checks of another it is shown and
changes nothing. Days are those of UTC, the last one included.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from cutover.checklist import catalogue
from cutover.errors import UsageError
from cutover.files import write_whole
from cutover.promise import Promise
from cutover.redact import redact
from cutover.targets import as_json, explain
from cutover.verdict import Verdict


def _of_the_checklist(control_id: str) -> str:
    """Accept the id of a control."""
    try:
        return catalogue()[control_id].id
    except UsageError as error:
        raise ValueError(str(error)) from None


ControlId = Annotated[str, AfterValidator(_of_the_checklist)]
# They are printed in every report.
Words = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(redact)]


class Waiver(Promise):
    """Somebody answers for a failure until the end of a day."""

    control: ControlId
    target: Words
    reason: Words
    approver: Words
    expires: date


class Attestation(Promise):
    """What somebody states of a control, when, and how long that holds; ``evidence`` is a link or ``sha256:…``."""

    control: ControlId
    target: Words
    by: Words
    on: date
    statement: Words
    valid_until: date
    evidence: Annotated[str, AfterValidator(redact)] = ""


KEPT = "exceptions.json"


class _Waivers(Promise):
    waiver: tuple[Waiver, ...] = ()


class _Attestations(Promise):
    attestation: tuple[Attestation, ...] = ()


_File = TypeVar("_File", bound=Promise)


def read_waivers(file: Path) -> tuple[Waiver, ...]:
    """Read ``waivers.toml``; UsageError, one line with file and key, for whatever is wrong with it."""
    waivers = _read(file, _Waivers).waiver
    pairs = [(waiver.control, waiver.target) for waiver in waivers]
    for control, target in pairs:
        if pairs.count((control, target)) > 1:
            raise UsageError(f"{file}: two waivers for {control} of {target}; only one can count")
    return waivers


def read_attestations(file: Path) -> tuple[Attestation, ...]:
    """Read ``attestations.toml``; UsageError as of waivers."""
    found = _read(file, _Attestations).attestation
    for one in found:
        if one.valid_until < one.on:
            raise UsageError(f"{file}: {one.control} of {one.target}: valid_until lies before on")
    return found


def _read(file: Path, model: type[_File]) -> _File:
    rows = as_json(file, str)
    try:
        return model.model_validate_json(rows)
    except ValidationError as error:
        raise UsageError(f"{file}: {explain(error, model)}") from None


@dataclass(frozen=True, slots=True)
class Exceptions:
    """All that a run was given of both, judged on ``today`` (UTC)."""

    today: date
    waivers: tuple[Waiver, ...] = ()
    attestations: tuple[Attestation, ...] = ()

    def write(self, folder: Path) -> None:
        """Keep them with the run, ``exceptions.json``; OSError when it cannot be written."""
        write_whole(folder / KEPT, _EXCEPTIONS.dump_json(self, indent=1) + b"\n")

    @classmethod
    def read(cls, folder: Path) -> Exceptions:
        """Those of a run's folder; UsageError when it has none."""
        try:
            return _EXCEPTIONS.validate_json((folder / KEPT).read_bytes())
        except OSError as error:
            raise UsageError(f"{folder / KEPT}: cannot be read: {error.strerror}") from None
        except ValidationError:
            raise UsageError(f"{folder / KEPT}: is not what a run of this version writes") from None

    def applied(self, verdict: Verdict) -> Verdict:
        """The verdict, ``waived`` where somebody answers for its failure."""
        waiver = self.waiver(verdict.control_id, verdict.target)
        if verdict.word != "failed" or not waiver or waiver.expires < self.today:
            return verdict
        by = f"waived until {waiver.expires} by {waiver.approver}: {waiver.reason}"
        return replace(verdict, word="waived", waiver=by)

    def waiver(self, control: str, target: str) -> Waiver | None:
        """The waiver of one control of one target, expired or not."""
        return next((each for each in self.waivers if (each.control, each.target) == (control, target)), None)

    def attestation(self, control: str, target: str) -> Attestation | None:
        """The statement on one control of one target that holds longest, expired or not."""
        told = [each for each in self.attestations if (each.control, each.target) == (control, target)]
        return max(told, key=lambda each: each.valid_until, default=None)

    def holds(self, attestation: Attestation) -> bool:
        """Whether a statement counts today."""
        return attestation.on <= self.today <= attestation.valid_until

    def untidy(self, verdicts: Iterable[Verdict], targets: Iterable[str]) -> list[str]:
        """A sentence for each waiver or statement that is expired, stale, or of nothing in this run."""
        words: dict[tuple[str, str], set[str]] = {}
        for verdict in verdicts:
            words.setdefault((verdict.control_id, verdict.target), set()).add(verdict.word)
        known, told = set(targets), []
        for waiver in self.waivers:
            what = f"waiver of {waiver.control} for {waiver.target}"
            found = words.get((waiver.control, waiver.target), set())
            if waiver.target not in known:
                told.append(f"{what}: unused, this run has no target of that name")
            elif waiver.expires < self.today:
                told.append(f"{what}: expired on {waiver.expires}; failures count again")
            elif not found:
                told.append(f"{what}: unused, nothing of it was judged")
            elif found <= {"passed", "not reviewed"} and "passed" in found:
                told.append(f"{what}: stale, nothing fails any more; take it out")
        for attestation in self.attestations:
            what = f"attestation of {attestation.control} for {attestation.target}"
            if attestation is not self.attestation(attestation.control, attestation.target):
                continue  # it was stated again
            if attestation.target not in known:
                told.append(f"{what}: unused, this run has no target of that name")
            elif attestation.valid_until < self.today:
                told.append(f"{what}: expired on {attestation.valid_until}; have it stated again: cutover attest")
            elif attestation.on > self.today:
                told.append(f"{what}: is of {attestation.on}, which has not come yet")
        return told


_EXCEPTIONS = TypeAdapter(Exceptions)
