"""Redaction at capture: what a probe keeps of a stranger's text holds no secret and no control code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "[redacted]"

# Shapes of secrets, whoever they belong to. Each keeps its first group, so that a report says what was hidden.
# None begins with a repetition, and those inside are bounded or possessive: the time stays linear in the text's length.
_SHAPES = (
    re.compile(r"(?i)(\bauthorization[\"']?[ \t]*[:=][ \t]*)[^\n]+"),
    re.compile(r"(?i)(\bbearer[ \t]+)[\w.~+/-]{8,}+=*(?![\w=\"])"),
    re.compile(r"()(?<![\w-])eyJ[\w-]{5,}+\.[\w-]{5,}+\.[\w-]*+"),  # a JSON web token
    # A line of an environment file: whatever punctuation the value has.
    re.compile(
        r"(?m)^([ \t]*+(?:export[ \t]++|Environment=)?\"?"
        r"[A-Z0-9_]{0,64}?(?:PASS|PWD|SECRET|TOKEN|KEY)[A-Z0-9_]{0,64}+=)[^\n]+"
    ),
    re.compile(
        r"(?i)((?:(?<!/etc/)passw(?:or)?d|secret|token|(?:api|private)[_-]?key)[\w-]{0,64}+[\"']?[ \t]*+[:=][ \t]*+)"
        r"(?:\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?|[^\s,;&}]+)"
    ),
    re.compile(r"(://[^\s:/@]{0,256}+:)[^\s/]{1,256}(?=@)"),  # the password of a URL
    re.compile(r"(?s)(-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----).*?(?=-----END|\Z)"),
    re.compile(r"(?i)(\bset-cookie[ \t]*+:[ \t]*+[^=\s]{1,256}+=)[^;\s]+"),
    re.compile(r"(?i)((?<![\w-])cookie[ \t]*+:[ \t]*+)[^\n]+"),
)

# C0 and C1 control characters but tab and newline, and the ones that reorder what is displayed or are not seen.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Hide every one of ``secrets`` and all that looks like one; make control characters visible."""
    # As it is, and as JSON or a URL spells it; the longest first, for one may begin like another.
    for form in sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    for shape in _SHAPES:
        text = shape.sub(lambda match: match.group(1) + HIDDEN, text)
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def _forms(secret: str) -> set[str]:
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret)} - {""}
