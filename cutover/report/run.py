"""What every report is made from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cutover.plan import Plan
from cutover.verdict import Verdict


@dataclass(slots=True)
class Run:
    """One run: its folder below ``reports/``, when it started (UTC), and its verdicts in order.

    ``plan`` are the checks it was to judge. ``unwritten`` tells why some of the folder could not be written, if so.
    """

    folder: Path
    started: datetime
    verdicts: list[Verdict]
    plan: Plan = field(default_factory=Plan)
    unwritten: str = ""

    @property
    def waited(self) -> Path:
        """The file that tells how waiting for DNS ended."""
        return self.folder / "facts" / "wait-dns.txt"

    @property
    def requests(self) -> dict[str, int]:
        """How many HTTP requests went to each target; empty when that was not written."""
        try:
            found: dict[str, int] = json.loads((self.folder / "facts" / "requests.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found
