"""What every report is made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cutover.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its folder below ``reports/``, when it started (UTC), and its verdicts in order."""

    folder: Path
    started: datetime
    verdicts: list[Verdict]

    @property
    def waited(self) -> Path:
        """The file that tells how waiting for DNS ended."""
        return self.folder / "facts" / "wait-dns.txt"
