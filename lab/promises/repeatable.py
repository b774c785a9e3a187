"""Repeatable: run after run on a healthy host gives the same verdicts, those under load included."""

from __future__ import annotations

from collections import Counter

from lab.promises.trial import GATE, Trial

RUNS, FEW_RUNS = 20, 3


def prove(trial: Trial) -> bool:
    """Run the whole suite so often; whether every check said the same each time, and the gate was open."""
    runs = RUNS if trial.full else FEW_RUNS
    seen: list[dict[str, str]] = []
    kept, seconds = True, []
    for number in range(runs):
        run = trial.start(*GATE)
        status = run.end()
        seconds.append(run.seconds)
        seen.append(run.verdicts())
        if status or run.answer() != "yes":
            kept &= trial.tell(False, f"run {number + 1}: status {status}, answer {run.answer()}: {run.bad()}")
        for name in sorted(seen[0].keys() | seen[-1].keys()):
            if seen[0].get(name) != seen[-1].get(name):
                differs = f"first {seen[0].get(name)}, then {seen[-1].get(name)}: {name}"
                kept &= trial.tell(False, f"run {number + 1}: {differs}")
    counts = ", ".join(f"{many} {word}" for word, many in Counter(seen[0].values()).most_common())
    told = f"{runs} runs of {len(seen[0])} verdicts ({counts}), {min(seconds):.0f} to {max(seconds):.0f} s each"
    return trial.tell(kept and "passed" in seen[0].values(), told)
