"""The verdict on one control of one target: five words, and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cutover.checklist import Control, catalogue
from cutover.facts.evidence import Evidence

Word = Literal["passed", "failed", "error", "waived", "not reviewed"]
WORDS: tuple[Word, ...] = ("failed", "error", "not reviewed", "waived", "passed")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check of one target.

    ``check`` is the test's id without its file, ``file`` the file. ``address`` is the one dialled, empty for
    the server's inside. ``reason`` tells why nothing was judged (error, not reviewed) and is the same text
    for all that have the same cause. ``seconds`` is the time the judging took.
    """

    word: Word
    control_id: str
    file: str
    check: str
    target: str
    address: str = ""
    why: str = ""
    promised: str = ""
    seen: str = ""
    where: str = ""
    reason: str = ""
    mend: str = ""
    evidence: tuple[Evidence, ...] = ()
    seconds: float = 0.0

    @property
    def control(self) -> Control:
        """The checklist's box it speaks of."""
        return catalogue()[self.control_id]

    @property
    def title(self) -> str:
        """The check's name in plain words."""
        return self.check.partition("[")[0].removeprefix("test_").replace("_", " ")

    @property
    def message(self) -> str:
        """The essential of it in a few lines: what was promised, what was seen, where, what to do."""
        place = self.target + (f" at {self.address}" if self.address else "")
        lines = [f"{self.control_id} {self.title}: {self.word} on {place}"]
        if self.reason:
            lines.append(f"because   {self.reason}")
        if self.promised or self.seen:
            lines += [f"promised  {self.promised}", f"seen      {self.seen}"]
        if self.where:
            lines.append(f"where     {self.where}")
        if self.mend and self.word != "passed":
            lines.append(f"mend      {self.mend}")
        return "\n".join(lines)
