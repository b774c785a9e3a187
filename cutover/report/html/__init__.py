"""``report.html``: one file that needs no other, opens like the checklist, and runs nothing that a target sent."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import sys
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemBytecodeCache, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
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
_STYLE, _SCRIPT = (_HERE.joinpath(name).read_text("utf-8") for name in ("style.css", "script.js"))


def write(run: Run) -> Path:
    """Write it into the run's folder; OSError when it cannot be written."""
    file = run.folder / FILE
    write_whole(file, page(run).encode())
    return file


def page(run: Run) -> str:
    """The whole page."""
    words = Words(run.about.lang)
    found = parts(run)
    return (
        _environment(words)
        .get_template("page.jinja")
        .render(
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
            style=Markup(_STYLE),  # noqa: S704 - a file of ours
            script=Markup(_SCRIPT),  # noqa: S704
            policy="; ".join(
                (
                    "default-src 'none'",
                    f"style-src '{_hash(_STYLE)}'",
                    f"script-src '{_hash(_SCRIPT)}'",
                    "base-uri 'none'",
                    "form-action 'none'",
                )
            ),
        )
    )


class _Compiled(FileSystemBytecodeCache):
    """Templates compiled once, beside our own modules as Python keeps them; where that cannot be written, each time.

    They are known by their text alone: after a change of the environment's options below, remove them.
    """

    def __init__(self) -> None:
        super().__init__(str(_HERE / "__pycache__"))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with contextlib.suppress(OSError):
                super().dump_bytecode(bucket)


@cache
def _environment(words: Words) -> Environment:
    """The templates, which escape and bound every text."""

    def safe(value: object) -> object:
        if isinstance(value, Markup):
            return value
        text = str(value)
        if len(text) > LONGEST:
            text = text[:LONGEST] + words("evidence.cut", count=len(text) - LONGEST)
        return visible(text)

    return Environment(
        loader=FileSystemLoader(_HERE),
        bytecode_cache=_Compiled(),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=safe,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
