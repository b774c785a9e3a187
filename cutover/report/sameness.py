"""Whether what was verified was the same at the end of a run as at its start: read from the facts that were saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from cutover.errors import ProbeError, UsageError
from cutover.facts.certificate import Certificate
from cutover.facts.clock import ahead_seconds
from cutover.facts.evidence import Outputs
from cutover.facts.identity import Identity
from cutover.probes import saved
from cutover.report.about import Sameness, TargetLine


def sameness(facts: Path, targets: Mapping[str, TargetLine]) -> dict[str, Sameness]:
    """By target; what was not looked at twice is not in what changed."""
    return {label: _of(facts, label, line) for label, line in targets.items()}


def _of(facts: Path, label: str, line: TargetLine) -> Sameness:
    start: dict[str, str] = {}
    end: dict[str, str] = {}
    ahead: float | None = None
    if isinstance(visit := _facts(facts / label / "server.json", Outputs), Outputs):
        start |= Identity.read(visit).says
        try:
            ahead = round(ahead_seconds(visit), 3) if not visit.recorded else None
        except ProbeError:
            ahead = None
    if isinstance(visit := _facts(facts / label / "afterwards.json", Outputs), Outputs):
        end |= Identity.read(visit).says
    start |= _certificates(facts, label, line.addresses, "certificate")
    end |= _certificates(facts, label, line.addresses, "certificate_again")
    changed = tuple(name for name in start if name in end and start[name] != end[name])
    return Sameness(start, end, changed, ahead)


def _certificates(facts: Path, label: str, addresses: Iterable[str], probe: str) -> dict[str, str]:
    """The fingerprint at each address."""
    found = {}
    for address in addresses:
        seen = _facts(facts / f"{label}@{address}" / f"{probe}.json", Certificate)
        if isinstance(seen, Certificate):
            found[f"certificate at {address}"] = seen.leaf.fingerprint
    return found


def _facts(file: Path, kind: type[object]) -> object:
    try:
        return saved.read(file, kind) if file.exists() else None
    except UsageError:
        return None
