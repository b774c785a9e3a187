"""Which pictures stand under which box: the one place where a new kind of picture is put into the page."""

from __future__ import annotations

from collections.abc import Iterator

from cutover.aim import targets_of
from cutover.errors import UsageError
from cutover.facts.certificate import Certificate
from cutover.facts.latency import Latency
from cutover.facts.load import Load, Ramp
from cutover.inventory import Target
from cutover.probes import saved
from cutover.report import pictures as draw
from cutover.report.html.lifetimes import lifetimes
from cutover.report.run import Run
from cutover.report.view import FULL
from cutover.report.words import Words

# The content security policy lets no style attribute and no <style> of an SVG pass: presentation attributes only.
Pictures = dict[tuple[str, str], list[str]]

# The stages of load by their probes, and how a picture tells them.
STAGES = {
    "load": "a new connection each",
    "load_kept": "kept connections",
    "load_open": "at the declared rate",
    "load_own": "the locustfile of one's own",
}


def pictures(run: Run, words: Words) -> Pictures:
    """SVG texts by target and control, from the facts that were saved with the run; none of more targets than FULL."""
    drawn: Pictures = {}
    if len(run.standings) > FULL:
        return drawn
    try:
        targets = targets_of(run.folder / "facts")
    except UsageError:
        targets = {}
    for label, line in run.about.targets.items():
        for address in line.addresses:
            place = f"{label}@{address}"
            seen = _facts(run, f"{place}/certificate.json", Certificate)
            if isinstance(seen, Certificate) and seen.chain:
                drawn.setdefault((label, "12.certificate"), []).append(lifetimes(seen, words))
            if label in targets:
                for control, picture in _of_times(run, place, targets[label]):
                    drawn.setdefault((label, control), []).append(picture)
    return drawn


def _of_times(run: Run, place: str, target: Target) -> Iterator[tuple[str, str]]:
    """How fast one address answered, quiet and under load, each under its box."""
    limits = target.limits
    seen = _facts(run, f"{place}/latency.json", Latency)
    if isinstance(seen, Latency):
        for endpoint, series in seen.warm.items():
            title = f"{endpoint} at {place}, one connection"
            yield "13.response-time", draw.series(title, series, limits.answers_within(endpoint))
        title = f"all endpoints at {place}, a new connection each"
        yield "13.response-time", draw.series(title, seen.new, limits.response_seconds)
    for probe, told in STAGES.items():
        stage = _facts(run, f"{place}/{probe}.json", Load)
        if isinstance(stage, Load):
            yield "13.concurrency", draw.stage(f"{place}, {told}: answers", stage, limits.response_seconds)
            yield "13.concurrency", draw.over_time(f"{place}, {told}: over time", stage, limits.response_seconds)
    ramp = _facts(run, f"{place}/load_ramp.json", Ramp)
    if isinstance(ramp, Ramp):
        steps = [_step(load) for load in ramp.steps if load.samples]
        yield "13.concurrency", draw.ramp(f"{place}, rising users", steps, ramp.limit)


def _step(load: Load) -> draw.Step:
    failed = sum(load.failures.values())
    right = (len(load.samples) - failed) / load.seconds
    return draw.Step(load.concurrency, right, load.quantile(0.95), failed)


def _facts(run: Run, name: str, kind: type[object]) -> object:
    """What a probe saw, or None: a picture of what nobody saw is left out, its box tells why."""
    file = run.folder / "facts" / name
    try:
        return saved.read(file, kind) if file.exists() else None
    except UsageError:
        return None
