"""Lines of the form ``key rest``, as our own commands print what they found."""

from __future__ import annotations

from collections import defaultdict

DIGITS = 18  # of a whole number that fits into 64 bits, as every number of a host's does


def is_number(word: str) -> bool:
    """Whether a word is a whole number that a host can have: Python refuses to read one of thousands of digits."""
    return word.isdecimal() and len(word) <= DIGITS


def by_key(text: str) -> dict[str, list[str]]:
    """The rests of all lines, by their first word; a key that no line has is an empty list."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        key, _, rest = line.partition(" ")
        if key:
            found[key].append(rest)
    return found
