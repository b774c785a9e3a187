"""``report.md``: the answer and what stands behind it, for a merge request or the summary of a CI step.

What a target sent stands in code spans, which hold no link, no mention and no markup; the file's size is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from cutover.files import write_whole
from cutover.redact import visible
from cutover.report import answer
from cutover.report.run import Run
from cutover.report.view import Part, obstacles, parts
from cutover.report.words import Words, both_times
from cutover.verdict import OUTCOMES, Outcome, Verdict

FILE = "report.md"
LARGEST = 60_000  # bytes; a comment on GitHub takes 65 536 characters
LONGEST = 300  # characters of one value
ROWS = 50  # of one list or table
MARKS: dict[Outcome, str] = {
    "passed": "✅",
    "failed": "❌",
    "error": "❗",
    "advice": "💡",
    "waived": "🟡",
    "not reviewed": "⚪",
}
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+!|~<>&$:@]|^[-=])")


def write(run: Run) -> Path:
    """Write it into the run's folder; OSError when it cannot be written."""
    file = run.folder / FILE
    write_whole(file, text(run).encode())
    return file


def text(run: Run) -> str:
    """The whole file: as many of its parts as fit, in order, and how many did not."""
    words = Words(run.about.lang)
    last = f"{words('markdown.whole')}\n"
    told, size, left = [], len(last.encode()) + 200, 0
    for block in _blocks(run, words):
        needed = len(block.encode()) + 2
        if size + needed > LARGEST:
            left += 1
            continue
        told.append(block)
        size += needed
    if left:
        told.append(words("markdown.cut", count=left))
    return "\n\n".join([*told, last])


def _blocks(run: Run, words: Words) -> Iterator[str]:
    found = parts(run)
    yield _head(run, words)
    if run.decision.objections or run.untidy:
        yield "\n".join(f"- {prose(each)}" for each in [*run.decision.objections, *run.untidy][:ROWS])
    if len(found) > 1:
        yield _overview(found, words)
    if blocking := _blocking(found, words):
        yield blocking
    for part in found:
        yield from _of_target(part, words)
    for part in found:
        yield _sections(part, words)


def _head(run: Run, words: Words) -> str:
    told, about = answer.answer(run), run.about
    yes = told["answer"] == "yes"
    blocks = len(run.decision.blocks)
    because = "yes" if yes else "run" if not blocks else "one" if blocks == 1 else "no"
    rows = {
        "about.valid-until": both_times(told["valid_until"]),
        "about.run": code(about.run),
        "about.started": both_times(about.started),
        "about.operator": prose(about.operator),
        "about.version": f"{prose(about.version)} {code(about.commit)}" if about.commit else prose(about.version),
    }
    targets = ", ".join(code(label) for label in list(about.targets)[:5])
    more = f", {words('answer.more', count=len(about.targets) - 5)}" if len(about.targets) > 5 else ""
    return "\n".join(
        (
            f"## {'✅' if yes else '❌'} {words('answer.yes' if yes else 'answer.no')} – {targets}{more}",
            "",
            f"**{words(f'answer.because-{because}', blocks=blocks)}**",
            "",
            *(f"- {words(key)}: {value}" for key, value in rows.items()),
            *(f"- {words('target.recorded')} ({code(name)})" for name, line in about.targets.items() if line.recorded),
        )
    )


def _overview(found: list[Part], words: Words) -> str:
    outcomes = [outcome for outcome in OUTCOMES if outcome != "advice"]
    lines = [
        f"### {words('overview.heading')}\n",
        _row(words("overview.target"), words("overview.answer"), *map(words.verdict, outcomes)),
        _row("---", "---", *("--:" for _ in outcomes)),
    ]
    for part in found[:ROWS]:
        said = f"❌ {words('answer.no')}" if part.blocks else f"✅ {words('answer.yes')}"
        lines.append(_row(code(part.label), said, *(str(part.counts.get(outcome, 0)) for outcome in outcomes)))
    if len(found) > ROWS:
        lines.append(_row(words("answer.more", count=len(found) - ROWS), "", *("" for _ in outcomes)))
    return "\n".join(lines)


def _blocking(found: list[Part], words: Words) -> str:
    own = [each for each in obstacles(found) if not each.is_derived]
    lines = [f"### {words('answer.blocks')}\n"]
    for each in own[:ROWS]:
        label = each.control.ja if words.lang == "ja" else each.control.en
        of = ", ".join(code(part.label) for part in each.parts[:3]) if len(found) > 1 else ""
        more = f", {words('answer.more', count=len(each.parts) - 3)}" if len(each.parts) > 3 else ""
        lines.append(
            f"- {MARKS[each.word]} {words.verdict(each.word)} {code(each.control.id)} {prose(label)}"
            + (f": {of}{more}" if of else "")
        )
    if len(own) > ROWS:
        lines.append(f"- {words('answer.more', count=len(own) - ROWS)}")
    return "\n".join(lines) if own else ""


def _of_target(part: Part, words: Words) -> Iterator[str]:
    """Its causes, failures, what was not seen and who answers for what: each a block of its own."""
    at = f" – {code(part.label)}"
    if part.causes:
        lines = [f"### {words('causes.heading')}{at}\n"]
        for cause in part.causes:
            ids = ", ".join(code(each.control_id) for each in cause.explained)
            lines.append(f"- {code(cause.root.control_id)} {words('causes.explains')} {ids}")
            lines += [f"  - {advice}" for advice in cause.advice(words.lang, part.line.host)]
        yield "\n".join(lines)
    failures = [check.verdict for box in part.boxes for check in box.checks if check.verdict.outcome == "failed"]
    if failures:
        yield f"### {words('markdown.failures')}{at}"
    for verdict in failures[:ROWS]:
        yield _failure(verdict, words)
    if len(failures) > ROWS:
        yield words("answer.more", count=len(failures) - ROWS)
    for word, heading in (("error", "unseen.errors"), ("not reviewed", "unseen.heading")):
        lines = [
            f"- {prose(reason)}: {', '.join(map(code, ids))}"
            for (kind, reason), ids in part.unseen.items()
            if kind == word
        ]
        if lines:
            yield "\n".join([f"### {words(heading)}{at}\n", *lines[:ROWS]])
    if part.waived:
        lines = [f"- {MARKS['waived']} {code(control)} {prose(told)}" for control, told in part.waived[:ROWS]]
        yield "\n".join([f"### {words('waived.heading')}{at}\n", *lines])
    if part.statements:
        lines = [f"- {code(each.control_id)} {prose(each.reason)}" for each in part.statements[:ROWS]]
        yield "\n".join([f"### {words('statements.heading')}{at}\n", *lines])


def _failure(verdict: Verdict, words: Words) -> str:
    where = f" {words('check.at', address=code(verdict.address))}" if verdict.address else ""
    lines = [f"- {MARKS['failed']} **{code(verdict.control_id)} {prose(verdict.title)}**{where}"]
    told = {"because": verdict.reason, "promised": verdict.promised, "seen": verdict.seen, "where": verdict.where}
    lines += [f"  - {words(f'check.{name}')}: {code(value)}" for name, value in told.items() if value]
    if verdict.since:
        lines.append(f"  - {words('check.since')}: {both_times(verdict.since)}")
    if verdict.mend:
        lines.append(f"  - {words('check.mend')}: {prose(verdict.mend)}")
    return "\n".join(lines)


def _sections(part: Part, words: Words) -> str:
    lines = [
        f"### {words('target.sections')} – {code(part.label)}\n",
        _row(words("overview.verdict"), words("overview.section"), words("overview.boxes")),
        _row("---", "---", "---"),
    ]
    for chapter in part.chapters:
        section = chapter.section
        counts = ", ".join(f"{count} {words.verdict(outcome)}" for outcome, count in chapter.counts.items())
        worst = next(iter(chapter.counts))
        number = "" if section.id == "advice" else f"{section.id} "
        title = section.ja if words.lang == "ja" else section.en
        lines.append(_row(f"{MARKS[worst]} {words.verdict(worst)}", number + prose(title), counts))
    return "\n".join(lines)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') if '`' in cell else cell for cell in cells)} |"


def prose(told: str) -> str:
    """A text that is no markup, on one line."""
    return _PUNCTUATION.sub(r"\\\1", _bounded(told))


def code(told: str) -> str:
    """A text from elsewhere as a code span, on one line."""
    inside = _bounded(told)
    if not inside.strip():
        return ""
    ticks = "`" * (max(map(len, re.findall("`+", inside)), default=0) + 1)
    pad = " " if inside[0] in "` " or inside[-1] in "` " else ""
    return f"{ticks}{pad}{inside}{pad}{ticks}"


def _bounded(told: str) -> str:
    line = " ".join(visible(told).split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
