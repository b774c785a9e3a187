"""Statements on the reference host, so that the gate is seen open: each says that it is a lab's."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lab.machine import STATE

FILE = STATE / "attestations.toml"
CATALOGUE = Path(__file__).parents[1] / "cutover" / "checklist.toml"
VALID = timedelta(days=30)  # longer than a lab is up


def write(target: str) -> None:
    """One for each box that only a person can answer."""
    today = datetime.now(UTC).date()
    boxes = [row["id"] for row in tomllib.loads(CATALOGUE.read_text())["control"] if row["judged_by"] == "attestation"]
    rows = [
        f'[[attestation]]\ncontrol = "{box}"\ntarget = "{target}"\nby = "the lab"\non = {today}\n'
        f'statement = "a host of the lab, which needs none: to see the gate open"\nvalid_until = {today + VALID}\n'
        for box in boxes
    ]
    FILE.write_text("\n".join(rows))
