"""The gate: whether a run answers "switch" with yes, and the exit status that says so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cutover.standing import WORST, Standing
from cutover.verdict import Word

# pytest's own are 0 to 6: what it ends with for an interruption (2) or a mistake in what was asked (4) stays.
FAILED, COULD_NOT_LOOK, NOT_REVIEWED = 1, 8, 9
_STATUS: dict[Word, int] = {"failed": FAILED, "error": COULD_NOT_LOOK, "not reviewed": NOT_REVIEWED}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a run answers: ``yes`` only when nothing ``blocks`` and nothing else speaks against it.

    ``objections`` are what is wrong with the run as a whole, a sentence each.
    """

    status: int
    blocks: tuple[Standing, ...] = ()
    objections: tuple[str, ...] = ()

    @property
    def yes(self) -> bool:
        """Whether the gate opens."""
        return self.status == 0


def decide(standings: Iterable[Standing], objections: Iterable[str], ended_with: int) -> Decision:
    """Judge the whole run; ``ended_with`` is pytest's exit status for it, which is kept where it is no 0 or 1.

    What failed goes before what could not be seen, that before what was not looked at.
    """
    found = tuple(standings)
    blocking = tuple(sorted((each for each in found if each.blocks), key=lambda each: WORST.index(each.word)))
    told = tuple(objections)
    if not found:
        told += ("nothing was verified",)
    if ended_with not in (0, FAILED):
        status = ended_with
    elif blocking:
        status = _STATUS[blocking[0].word]
    elif ended_with or told:
        status = ended_with or COULD_NOT_LOOK
    else:
        status = 0
    return Decision(status, blocking, told)
