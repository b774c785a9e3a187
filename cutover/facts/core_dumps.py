"""What becomes of the application's memory when it crashes (advice beyond the checklist)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.application import Application
from cutover.facts.evidence import Command, Evidence, Outputs

COMMANDS = {
    "core-dumps": Command(
        'echo "pattern $(cat /proc/sys/kernel/core_pattern)"\n'
        "find /proc -maxdepth 2 -name limits -exec grep -sH '^Max core file size' {} + |"
        " sed -n 's|^/proc/\\([0-9]*\\)/limits:Max core file size *\\([^ ]*\\).*|limit \\1 \\2|p' | head -n 5000"
    )
}


@dataclass(frozen=True, slots=True)
class CoreDumps:
    """``pattern`` names a file, or a program that takes the dump: ``|/path``. ``limits`` are the sizes that the
    application's processes may leave in a file: 0, a number or unlimited."""

    pattern: str
    limits: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> CoreDumps:
        """Read the kernel's pattern and the processes' limits; ProbeError when none of the application runs."""
        pids = {str(process.pid) for process in Application.read(outputs).processes}
        if not pids:
            raise ProbeError(f"{outputs.host}: nothing is on the application's port", "start the application first")
        text = outputs.text("core-dumps")
        pattern = re.match(r"pattern (.*)\n", text)
        limits = dict(re.findall(r"(?m)^limit (\d+) (\S+)$", text))
        if not pattern or pids - set(limits):
            raise ProbeError(f"{outputs.host}: the kernel does not tell the limits of the application's processes")
        told = tuple(
            Evidence(
                entry.asked, entry.at, f"{pattern[1]}; " + "; ".join(f"{pid}: {limits[pid]}" for pid in sorted(pids))
            )
            for entry in outputs.evidence("core-dumps")
        )
        return cls(pattern[1], frozenset(limits[pid] for pid in pids), told)
