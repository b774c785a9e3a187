"""A plugin of pytest that tells which probes each check rests on: ``-p lab.promises.needs --collect-only``.

By what pytest itself knows of fixtures, not by the library's own reckoning of what to look at.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cutover.probes.survey import COMBINED, PROBES

FILE = "CUTOVER_LAB_NEEDS"  # the variable that names where to


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[Any]) -> None:
    """Write each check's probes, as the files their facts are saved in."""
    needs: dict[str, list[str]] = {}
    for item in items:
        if hasattr(item, "callspec"):
            subjects = item.callspec.params
            names = {*item.fixturenames}.union(*(COMBINED.get(name, ()) for name in item.fixturenames))
            files = [f"{subjects[PROBES[name].of].label}/{name}.json" for name in PROBES if name in names]
            needs[f"{item.location[0]}::{item.name}"] = files
    Path(os.environ[FILE]).write_text(json.dumps(needs), "utf-8")
