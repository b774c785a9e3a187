"""HTTP Strict Transport Security (RFC 6797), as a browser reads it."""

from __future__ import annotations

import re
from typing import NamedTuple

# RFC 6797 section 6.1, in the words of RFC 9110 section 5.6; a directive may be empty.
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_DIRECTIVE = re.compile(rf"[ \t]*(?:({_WORD})[ \t]*(?:=[ \t]*({_WORD}|{_QUOTED})[ \t]*)?)?(?:;|\Z)")


class Hsts(NamedTuple):
    """For how many seconds a host promises https, and whether for its subdomains too."""

    seconds: int
    subdomains: bool


def parse(header: str) -> Hsts | str:
    """What one header promises; when it is not valid, why."""
    directives: dict[str, str | None] = {}
    at = 0
    while at < len(header):
        part = _DIRECTIVE.match(header, at)
        if part is None:
            return "no list of directives"
        name, value, at = (part[1] or "").lower(), part[2], part.end()
        if name and name in directives:
            return f"{name} twice"
        directives[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value and value[0] == '"' else value
    age = directives.get("max-age") or ""
    if not re.fullmatch("[0-9]{1,4000}", age):
        return "max-age is no number of seconds" if "max-age" in directives else "no max-age"
    if directives.get("includesubdomains") is not None:
        return "includeSubDomains takes no value"
    return Hsts(int(age), "includesubdomains" in directives)


def max_age(headers: tuple[str, ...]) -> int | None:
    """The seconds, when exactly one header was sent and it is valid."""
    told = parse(headers[0]) if len(headers) == 1 else ""
    return told.seconds if isinstance(told, Hsts) else None
