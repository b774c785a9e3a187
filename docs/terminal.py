"""Draws what a run printed as an SVG: ``./verify … --color=yes | python3 docs/terminal.py COMMAND >docs/terminal.svg``.

Only the summary is drawn, word for word; what pytest prints while it runs stands before it.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterator

COLUMNS, LINE, CHARACTER, EDGE = 104, 17, 7.83, 14  # of text; then pixels
FONTS = "ui-monospace, Menlo, Consolas, DejaVu Sans Mono, monospace"
BLANK = "\u00a0"  # of an ordinary one, a browser keeps the first only
COLOURS = {"31": "#ff7b72", "32": "#56d364", "33": "#e3b341", "36": "#76e3ea"}


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """Text and its style, as the codes of ECMA-48 set it."""
    style: set[str] = set()
    for part in re.split(r"(\x1b\[[\d;]*m)", text):
        if code := re.fullmatch(r"\x1b\[([\d;]*)m", part):
            told = code[1].split(";")
            style = set() if told in (["0"], [""]) else style | set(told)
        elif part:
            colour = next((COLOURS[each] for each in style if each in COLOURS), "#e6edf3")
            yield part, f'fill="{colour}"' + (' font-weight="bold"' if "1" in style else "")


def rows(text: str) -> Iterator[list[tuple[str, str]]]:
    """Lines as wide as the picture: what is longer goes on in the next, as in a terminal."""
    for line in text.splitlines():
        row: list[tuple[str, str]] = []
        room = COLUMNS
        for words, style in pieces(line):
            while words:
                row.append((words[:room], style))
                words, room = words[room:], room - len(words[:room])
                if not room and words:
                    yield row
                    row, room = [], COLUMNS
        yield row


def picture(command: str, output: str) -> str:
    """The SVG."""
    plain = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in output.splitlines()]
    summary = next(number for number, line in enumerate(plain) if re.match(r"-{3,} .* -{3,}$", line))
    text = f"$ {command}\n" + "\n".join(output.splitlines()[summary:])
    drawn = list(rows(text))
    width, height = round(COLUMNS * CHARACTER) + 2 * EDGE, len(drawn) * LINE + 2 * EDGE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
        f'<g font-family="{FONTS}" font-size="13">',
    ]
    for number, row in enumerate(drawn):
        at, spans = 0, ""
        for words, style in row:
            place = f'x="{EDGE + at * CHARACTER:.1f}" textLength="{len(words) * CHARACTER:.1f}"'
            spans += f"<tspan {place} {style}>{html.escape(words.replace(' ', BLANK))}</tspan>"
            at += len(words)
        lines.append(f'<text y="{EDGE + number * LINE + 12}">{spans}</text>')
    return "\n".join([*lines, "</g>", "</svg>", ""])


if __name__ == "__main__":
    sys.stdout.write(picture(sys.argv[1], sys.stdin.read()))
