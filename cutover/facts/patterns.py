"""Regular expressions of a host's own programs, tried here: only those that end in time on whatever text."""

from __future__ import annotations

import re

LONGEST = 1000  # characters of an expression
LOOPS = 4  # repetitions one after the other: on a line of df or a path, some hundred thousand steps


def compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Compile it; ValueError for what is none, and for one that could try more ways than there is time for.

    Python's matcher goes back without a limit: ``([a-z]*)*$`` takes years for a line of forty letters.
    """
    plain = re.sub(r"(?s)\\.|\[\^?\]?[^\]]*\]", "x", pattern)
    repeated = re.findall(r"\(([^()]*)\)[*+{]", plain)
    loops = len(re.findall(r"[*+{]", plain))
    nested = loops and re.search(r"\)\)+[*+{]", plain)
    if len(pattern) > LONGEST or loops > LOOPS or nested or any(re.search("[*+{|?]", group) for group in repeated):
        raise ValueError(f"{pattern[:60]!r} could take too long to try here")
    try:
        return re.compile(pattern, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{pattern[:60]!r} is not understood: {error}") from None
