"""``report.html``: one file that needs no other, opens like the checklist, and runs nothing that a target sent."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from cutover.checklist import catalogue
from cutover.files import write_whole
from cutover.redact import visible
from cutover.report import answer
from cutover.report.html.pictures import pictures
from cutover.report.run import Run
from cutover.report.view import FULL, obstacles, parts
from cutover.report.words import Words, both_times
from cutover.verdict import OUTCOMES

FILE = "report.html"
LONGEST = 4000  # characters of one text that are shown
MARKS = {"passed": "✓", "failed": "✗", "error": "!", "waived": "~", "not reviewed": "–", "advice": "i"}
_HERE = Path(__file__).parent


def write(run: Run) -> Path:
    """Write it into the run's folder; OSError when it cannot be written."""
    file = run.folder / FILE
    write_whole(file, page(run).encode())
    return file


def page(run: Run) -> str:
    """The whole page."""
    words = Words(run.about.lang)
    style, script = (_HERE.joinpath(name).read_text("utf-8") for name in ("style.css", "script.js"))

    def safe(value: object) -> object:
        """Bound a text, and show what would be hidden in it; jinja escapes it after that."""
        if isinstance(value, Markup):
            return value
        text = str(value)
        if len(text) > LONGEST:
            text = text[:LONGEST] + words("evidence.cut", count=len(text) - LONGEST)
        return visible(text)

    found = parts(run)
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=safe,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.jinja").render(
        run=run,
        about=run.about,
        told=answer.answer(run),
        parts=found,
        obstacles=obstacles(found),
        pictures={key: list(map(Markup, drawn)) for key, drawn in pictures(run, words).items()},
        t=words,
        other="en" if words.lang == "ja" else "ja",
        times=both_times,
        marks=MARKS,
        outcomes=OUTCOMES,
        labels={control.id: getattr(control, words.lang) for control in catalogue().control},
        full=FULL,
        style=Markup(style),  # noqa: S704 - a file of ours
        script=Markup(script),  # noqa: S704
        policy="; ".join(
            (
                "default-src 'none'",
                f"style-src '{_hash(style)}'",
                f"script-src '{_hash(script)}'",
                "base-uri 'none'",
                "form-action 'none'",
            )
        ),
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
