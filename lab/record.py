"""Records the server facts of the reference host, for the demo that has no server to look into."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from cutover.demo import SERVER_FACTS
from cutover.facts.evidence import Outputs
from cutover.probes import server
from cutover.targets import load

INVENTORY = Path(__file__).with_name("inventory.toml")


def record() -> Path:
    """Look into the reference host as the suite does, and put what was seen into the demo."""
    seen = server.probe(load(INVENTORY)[0])
    told = f"recorded on the lab's reference host at {seen.at}"
    text = TypeAdapter(Outputs).dump_json(replace(seen, recorded=told), indent=1)
    SERVER_FACTS.write_bytes(text + b"\n")
    return SERVER_FACTS
