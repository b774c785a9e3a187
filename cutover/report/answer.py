"""``verdict.json``: the answer of a run for whoever only wants that, a deployment job or a person with jq.

Its schema, ``verdict.schema.json`` beside this file, has a version: a consumer refuses one that it does not know.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from cutover.files import write_whole
from cutover.report import journal, sums
from cutover.report.run import Run
from cutover.standing import WORST, Standing

FILE = "verdict.json"
SCHEMA = 1
VALID = timedelta(hours=24)  # a host that was good yesterday says nothing of today


def write(run: Run) -> None:
    """Write it; OSError when it cannot be written."""
    write_whole(run.folder / FILE, (json.dumps(answer(run), ensure_ascii=False, indent=1) + "\n").encode())


def answer(run: Run) -> dict[str, Any]:
    """All of ``verdict.json``."""
    evidence = run.folder / journal.FILE
    decision = run.decision
    return {
        "schema": SCHEMA,
        "answer": "yes" if decision.yes else "no",
        "exit_status": decision.status,
        "objections": list(decision.objections),
        "run": run.about.run,
        "state": run.about.state,
        "started": run.about.started,
        "valid_until": _valid_until(run).isoformat(timespec="seconds"),
        "evidence_sha256": sums.digest(evidence) if evidence.exists() else "",
        "targets": {label: _target(run, label) for label in run.standings},
    }


def _target(run: Run, label: str) -> dict[str, Any]:
    line, same = run.about.targets[label], run.about.sameness.get(label)
    stands = [standing for standing in run.standings[label].values() if standing.counts]
    counts = Counter(standing.word for standing in stands)
    return {
        "host": line.host,
        "phase": line.phase,
        "addresses": list(line.addresses),
        "recorded": line.recorded,
        "identity": same.end or same.start if same else {},
        "counts": {word: counts[word] for word in WORST},
        "blocks": [_told(standing) for standing in stands if standing.blocks],
        "controls": {standing.control_id: standing.word for standing in stands},
    }


def _told(standing: Standing) -> dict[str, Any]:
    checks = [
        {"check": verdict.check, "verdict": verdict.word, "promised": verdict.promised, "seen": verdict.seen}
        | ({"reason": verdict.reason} if verdict.reason else {})
        for verdict in standing.verdicts
        if verdict.word == standing.word and not verdict.is_optional
    ]
    told = {"control": standing.control_id, "verdict": standing.word, "mandatory": standing.control.mandatory}
    return told | {"reason": standing.reason, "checks": checks}


def _valid_until(run: Run) -> datetime:
    """A day after the start, or the last moment of what somebody answers for, whichever comes first."""
    today = run.exceptions.today
    ends: list[date] = [each.expires for each in run.exceptions.waivers if each.expires >= today]
    ends += [each.valid_until for each in run.exceptions.attestations if run.exceptions.holds(each)]
    last = [datetime.combine(end, time.max, UTC) for end in ends]
    return min([run.started + VALID, *last])


def load(folder: Path) -> dict[str, Any]:
    """Read it back as it is."""
    told: dict[str, Any] = json.loads((folder / FILE).read_text("utf-8"))
    return told
