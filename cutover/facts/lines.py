"""Lines of the form ``key rest``, as our own commands print what they found."""

from __future__ import annotations

import shlex
from collections import defaultdict

DIGITS = 18  # of a whole number that fits into 64 bits, as every number of a host's does


def is_number(word: str) -> bool:
    """Whether a word is a whole number that a host can have: Python refuses to read one of thousands of digits."""
    return word.isdecimal() and len(word) <= DIGITS


LONGEST = 10_000  # characters of a line that is taken apart


def words_of(line: str, *, comments: bool = False) -> list[str]:
    """The words of a line as a shell splits it; ValueError for quotes that do not close, or for too long a line.

    shlex takes the square of a word's length.
    """
    if len(line) > LONGEST:
        raise ValueError(f"a line of {len(line)} characters")
    return shlex.split(line, comments=comments)


def by_key(text: str) -> dict[str, list[str]]:
    """The rests of all lines, by their first word; a key that no line has is an empty list."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        key, _, rest = line.partition(" ")
        if key:
            found[key].append(rest)
    return found
