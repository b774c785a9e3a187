"""Room on the file systems that hold what grows: data, logs, backups (checklist section 1 and appendix A)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs

COMMANDS = {
    # Directories of the service are closed to an ordinary user, and so is what may be mounted below them.
    "df-places": Command(
        'root df -B1 --output=file,avail,itotal,iavail,target / "$DATA_DIR" "$LOG_DIR" "$BACKUP_DIR"\n'
        'printf "end %s %s %s\\n" "$DATA_DIR" "$LOG_DIR" "$BACKUP_DIR"'
    ),
}

Place = Literal["/", "data", "logs", "backups"]


@dataclass(frozen=True, slots=True)
class FileSystem:
    """``free_inodes`` is the free part of all inodes; None where they are made as they are needed (btrfs, zfs)."""

    mounted_on: str
    free_bytes: int
    free_inodes: float | None


@dataclass(frozen=True, slots=True)
class Storage:
    """The file system that holds each place; a place that is not there is None."""

    places: dict[Place, FileSystem | None]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Storage:
        """Read df; ProbeError when it does not tell of ``/``."""
        text = outputs.text("df-places")
        rows = re.findall(r"(?m)^(/\S*)\s+(\d{1,18})\s+(\d{1,18}|-)\s+(\d{1,18}|-)\s+(/.*)$", text)
        found = {row[0]: _file_system(*row[1:]) for row in rows}
        named = re.search(r"(?m)^end (\S+) (\S+) (\S+)$", text)
        if "/" not in found or not named:
            raise ProbeError(f"{outputs.host}: df answered in an unknown form")
        return cls(
            places={
                "/": found["/"],
                "data": found.get(named[1]),
                "logs": found.get(named[2]),
                "backups": found.get(named[3]),
            },
            evidence=outputs.evidence("df-places"),
        )


def _file_system(free_bytes: str, inodes: str, free_inodes: str, mounted_on: str) -> FileSystem:
    limited = "-" not in (inodes, free_inodes) and int(inodes) > 0
    return FileSystem(mounted_on, int(free_bytes), int(free_inodes) / int(inodes) if limited else None)
