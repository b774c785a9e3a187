"""Redaction at capture: what a probe keeps of a stranger's text holds no secret and no control code."""

from __future__ import annotations

import re
from collections.abc import Iterable

HIDDEN = "[redacted]"

# Shapes of secrets, whoever they belong to. Each keeps its first group, so that a report says what was hidden.
_SHAPES = (
    re.compile(r"(?i)(\bauthorization\s*:\s*\w+\s+|\bbearer\s+)[^\s\"',;]+"),
    re.compile(r"()\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*"),  # a JSON web token
    re.compile(
        r"(?i)([\"']?[\w-]*(?:passw(?:or)?d|secret|token|api[_-]?key|private[_-]?key)[\w-]*[\"']?\s*[:=]\s*)"
        r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&}]+)"
    ),
    re.compile(r"(\w+://[^\s:/@]+:)[^\s@]+(?=@)"),  # the password of a URL
    re.compile(r"(?s)(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(?:-----END|\Z)"),
    re.compile(r"(?i)(\bset-cookie\s*:\s*[^=\s]+=)[^;\s]+"),
)

# C0 and C1 control characters but tab and newline, and the ones that reorder what is displayed.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Hide every one of ``secrets`` and all that looks like one; make control characters visible."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, HIDDEN)
    for shape in _SHAPES:
        text = shape.sub(lambda match: match.group(1) + HIDDEN, text)
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)
