"""Records the server facts of the reference host, for the demo that has no server to look into."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from cutover.demo import SERVER_FACTS
from cutover.probes import saved, server
from cutover.targets import load

INVENTORY = Path(__file__).with_name("inventory.toml")


def record() -> Path:
    """Look into the reference host as the suite does, and put what was seen into the demo."""
    seen = server.probe(load(INVENTORY)[0])
    told = f"recorded on the lab's reference host at {seen.at}"
    saved.write(SERVER_FACTS, replace(seen, recorded=told))
    return SERVER_FACTS
