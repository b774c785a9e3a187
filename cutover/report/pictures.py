"""Pictures of measured times, as SVG text that stands by itself: no script, no font, no meaning by colour alone.

Each is a pure function from facts. It may be put into a page as it is: all text is escaped, and styles are attributes,
so that two pictures do not dress each other. Screen readers are told the title, and then what the picture shows.
"""

from __future__ import annotations

import hashlib
import math
from bisect import bisect
from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import accumulate
from typing import NamedTuple
from unicodedata import east_asian_width

from cutover.facts.latency import Series
from cutover.facts.load import Load, Sample

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 76, 48
TITLE, TOLD = 66, 98  # characters that fit
FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', sans-serif"
INK, FAINT, GRID = "#1f2933", "#5b6770", "#dfe4e8"
BLUE, AMBER, RED = "#1d5fa8", "#a65b00", "#b3261e"  # each against white with a contrast of 4.5 or more


class Axis(NamedTuple):
    """From values to pixels, evenly or by powers of ten."""

    low: float
    high: float
    start: float
    end: float
    by_tens: bool = False

    def at(self, value: float) -> float:
        """The pixel of a value; what lies beyond an end stands at the end."""
        value = min(max(value, self.low), self.high)
        low, high = self.low, self.high
        if self.by_tens:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        return round(self.start + (self.end - self.start) * (value - low) / (high - low), 1)

    def ticks(self, steps: int = 5) -> list[float]:
        """Round values between the ends, so many steps apart at most; by tens, 1, 2 and 5 of each power."""
        if self.by_tens:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            found = [digit * 10.0**power for power in powers for digit in (1, 2, 5)]
            inside = [value for value in found if self.low * 0.999 <= value <= self.high * 1.001]
            return inside if len(inside) < 10 else inside[::3]
        step = _round_up((self.high - self.low) / steps)
        return [self.low + step * n for n in range(int((self.high - self.low) / step * 1.001) + 1)]


def distribution(title: str, answers: Sequence[float], limit: float, *, share: float = 0.95) -> str:
    """Which share of all answers was there after how many seconds, with the limit and the share that was promised."""
    ordered = sorted(max(seconds, 1e-6) for seconds in answers)
    if not ordered:
        return _empty(title)
    within = sum(seconds <= limit for seconds in ordered)
    quantile = ordered[math.ceil(share * len(ordered)) - 1]
    told = (
        f"{within} of {len(ordered)} answers within the limit of {seconds_(limit)}; "
        f"median {seconds_(ordered[(len(ordered) - 1) // 2])}, p{share * 100:g} {seconds_(quantile)}, "
        f"slowest {seconds_(ordered[-1])}"
    )
    low, high = _tens(min(ordered[0], limit), max(ordered[-1], limit))
    x = Axis(low, high, LEFT, WIDTH - RIGHT, by_tens=True)
    y = Axis(0, 1, HEIGHT - BOTTOM, TOP)
    steps = [f"M{x.at(ordered[0])} {y.at(0)}"]
    for number, seconds in enumerate(ordered, 1):
        steps.append(f"H{x.at(seconds)}V{y.at(number / len(ordered))}")
    steps.append(f"H{x.end}")
    beyond = x.at(limit)
    parts = [
        # Beyond the limit: hatched, for whoever sees or prints no colour.
        f'<path d="M{beyond} {TOP}H{x.end}V{y.at(0)}H{beyond}Z" fill="url(#{{id}}-hatch)"/>',
        *_frame(x, y, seconds_, lambda value: f"{value * 100:.0f} %"),
        _line(x.start, y.at(share), x.end, y.at(share), FAINT, dashed="2 4"),
        _text(x.start + 6, y.at(share) + 14, f"{share * 100:g} % promised", FAINT),
        f'<path d="{"".join(steps)}" fill="none" stroke="{BLUE}" stroke-width="2.5" stroke-linejoin="round"/>',
        f'<circle cx="{x.at(quantile)}" cy="{y.at(share)}" r="4.5" fill="#fff" stroke="{BLUE}" stroke-width="2.5"/>',
        _line(beyond, TOP - 6, beyond, y.at(0), RED, width=2),
        _text(beyond, TOP - 11, f"limit {seconds_(limit)}", RED, anchor=_towards_middle(beyond), bold=True),
        _text((x.start + x.end) / 2, HEIGHT - 10, "time until the whole answer was there", FAINT, anchor="middle"),
    ]
    return _picture(title, told, parts)


def series(title: str, of: Series, limit: float) -> str:
    """The distribution of one series of a quiet host; wrong answers are not in it."""
    return distribution(title, [answer.seconds for answer in of.answers if not answer.wrong], limit)


def stage(title: str, load: Load, limit: float) -> str:
    """The distribution of a load stage; requests that failed are not in it."""
    return distribution(title, [sample.seconds for sample in load.samples if not sample.failure], limit)


def over_time(title: str, load: Load, limit: float) -> str:
    """Requests a second, p95 and failures of a load stage, moment by moment; a request counts where it began."""
    if not load.samples:
        return _empty(title)
    end = max(sample.started + sample.seconds for sample in load.samples)
    width = _round_up(max(end, 1e-3) / 40)
    slots: list[list[Sample]] = [[] for _ in range(math.floor(end / width) + 1)]
    for sample in load.samples:
        slots[math.floor(sample.started / width)].append(sample)
    rates = [len(slot) / width for slot in slots]
    failed = [sum(bool(sample.failure) for sample in slot) / width for slot in slots]
    p95 = [_p95(slot) for slot in slots]
    total = sum(bool(sample.failure) for sample in load.samples)
    told = (
        f"{len(load.samples)} requests in {seconds_(end)}, {total} failed; at most {max(rates):.3g} requests a second; "
        f"p95 at worst {seconds_(max(filter(None, p95), default=0.0))}"
    )
    x = Axis(0, width * len(slots), LEFT, WIDTH - RIGHT)
    upper, lower = TOP + (HEIGHT - TOP - BOTTOM) * 0.46, TOP + (HEIGHT - TOP - BOTTOM) * 0.56
    above = Axis(0, _round_up(max(rates)), upper, TOP)
    below = Axis(0, _round_up(max([limit, *filter(None, p95)])), HEIGHT - BOTTOM, lower)
    parts = [
        *_frame(None, above, None, lambda value: f"{value:g}", steps=2),
        *_frame(x, below, seconds_, seconds_, steps=2),
        _text(x.start + 6, TOP - 8, "bars: requests a second · crossed: those that failed", FAINT),
        _text(x.start + 6, lower - 6, "line: p95 of the answers", FAINT),
    ]
    for number, (rate, bad) in enumerate(zip(rates, failed, strict=True)):
        left, right = x.at(number * width) + 0.5, x.at((number + 1) * width) - 0.5
        for value, fill in ((rate, "#9dbfe3"), (bad, "url(#{id}-cross)")):
            if value:
                parts.append(
                    f'<rect x="{left:.1f}" y="{above.at(value)}" width="{max(right - left, 0.8):.1f}" '
                    f'height="{above.start - above.at(value):.1f}" fill="{fill}"/>'
                )
    parts.append(_line(x.start, below.at(limit), x.end, below.at(limit), RED, width=1.5, dashed="6 4"))
    parts.append(_text(x.end, below.at(limit) - 5, f"limit {seconds_(limit)}", RED, anchor="end", bold=True))
    points = [(x.at((n + 0.5) * width), below.at(value)) for n, value in enumerate(p95) if value is not None]
    path = "M" + "L".join(f"{left} {top}" for left, top in points)
    parts.append(f'<path d="{path}" fill="none" stroke="{BLUE}" stroke-width="2.5" stroke-linejoin="round"/>')
    parts += [f'<circle cx="{left}" cy="{top}" r="2.6" fill="{BLUE}"/>' for left, top in points]
    parts.append(_text((x.start + x.end) / 2, HEIGHT - 10, "time since the first request", FAINT, anchor="middle"))
    return _picture(title, told, parts)


class Step(NamedTuple):
    """One step of a ramp: how many users, requests a second that came back right, p95 in seconds, failed requests."""

    users: int
    rate: float
    p95: float
    failures: int


def ramp(title: str, steps: Sequence[Step], limit: float) -> str:
    """What came back at each step of users, and the last step that kept the promise: the knee."""
    if not steps:
        return _empty(title)
    kept = [step for step in steps if step.p95 <= limit and not step.failures]
    broken = next((step for step in steps if step not in kept), None)
    before = [step for step in kept if broken is None or step.users < broken.users]
    knee = before[-1] if before else None
    told = "; ".join(
        [
            f"the promise held up to {knee.users} users, with {knee.rate:.3g} requests a second"
            if knee
            else "the promise did not hold at any step",
            f"at {broken.users} users p95 was {seconds_(broken.p95)}, and {broken.failures} requests failed"
            if broken
            else "it was not broken at any step",
        ]
    )
    x = Axis(0, _round_up(max(step.users for step in steps)), LEFT, WIDTH - RIGHT - 40)
    left = Axis(0, _round_up(max(max(step.rate for step in steps), 1e-9)), HEIGHT - BOTTOM, TOP)
    right = Axis(0, _round_up(max([limit, *(step.p95 for step in steps)])), HEIGHT - BOTTOM, TOP)
    parts = [
        *_frame(x, left, lambda value: f"{value:g}", lambda value: f"{value:g}"),
        *(_text(x.end + 8, right.at(tick) + 4, seconds_(tick), AMBER) for tick in right.ticks()),
        _line(x.start, right.at(limit), x.end, right.at(limit), RED, width=1.5, dashed="6 4"),
        _text(x.end - 4, right.at(limit) - 5, f"limit {seconds_(limit)}", RED, anchor="end", bold=True),
    ]
    if knee:
        at = x.at(knee.users)
        parts.append(_line(at, TOP, at, left.start, INK, width=1.5, dashed="1 3"))
        parts.append(_text(at, TOP - 8, f"knee: {knee.users} users", INK, anchor=_towards_middle(at), bold=True))
    for colour, axis, values, mark in (
        (BLUE, left, [step.rate for step in steps], "circle"),
        (AMBER, right, [step.p95 for step in steps], "square"),
    ):
        points = [(x.at(step.users), axis.at(value)) for step, value in zip(steps, values, strict=True)]
        dash = ' stroke-dasharray="7 3"' if mark == "square" else ""
        path = "M" + "L".join(f"{across} {down}" for across, down in points)
        parts.append(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2.5"{dash}/>')
        for (across, down), step in zip(points, steps, strict=True):
            fill = "#fff" if step.failures else colour
            shape = (
                f'<circle cx="{across}" cy="{down}" r="4.5"'
                if mark == "circle"
                else f'<rect x="{across - 4}" y="{down - 4}" width="8" height="8"'
            )
            parts.append(f'{shape} fill="{fill}" stroke="{colour}" stroke-width="2"/>')
    note = "users at a time · round: right answers a second (left) · square: p95 (right)"
    note += " · hollow: requests failed" if any(step.failures for step in steps) else ""
    parts.append(_text((x.start + x.end) / 2, HEIGHT - 10, note, FAINT, anchor="middle"))
    return _picture(title, told, parts)


def seconds_(value: float) -> str:
    """Seconds as a person writes them: 250 ms, 1.5 s."""
    return f"{value:.3g} s" if value >= 1 or value == 0 else f"{value * 1000:.3g} ms"


def _p95(slot: Iterable[Sample]) -> float | None:
    ordered = sorted(sample.seconds for sample in slot if not sample.failure)
    return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else None


def _round_up(value: float) -> float:
    """The next of 1, 2, 5 and their tenfolds."""
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= value * 0.999999)


def _tens(low: float, high: float) -> tuple[float, float]:
    """Round ends around two values, with some air, and at least a power of ten apart."""
    low, high = low / 1.25, high * 1.6
    if high < 10 * low:
        low = high / 10
    return low, high


def _towards_middle(at: float) -> str:
    return "end" if at > WIDTH - 120 else "start" if at < 120 else "middle"


def _cut(text: str, most: int) -> str:
    """What fits; a character of Chinese or Japanese is as wide as two."""
    ends = list(accumulate(2 if east_asian_width(character) in "WF" else 1 for character in text))
    return text if not ends or ends[-1] <= most else f"{text[: bisect(ends, most - 1)]}…"


def _line(x1: float, y1: float, x2: float, y2: float, stroke: str, *, width: float = 1, dashed: str = "") -> str:
    dash = f' stroke-dasharray="{dashed}"' if dashed else ""
    return f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{stroke}" stroke-width="{width}"{dash}/>'


def _text(x: float, y: float, text: str, fill: str, *, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'


def _frame(
    x: Axis | None,
    y: Axis,
    across: Callable[[float], str] | None,
    up: Callable[[float], str],
    steps: int = 5,
) -> list[str]:
    """Grid lines and what stands at them."""
    parts = []
    for tick in y.ticks(steps):
        parts.append(_line(LEFT, y.at(tick), (x or Axis(0, 1, LEFT, WIDTH - RIGHT)).end, y.at(tick), GRID))
        parts.append(_text(LEFT - 8, y.at(tick) + 4, up(tick), FAINT, anchor="end"))
    if x and across:
        for tick in x.ticks():
            parts.append(_line(x.at(tick), y.start, x.at(tick), y.start + 4, FAINT))
            parts.append(_text(x.at(tick), y.start + 18, across(tick), FAINT, anchor="middle"))
    return parts


def _empty(title: str) -> str:
    return _picture(
        title, "nothing was measured", [_text(WIDTH / 2, HEIGHT / 2, "nothing was measured", FAINT, anchor="middle")]
    )


def _picture(title: str, told: str, parts: Iterable[str]) -> str:
    body = "\n".join(parts)
    # Ids are the page's, which may hold many pictures.
    name = "picture-" + hashlib.sha256(f"{title}{told}{body}".encode("utf-8", "replace")).hexdigest()[:12]
    body = body.replace("{id}", name)
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" width="100%" \
aria-labelledby="{name}-title {name}-desc" font-family="{escape(FONT)}" font-size="12">
<title id="{name}-title">{escape(title)}</title>
<desc id="{name}-desc">{escape(told)}</desc>
<defs>
<pattern id="{name}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">\
<line x1="0" y1="0" x2="0" y2="7" stroke="{RED}" stroke-opacity="0.22" stroke-width="2"/></pattern>
<pattern id="{name}-cross" width="5" height="5" patternUnits="userSpaceOnUse">\
<rect width="5" height="5" fill="#fff"/><path d="M0 0L5 5M5 0L0 5" stroke="{RED}" stroke-width="1.2"/></pattern>
</defs>
<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>
<text x="{LEFT}" y="22" fill="{INK}" font-size="15" font-weight="600">{escape(_cut(title, TITLE))}</text>
<text x="{LEFT}" y="41" fill="{FAINT}">{escape(_cut(told, TOLD))}</text>
{body}
</svg>
"""
