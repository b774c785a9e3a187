"""Values as TOML spells them: the standard library reads it and does not write it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date


def toml(value: str | date | Sequence[str]) -> str:
    """A string, a day, or an array of strings."""
    if isinstance(value, str):
        # A JSON string is one of TOML, but for DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, date):
        return value.isoformat()
    return f"[{', '.join(map(toml, value))}]"
