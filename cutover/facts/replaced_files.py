"""Services that run programs and libraries which an upgrade has replaced (advice beyond the checklist)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.application import processes
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import is_number

# One file of each process. grep ends with 1, and find with it, when there is none.
_REPLACED = """\
found=$(root find /proc -maxdepth 2 -name maps -exec \
  grep -sHm1 -E '^[0-9a-f]+-[0-9a-f]+...x..*./(usr|lib|lib32|lib64|bin|sbin|opt)/.*.[(]deleted[)]$' {} +)
ended=$?
[ $ended -le 1 ] || exit $ended
printf '%s\\n' "$found" | sed -n 's|^/proc/\\([0-9]*\\)/maps:[^/]*\\(/.*\\) (deleted)$|\\1 \\2|p' | head -n 1000
echo looked
"""

COMMANDS = {"replaced-files": Command(_REPLACED)}


@dataclass(frozen=True, slots=True)
class ReplacedFiles:
    """By service, one file that it runs and that is no longer on the disk."""

    services: dict[str, str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> ReplacedFiles:
        """Read the kernel's map of each process; those of no service, a login's say, do not stay and do not count."""
        *lines, end = outputs.text("replaced-files").splitlines() or [""]
        if end != "looked":
            raise ProbeError(f"{outputs.host}: the files that processes run were told in an unknown form")
        table = processes(outputs)
        services: dict[str, str] = {}
        for line in lines:
            pid, _, path = line.partition(" ")
            process = table.get(int(pid)) if is_number(pid) else None
            unit = re.match(r"/system\.slice/(?:.*/)?([^/]+\.service)(?:/|$)", process.group) if process else None
            if unit:
                services.setdefault(unit[1], path)
        return cls(services, outputs.evidence("replaced-files"))
