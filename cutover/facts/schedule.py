"""How often a schedule comes round: the longest wait between two runs, of crontab fields and systemd timers."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

NEVER = float("inf")
DAY = 24 * 60

_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_SPANS = {
    "us": 1e-6 / 60,
    "ms": 1e-3 / 60,
    "s": 1 / 60,
    "min": 1,
    "h": 60,
    "d": DAY,
    "w": 7 * DAY,
    "month": 30.44 * DAY,
}


@lru_cache(maxsize=512)
def longest_wait(fields: str, *, both: bool = False) -> float:
    """Minutes between two runs at most, by a crontab's five fields or its nickname.

    ``both``: the day of the month and that of the week must hold, as in systemd; in cron either will do.
    ``NEVER`` for @reboot and for a day that does not come; ValueError for what cron does not understand.
    """
    if fields == "@reboot":
        return NEVER
    minute, hour, month_day, month, weekday = _NICKNAMES.get(fields, fields).split()
    times = sorted(h * 60 + m for h in _values(hour, 0, 23) for m in _values(minute, 0, 59))
    months, month_days = _values(month, 1, 12, _MONTHS), _values(month_day, 1, 31)
    weekdays = {day % 7 for day in _values(weekday, 0, 7, _WEEKDAYS)}
    # With a star in one of the two, both must hold; otherwise either does.
    both = both or month_day.startswith("*") or weekday.startswith("*")
    days = []
    for number in range(4 * 366):
        day = date(2024, 1, 1) + timedelta(days=number)
        of_month, of_week = day.day in month_days, day.isoweekday() % 7 in weekdays
        if day.month in months and (of_month and of_week if both else of_month or of_week):
            days.append(number)
    if len(days) < 2:
        return NEVER
    over_night = max(later - earlier for earlier, later in pairwise(days)) * DAY - times[-1] + times[0]
    return float(max([over_night, *(later - earlier for earlier, later in pairwise(times))]))


def _values(field: str, least: int, most: int, names: list[str] | None = None) -> set[int]:
    found: set[int] = set()
    for part in field.lower().split(","):
        shape = re.fullmatch(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if not shape:
            raise ValueError(f"{part!r} is no field of a crontab")
        star, first, last, step = shape.groups()
        begin = least if star else _number(first, names, least)
        end = most if star or (step and not last) else _number(last or first, names, least)
        if not (least <= begin <= end <= most) or step == "0":
            raise ValueError(f"{part!r} is not between {least} and {most}")
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


def _number(text: str, names: list[str] | None, least: int) -> int:
    if names and text in names:
        return names.index(text) + least
    if not text.isdigit():
        raise ValueError(f"{text!r} is no number")
    return int(text)


def longest_wait_of_timer(calendar: list[str], monotonic: list[str]) -> float:
    """The same of a timer, by its ``OnCalendar`` in systemd's normal form and its monotonic settings.

    ValueError for a calendar this does not understand.
    """
    waits = [_calendar(entry) for entry in calendar]
    for entry in monotonic:
        name, _, span = entry.partition("=")
        if name in ("OnUnitActiveUSec", "OnUnitInactiveUSec"):
            waits.append(
                sum(float(n) * _SPANS[unit] for n, unit in re.findall(r"([\d.]+)(us|ms|min|month|[shdw])", span))
            )
    return min(waits, default=NEVER)


def _calendar(entry: str) -> float:
    """``Mon..Fri *-*-01 00,12:00/5:00 Asia/Tokyo`` as the crontab's fields that mean the same."""
    shape = re.fullmatch(
        r"(?:([A-Za-z,.]+) )?(?:\*-([\d*/,.]+)-([\d*/,.~]+) )?([\d*/,.]+):([\d*/,.]+):[\d*/,.]+(?: .+)?", entry
    )
    if not shape:
        raise ValueError(f"{entry!r} is a calendar this does not understand")
    weekday, month, month_day, hour, minute = (part or "*" for part in shape.groups())
    fields = (minute, hour, month_day, month, weekday)
    return longest_wait(" ".join(re.sub(r"\b0(?=\d)", "", field).replace("..", "-") for field in fields), both=True)
