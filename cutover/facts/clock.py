"""The server's clock: its zone, what keeps it right, and how far it is from the operator's (checklist section 1)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key

COMMANDS = {
    # The zone is what the C library makes of /etc/localtime, be it a link or a copy; without one it is UTC.
    "time-zone": Command(
        "zones=/usr/share/zoneinfo local=/etc/localtime\n"
        'echo "is $(env -u TZ date "+%Z %z")"\n'
        'echo "leads $(readlink -f $local)"\n'
        "[ -e $local ] || local=$zones/UTC\n"
        'if cmp -s "$zones/$TIME_ZONE" $local; then echo "same yes"; else echo "same no"; fi'
    ),
    "time-sync": Command(
        'if told=$(chronyc -n -c tracking 2>/dev/null); then echo "chrony $(date +%s),$told"; fi\n'
        "if told=$(ntpq -c 'rv 0 leap,sync' 2>/dev/null); then echo \"ntp $told\" | tr '\\n' ' '; echo; fi\n"
        'if told=$(timedatectl show -p NTPSynchronized --value 2>/dev/null); then echo "kernel $told"; fi\n'
        "true",
        15,
    ),
}

_CHRONY_SILENT_SECONDS = 86_400  # chrony asks every 17 minutes at least; it stays "Normal" when nobody answers it
_CHRONY_FIELDS = 15  # of `chronyc -c tracking`, after our own date
_SECONDS = re.compile(r"\d{1,18}(\.\d+)?")
_UNSYNCHRONISED = "Not synchronised"


@dataclass(frozen=True, slots=True)
class TimeZone:
    """``name`` is the zone file that is in effect, ``told`` what ``date`` makes of it (``JST +0900``).

    ``as_declared`` tells whether it holds what the declared zone's file holds: a zone has several names.
    """

    name: str
    told: str
    as_declared: bool
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> TimeZone:
        """Read what /etc/localtime leads to."""
        told = by_key(outputs.text("time-zone"))
        try:
            (zone,), (leads,), (same,) = told["is"], told["leads"], told["same"]
            as_declared = {"yes": True, "no": False}[same]
        except (ValueError, KeyError):
            raise ProbeError(f"{outputs.host}: date or readlink answered in an unknown form") from None
        return cls(
            name=leads.partition("/zoneinfo/")[2] or leads or "no /etc/localtime",
            told=zone,
            as_declared=as_declared,
            evidence=outputs.evidence("time-zone"),
        )


@dataclass(frozen=True, slots=True)
class Clock:
    """``synchronised`` is the word of whatever keeps the clock, by its name: chrony, ntp, or the kernel's flag.

    ``ahead_seconds`` is the host's clock minus the operator's, ``uncertain_seconds`` how far the truth may be from
    that: all of the visit that was spent on the way, connecting and answering.
    """

    synchronised: dict[str, bool]
    ahead_seconds: float
    uncertain_seconds: float
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs, limit: float) -> Clock:
        """Read it; ProbeError when the way was too long to tell whether the clocks are within ``limit`` seconds."""
        ahead, uncertain = _difference(outputs)
        if uncertain > limit:
            raise ProbeError(
                f"{outputs.host}: the way there took {2 * uncertain:.1f} s, too long to compare clocks",
                "verify from a place that is nearer, or declare a larger limits.clock_skew_seconds",
            )
        return cls(
            synchronised=_synchronised(outputs),
            ahead_seconds=ahead,
            uncertain_seconds=uncertain,
            evidence=outputs.evidence("time-sync"),
        )


def ahead_seconds(outputs: Outputs) -> float:
    """The host's clock minus the operator's, in seconds; ProbeError when the visit does not tell."""
    return _difference(outputs)[0]


def _difference(outputs: Outputs) -> tuple[float, float]:
    """The visit began after it was sent off and ended before its answer was there: that bounds the difference."""
    if outputs.cut:
        raise ProbeError(f"{outputs.host}: {outputs.cut}", "look why it hangs")
    visited = [output for output in outputs.outputs.values() if output.began]
    if not visited or not outputs.sent:
        raise ProbeError(f"{outputs.host}: the visit does not tell when it was")
    most = min(output.began for output in visited) - outputs.sent
    least = max(output.began + output.seconds for output in visited) - outputs.answered
    return (most + least) / 2, abs(most - least) / 2


def _synchronised(outputs: Outputs) -> dict[str, bool]:
    """The first of those that answer counts: the others may not know of it."""
    told = by_key(outputs.text("time-sync"))
    if told["chrony"]:
        fields = told["chrony"][0].split(",")
        if len(fields) != _CHRONY_FIELDS or not all(_SECONDS.fullmatch(fields[at]) for at in (0, 4)):
            raise ProbeError(f"{outputs.host}: chronyc answered in an unknown form")
        silent = float(fields[0]) - float(fields[4])
        return {"chrony": fields[-1] != _UNSYNCHRONISED and silent < _CHRONY_SILENT_SECONDS}
    if told["ntp"] and (state := re.search(r"\bleap_?\w*[=,]|\bleap_\w+", told["ntp"][0])):
        return {"ntp": "leap_alarm" not in told["ntp"][0] and "leap=11" not in told["ntp"][0] and bool(state)}
    if told["kernel"] and told["kernel"][0] in ("yes", "no"):
        return {"kernel": told["kernel"][0] == "yes"}
    raise ProbeError(
        f"{outputs.host}: neither chrony nor ntp nor timedatectl tells whether the clock is synchronised",
        "sudo apt-get install chrony",
    )
