"""What the JSON of an answer holds, and what it says against itself: status 200 is not the only way to say no."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cutover.redact import redact

BOM = "\ufeff"
TOLD = 80  # characters of an error's own words
_NO = ("error", "fail", "failed", "failure")  # as the word of a status; JSend's are among them


class Body(NamedTuple):
    """The JSON of an answer; ``value`` is None and ``fault`` tells when it is none or is nested beyond reason."""

    value: Any
    fault: str

    @classmethod
    def read(cls, text: str) -> Body:
        """Read it, past a byte order mark too: some clients do, others refuse, so none may be sent (RFC 8259, 8.1)."""
        fault = "a byte order mark before the JSON" if text.startswith(BOM) else ""
        try:
            return cls(json.loads(text.removeprefix(BOM)), fault)
        except (ValueError, RecursionError):
            return cls(None, "no JSON")

    def first_of(self, places: tuple[str, ...]) -> tuple[str, Any]:
        """The first dotted place that exists, and what is there; ``("", None)`` without one."""
        for place in places:
            found = self.value
            for key in place.split(".") if place else ():
                found = found.get(key) if isinstance(found, dict) else None
            if found is not None:
                return place, found
        return "", None

    def objection(self, place: str) -> str:
        """Its fault, or the words in which an object around ``place`` tells of failure; empty without any."""
        around = self.value
        for key in (*place.split("."), ""):
            if not isinstance(around, dict):
                break
            if around.get("success", True) in (False, None, 0, "false"):
                return f"success: {_told(around['success'])}"
            for name in ("error", "errors"):
                if around.get(name):
                    return f"{name}: {_told(around[name])}"
            if str(around.get("status")).lower() in _NO:
                return f"status: {_told(around['status'])}"
            around = around.get(key)
        return self.fault


def _told(value: Any) -> str:  # noqa: ANN401
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    # Cut afterwards: half of a secret is not recognised as one.
    return " ".join(redact(text).split())[:TOLD]
