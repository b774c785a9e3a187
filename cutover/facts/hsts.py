"""HTTP Strict Transport Security (RFC 6797), as a browser reads it."""

from __future__ import annotations

import re

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_DIRECTIVE = re.compile(rf'[ \t]*(?:({_WORD})[ \t]*(?:=[ \t]*({_WORD}|"[^"\\]*")[ \t]*)?)?')


def max_age(headers: tuple[str, ...]) -> int | None:
    """For how many seconds a host promises https; None without exactly one header of RFC 6797's grammar."""
    if len(headers) != 1:
        return None
    parts = [_DIRECTIVE.fullmatch(part) for part in headers[0].split(";")]
    directives = [(part[1].lower(), (part[2] or "").strip('"')) for part in parts if part and part[1]]
    names = [name for name, _ in directives]
    age = dict(directives).get("max-age", "")
    if not all(parts) or len(set(names)) < len(names) or not re.fullmatch(r"[0-9]{1,18}", age):
        return None
    return int(age)
