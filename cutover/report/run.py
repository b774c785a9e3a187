"""What every report is made from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cutover.verdict import Verdict, Word


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its folder below ``reports/``, when it started (UTC), and its verdicts in order."""

    folder: Path
    started: datetime
    verdicts: list[Verdict]

    def count(self) -> Counter[Word]:
        """How many verdicts of each word."""
        return Counter(verdict.word for verdict in self.verdicts)
