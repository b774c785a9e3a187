"""Lines of the form ``key rest``, as our own commands print what they found."""

from __future__ import annotations

from collections import defaultdict


def by_key(text: str) -> dict[str, list[str]]:
    """The rests of all lines, by their first word; a key that no line has is an empty list."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        key, _, rest = line.partition(" ")
        if key:
            found[key].append(rest)
    return found
