"""Until when the server's release gets security updates (checklist section 1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from cutover.errors import ProbeError
from cutover.facts.evidence import Evidence, Outputs
from cutover.facts.lines import is_number
from cutover.facts.system import OperatingSystem

# The last day of security updates that everybody gets, and the last day for subscribers (Ubuntu Pro's ESM, Freexian's
# ELTS). Source: debian.csv (eol-lts, eol-elts) and ubuntu.csv (eol-server or eol, eol-esm) of Debian's package
# distro-info-data, as of its edition with Ubuntu 26.04 and Debian 13; they follow https://wiki.debian.org/LTS and
# https://wiki.ubuntu.com/Releases. Debian's dates are those of LTS, which comes by the same sources.
_SUPPORT: dict[tuple[str, tuple[int, ...]], tuple[str, str]] = {
    ("debian", (9,)): ("2022-06-30", "2027-06-30"),
    ("debian", (10,)): ("2024-06-30", "2029-06-30"),
    ("debian", (11,)): ("2026-08-31", "2031-06-30"),
    ("debian", (12,)): ("2028-06-30", "2033-06-30"),
    ("debian", (13,)): ("2030-06-30", "2035-06-30"),
    ("ubuntu", (18, 4)): ("2023-05-31", "2028-04-26"),
    ("ubuntu", (20, 4)): ("2025-05-29", "2030-04-23"),
    ("ubuntu", (20, 10)): ("2021-07-22", ""),
    ("ubuntu", (21, 4)): ("2022-01-20", ""),
    ("ubuntu", (21, 10)): ("2022-07-14", ""),
    ("ubuntu", (22, 4)): ("2027-06-01", "2032-04-21"),
    ("ubuntu", (22, 10)): ("2023-07-20", ""),
    ("ubuntu", (23, 4)): ("2024-01-25", ""),
    ("ubuntu", (23, 10)): ("2024-07-11", ""),
    ("ubuntu", (24, 4)): ("2029-05-31", "2034-04-25"),
    ("ubuntu", (24, 10)): ("2025-07-10", ""),
    ("ubuntu", (25, 4)): ("2026-01-15", ""),
    ("ubuntu", (25, 10)): ("2026-07-09", ""),
    ("ubuntu", (26, 4)): ("2031-05-29", "2036-04-23"),
}

# Where subscribers get their updates from.
_SUBSCRIPTIONS = (
    "https://esm.ubuntu.com/infra",
    "https://deb.freexian.com/extended-lts",
    "http://deb.freexian.com/ext",
)


@dataclass(frozen=True, slots=True)
class Support:
    """``until`` is the last day of security updates by the sources that the server has, ``today`` its own day."""

    release: str
    until: date
    today: date
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Support:
        """Look the release up; ProbeError for one that the table does not know."""
        system = OperatingSystem.read(outputs)
        dates = _SUPPORT.get((system.id, system.version))
        if dates is None:
            raise ProbeError(
                f"{outputs.host}: cutover's table knows no end of support of {system.name}",
                "look it up, and add it to cutover/facts/releases.py",
            )
        subscribed = any(line.startswith(_SUBSCRIPTIONS) for line in outputs.text("apt-sources").splitlines())
        return cls(
            release=system.name,
            until=date.fromisoformat(dates[1] if subscribed and dates[1] else dates[0]),
            today=datetime.fromtimestamp(now(outputs), UTC).date(),
            evidence=outputs.evidence("os-release", "apt-sources"),
        )


LATEST = 253_402_300_799  # the end of the year 9999, where Python's calendar ends


def end_for_everybody(system: OperatingSystem) -> date | None:
    """The last day of security updates without a subscription; None for a release that the table does not know."""
    dates = _SUPPORT.get((system.id, system.version))
    return date.fromisoformat(dates[0]) if dates else None


def now(outputs: Outputs) -> int:
    """The host's own clock when it was looked at (Unix time)."""
    told = outputs.text("now").strip()
    if not is_number(told) or int(told) > LATEST:
        raise ProbeError(f"{outputs.host}: date answered in an unknown form")
    return int(told)
