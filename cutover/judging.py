"""From what became of a check to a verdict: its word, what was compared, why nothing was, and the evidence."""

from __future__ import annotations

from pathlib import Path

import pytest

from cutover.check import Doc, Reading
from cutover.checklist import catalogue
from cutover.errors import NotDeclared, NotPromised, ProbeError
from cutover.facts.evidence import Evidence
from cutover.inventory import Peer, Target
from cutover.redact import redact
from cutover.verdict import Verdict, Word

READING = pytest.StashKey[Reading]()


def judge(item: pytest.Item, call: pytest.CallInfo[None], control_id: str, *, strict: bool) -> Verdict:
    """The verdict on a check that ran; ``strict`` when advice counts as the checklist does."""
    assert isinstance(item, pytest.Function)
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    target, peer = parameters.get("target"), parameters.get("peer")
    reading = item.stash.get(READING, Reading())
    doc = Doc.of(item.function)
    promised, seen = reading.told()
    word, reason, mend = _outcome(item, call)
    return Verdict(
        word=word,
        control_id=control_id,
        file=item.location[0],
        check=item.name,
        target=target.label if isinstance(target, Target) else "",
        address=peer.address if isinstance(peer, Peer) else "",
        why=doc.why,
        promised=redact(promised) if not reason else "",
        seen=redact(seen) if not reason else "",
        where=redact(reading.where),
        reason=redact(reason),
        mend=mend or doc.mend,
        evidence=_evidence(item),
        seconds=call.duration,
        is_advice=catalogue()[control_id].is_advice and not strict,
        is_optional=call.excinfo is not None and isinstance(call.excinfo.value, NotPromised),
    )


def _outcome(item: pytest.Item, call: pytest.CallInfo[None]) -> tuple[Word, str, str]:
    """The word, why nothing could be judged, and advice that is better than the check's own."""
    if call.excinfo is None:
        return "passed", "", ""
    error = call.excinfo.value
    match error:
        case ProbeError():
            return "error", error.cause, error.advice or "mend this first, then verify again"
        case NotDeclared():
            return "not reviewed", str(error), ""
        case pytest.skip.Exception():
            return "not reviewed", str(error), ""
        case AssertionError() if call.when == "call":
            promised, seen = item.stash.get(READING, Reading()).told()
            if promised != seen:
                return "failed", "", ""
            # Another assertion than that of the two values, or two that read alike: its own words tell more.
            return "failed", " ".join(str(error).split())[:500] or "the assertion does not hold", ""
    at = call.excinfo.traceback[-1]
    place = f"{Path(str(at.path)).name}:{at.lineno + 1}"
    return "error", f"defect in the suite: {type(error).__name__}: {error} ({place})", "report it to cutover"


def _evidence(item: pytest.Function) -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    for name in item.funcargs:
        evidence = getattr(item.funcargs[name], "evidence", ())
        found += (
            [entry for entry in evidence if isinstance(entry, Evidence)] if evidence and not callable(evidence) else []
        )
    return tuple(found)
