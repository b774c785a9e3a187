"""What systemd says of its units: which failed, how far the application's is shut in (advice beyond the checklist)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import NotPromised, ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs

_FAILED = """\
found=$(systemctl list-units --state=failed --plain --no-legend --no-pager --full) || exit
printf '%s\\n' "$found" | awk 'NF { print "failed", $1 }' | head -n 100
echo looked
"""

# The settings that weigh most come first.
_EXPOSURE = """\
[ -n "$SERVICE" ] || exit 0
said=$(systemd-analyze security --no-pager -- "$SERVICE") || exit
printf '%s\\n' "$said" | sed -n 's/.*Overall exposure level for [^ ]*: /exposure /p'
printf '%s\\n' "$said" | awk '$NF ~ /^[0-9.]+$/ && $2 ~ /=/ { print "open", $NF, $2 }' | sort -k2,2nr -k3 | head -n 5
"""

COMMANDS = {"failed-units": Command(_FAILED), "exposure": Command(_EXPOSURE)}


@dataclass(frozen=True, slots=True)
class FailedUnits:
    """The names of the units, 100 at most."""

    names: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> FailedUnits:
        """Read systemd's list."""
        *lines, end = outputs.text("failed-units").splitlines() or [""]
        if end != "looked" or not all(line.startswith("failed ") for line in lines):
            raise ProbeError(f"{outputs.host}: systemctl told of failed units in an unknown form")
        return cls(frozenset(line.partition(" ")[2] for line in lines), outputs.evidence("failed-units"))


@dataclass(frozen=True, slots=True)
class Exposure:
    """``systemd-analyze security`` of the application's unit: from 0, shut in, to 10; ``open`` weighs most in it."""

    level: float
    open: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Exposure:
        """Read systemd's own judgement; NotDeclared where the inventory says that there is no unit."""
        text = outputs.text("exposure")
        if not text:
            raise NotPromised("the inventory declares that the application runs without systemd (service = '')")
        level = re.match(r"exposure (\d{1,2}(?:\.\d+)?) ", text)
        if not level:
            raise ProbeError(f"{outputs.host}: systemd-analyze security answered in an unknown form")
        found = re.findall(r"(?m)^open \S+ (\S+)$", text)
        return cls(float(level[1]), tuple(found), outputs.evidence("exposure"))
