"""Processors, memory and disk of the server (checklist section 1 and appendix A)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import is_number

COMMANDS = {
    "nproc": Command("nproc"),
    "meminfo": Command("cat /proc/meminfo"),
    "df": Command("df -P -B1 /"),
}


@dataclass(frozen=True, slots=True)
class Resources:
    """``memory_bytes`` is what the kernel manages, a little less than what was bought.

    ``disk_free_bytes`` is what an ordinary user can still write on the file system of ``/``.
    """

    cpus: int
    memory_bytes: int
    disk_free_bytes: int
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Resources:
        """Read nproc, /proc/meminfo and df; ProbeError when one of them does not tell."""
        memory = re.search(r"(?m)^MemTotal:\s+(\d{1,18}) kB$", outputs.text("meminfo"))
        disk = re.search(r"(?m)^\S.*\s(\d{1,18})\s+\d+%\s+/$", outputs.text("df"))
        cpus = outputs.text("nproc").strip()
        if not memory or not disk or not is_number(cpus):
            raise ProbeError(f"{outputs.host}: nproc, /proc/meminfo or df answered in an unknown form")
        return cls(
            cpus=int(cpus),
            memory_bytes=int(memory[1]) * 1024,
            disk_free_bytes=int(disk[1]),
            evidence=(*outputs.evidence("nproc", "df"), _memory_line(outputs)),
        )


def _memory_line(outputs: Outputs) -> Evidence:
    whole = outputs.evidence("meminfo")[0]
    return Evidence(whole.asked, whole.at, "\n".join(whole.answer.splitlines()[:3]))
