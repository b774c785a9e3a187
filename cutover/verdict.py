"""The verdict on one control of one target: five words, and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cutover.checklist import Control, catalogue
from cutover.facts.evidence import Evidence

Word = Literal["passed", "failed", "error", "waived", "not reviewed"]
Outcome = Literal[Word, "advice"]
OUTCOMES: tuple[Outcome, ...] = ("failed", "error", "advice", "not reviewed", "waived", "passed")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check of one target.

    ``check`` is the test's id without its file, ``file`` the file. ``address`` is the one dialled, empty for
    the server's inside. ``reason`` tells why nothing was judged (error, not reviewed) and is the same text
    for all that have the same cause. ``seconds`` is the time the judging took. ``is_advice`` when the control is
    no box of the checklist and the run is not strict about those. ``is_optional`` when it was not reviewed because
    nobody asks for it. ``waiver`` tells who answers for a failure, why and until when. ``since`` is when the first
    of the runs without a break began in which it was not as promised (ISO 8601, UTC).
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
    is_advice: bool = False
    is_optional: bool = False
    waiver: str = ""
    since: str = ""

    @property
    def control(self) -> Control:
        """The checklist's box it speaks of."""
        return catalogue()[self.control_id]

    @property
    def outcome(self) -> Outcome:
        """What it means to the run: its word, but ``advice`` where an advice was not seen as promised or not at all."""
        return "advice" if self.is_advice and self.word in ("failed", "error") else self.word

    @property
    def title(self) -> str:
        """The check's name in plain words."""
        return self.check.partition("[")[0].removeprefix("test_").replace("_", " ")

    @property
    def place(self) -> str:
        """The target, and the address of it that was dialled."""
        return self.target + (f" at {self.address}" if self.address else "")

    @property
    def message(self) -> str:
        """The essential of it in a few lines: what was promised, what was seen, where, what to do."""
        lines = [f"{self.control_id} {self.title}: {self.outcome} on {self.place}"]
        if self.reason:
            lines.append(f"because   {self.reason}")
        if self.promised or self.seen:
            lines += [f"promised  {self.promised}", f"seen      {self.seen}"]
        if self.where:
            lines.append(f"where     {self.where}")
        if self.waiver:
            lines.append(self.waiver)
        if self.since:
            lines.append(f"since     {self.since}")
        if self.mend and self.word != "passed":
            lines.append(f"mend      {self.mend}")
        return "\n".join(lines)
