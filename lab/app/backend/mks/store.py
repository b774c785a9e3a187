"""Users and knowledge records, from the JSON files of the data directory."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Record = dict[str, Any]


class JsonStore:
    """Reads a file again only when it has changed. A missing file is an error, never an empty list."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._read: dict[str, tuple[tuple[int, int], list[Record]]] = {}

    def user(self, username: str) -> Record | None:
        """The user of that name."""
        return next((user for user in self._records("users") if user["username"] == username), None)

    def knowledge(self) -> list[Record]:
        """All records, in the file's order."""
        return self._records("knowledge")

    def _records(self, name: str) -> list[Record]:
        path = self._data_dir / f"{name}.json"
        stat = path.stat()
        version = (stat.st_mtime_ns, stat.st_ino)
        if name not in self._read or self._read[name][0] != version:
            self._read[name] = (version, json.loads(path.read_text(encoding="utf-8")))
        return self._read[name][1]
