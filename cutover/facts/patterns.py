"""Regular expressions of a host's own programs, tried here: only those that end in time on whatever text."""

from __future__ import annotations

import re

LONGEST = 1000  # characters of an expression
LOOPS = 4  # repetitions one after the other: on a line of df or a path, some hundred thousand steps

_GROUP = re.compile(r"\((?:\?:)?([^()]*)\)([*+{]?)")


def compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Compile it; ValueError for what is none, and for one that could try more ways than there is time for.

    Python's matcher goes back without a limit: ``([a-z]*)*$`` takes years for a line of forty letters.
    """
    if len(pattern) > LONGEST or _could_take_long(pattern):
        raise ValueError(f"{pattern[:60]!r} could take too long to try here")
    try:
        return re.compile(pattern, flags)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{pattern[:60]!r} is not understood: {error}") from None


def _could_take_long(pattern: str) -> bool:
    """Whether it repeats a group in which something is repeated or chosen, or repeats too often in a row."""
    plain = re.sub(r"(?s)\\.|\[\^?\]?[^\]]*\]", "x", pattern)
    if len(re.findall(r"[*+{]", plain)) > LOOPS:
        return True
    while group := _GROUP.search(plain):
        body, repeated = group.groups()
        varies = re.search(r"[*+{|?]", body)
        if varies and repeated:
            return True
        # In the group around it, it counts as what it holds.
        plain = f"{plain[: group.start()]}{'x*' if varies or repeated else 'x'}{plain[group.end() :]}"
    return False
