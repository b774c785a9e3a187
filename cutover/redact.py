"""Redaction at capture: what a probe keeps of a stranger's text holds no secret and no control code."""

from __future__ import annotations

import html
import json
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

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
        # What a check tells of "without a token: 401" or "absent" is no secret.
        r"(?!(?:\d{1,3}|absent|empty)(?:[\s,;]|\Z))(?:\"(?:[^\"\\\n]|\\.)*+\"?|'(?:[^'\\\n]|\\.)*+'?|[^\s,;&}]+)"
    ),
    re.compile(r"(://[^\s:/@]{0,256}+:)[^\s/]{1,256}(?=@)"),  # the password of a URL
    re.compile(r"(?s)(-----BEGIN [A-Z ]{0,40}PRIVATE KEY(?: BLOCK)?-----).*?(?=-----END|\Z)"),
    re.compile(r"(?i)(\bset-cookie[ \t]*+:[ \t]*+[^=\s]{1,256}+=)[^;\s]+"),
    re.compile(r"(?i)((?<![\w-])cookie[ \t]*+:[ \t]*+)[^\n]+"),
)

# C0 and C1 control characters but tab and newline, and the ones that reorder what is displayed or are not seen.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


# A shorter one is part of many a harmless word: to hide it everywhere would tell it, by what is missing.
SHORTEST = 4

_forms_in_use: tuple[str, ...] = ()  # of every secret of this run, the longest first: one may begin like another
_adding = threading.Lock()


def hide(secret: str) -> None:
    """Have ``redact`` hide this secret from now on, whoever says it: the operator's password, a token."""
    global _forms_in_use
    if len(secret) < SHORTEST:
        return
    with _adding:
        _forms_in_use = tuple(sorted({*_forms_in_use, *_forms(secret)}, key=len, reverse=True))


def redact(text: str) -> str:
    """Hide every secret in use and all that looks like one; make control characters visible."""
    for form in _forms_in_use:
        text = text.replace(form, HIDDEN)
    for shape in _SHAPES:
        text = shape.sub(lambda match: match.group(1) + HIDDEN, text)
    return visible(text)


def visible(text: str) -> str:
    """Make control characters visible, and those that reorder what is displayed or are not seen."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match.group()):02x}", text)


def _forms(secret: str) -> set[str]:
    """The secret as it is, and as JSON, HTML, a URL and base64 spell it."""
    quoted = {code(secret, safe, errors="replace") for code in (quote, quote_plus) for safe in ("", "/")}
    escaped = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {
        secret,
        html.escape(secret),
        *quoted,
        *(re.sub("%..", lambda match: match[0].lower(), form) for form in quoted),
        *escaped,
        *(form.replace("/", "\\/") for form in escaped),
        *_base64(secret.encode("utf-8", "replace")),
    }


def _base64(secret: bytes) -> Iterator[str]:
    """The characters that are the secret's alone, for each way in which it may lie in what was encoded."""
    for before in range(3):
        coded = b64encode(bytes(before) + secret).decode()
        own = coded[(8 * before + 5) // 6 : 8 * (before + len(secret)) // 6]
        yield own
        yield own.translate(str.maketrans("+/", "-_"))
