"""Which pictures stand under which box: the one place where a new kind of picture is put into the page."""

from __future__ import annotations

from cutover.errors import UsageError
from cutover.facts.certificate import Certificate
from cutover.probes import saved
from cutover.report.html.lifetimes import lifetimes
from cutover.report.run import Run
from cutover.report.view import FULL
from cutover.report.words import Words

# The content security policy lets no style attribute and no <style> of an SVG pass: presentation attributes only.
Pictures = dict[tuple[str, str], list[str]]


def pictures(run: Run, words: Words) -> Pictures:
    """SVG texts by target and control, from the facts that were saved with the run; none of more targets than FULL."""
    drawn: Pictures = {}
    if len(run.standings) > FULL:
        return drawn
    for label, line in run.about.targets.items():
        for address in line.addresses:
            seen = _facts(run, f"{label}@{address}/certificate.json", Certificate)
            if isinstance(seen, Certificate) and seen.chain:
                drawn.setdefault((label, "12.certificate"), []).append(lifetimes(seen, words))
    return drawn


def _facts(run: Run, name: str, kind: type[object]) -> object:
    """What a probe saw, or None: a picture of what nobody saw is left out, its box tells why."""
    file = run.folder / "facts" / name
    try:
        return saved.read(file, kind) if file.exists() else None
    except UsageError:
        return None
