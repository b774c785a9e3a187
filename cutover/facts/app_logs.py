"""The application's own log files (checklist section 9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from cutover.errors import ProbeError
from cutover.facts.application import Application
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key, is_number

_FILES = """\
for place in "$LOG_DIR" "$APP_DIR/logs"; do readlink -f "$place" | sed 's/^/place /'; done
root find "$LOG_DIR" "$APP_DIR/logs/" -maxdepth 1 -type f -exec ls -lin --time-style=+%s {} + |
  awk '$8 ~ /\\.log$/' | sort -u -k 1,1 | head -n 200 | sed 's/^ */file /'
pids=$(root ss -ltnpH | awk -v end=":$BIND_PORT" 'substr($4, length($4) - length(end) + 1) == end' |
  grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -un | tr '\\n' ' ')
root find /proc -maxdepth 2 -name fd -exec ls -l {} + | awk -v pids="$pids" '
BEGIN { count = split(pids, list, " "); for (i = 1; i <= count; i++) asked[list[i]] = 1 }
/^\\/proc\\/[0-9]+\\/fd:$/ { split($0, part, "/"); inside = part[3] in asked }
inside && match($0, / -> \\/.*\\.log/) { print "open", substr($0, RSTART + 4) }' | sort -u | head -n 200
"""

# What went wrong is told by its class and its time alone: messages may hold anything. One without a time before
# it in the part that is read has the time of what comes next.
_TROUBLE = r"""
date '+zone %z'
root tail -v -c 262144 "$LOG_DIR/error.log" "$LOG_DIR/app.log" "$APP_DIR/logs/error.log" "$APP_DIR/logs/app.log" |
  awk '
BEGIN { day = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"; clock = "[0-9][0-9]:[0-9][0-9]:[0-9][0-9]" }
function tell(class) { if (stamp == "") undated[++waiting] = class; else print "trouble", class, stamp }
function settle(   i) { for (i = 1; i <= waiting; i++) print "trouble", undated[i], stamp; waiting = 0 }
/^==> .* <==$/ { settle(); stamp = ""; inside = 0; print "file", substr($0, 5, length($0) - 8); next }
match($0, day "[ T]" clock "([,.][0-9]+)?( ?([+-][0-9][0-9]:?[0-9][0-9]|Z))?") && RSTART <= 40 {
  stamp = substr($0, RSTART, RLENGTH); settle()
}
/Traceback \(most recent call last\)/ { inside = 1; next }
inside && /^[A-Za-z_]/ { class = $0; sub(/[^A-Za-z0-9_.].*/, "", class); tell(substr(class, 1, 80)); inside = 0 }
/WORKER TIMEOUT/ { tell("WORKER-TIMEOUT") }
/was sent SIG(KILL|SEGV|ABRT)/ { tell("WORKER-KILLED") }
END { settle(); print "end" }' | tail -n 500
"""

COMMANDS = {"app-log-files": Command(_FILES), "app-log-trouble": Command(_TROUBLE)}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A traceback or a lost worker; ``at`` is its time as an epoch, None when the log tells none."""

    what: str
    at: float | None


@dataclass(frozen=True, slots=True)
class AppLogs:
    """``written`` is when each \\*.log file was last written to, by its path; ``open`` what the processes write to.

    ``places`` are the directories that these files are looked for in, links followed.

    Times are epochs; ``started`` is the application's own start.
    """

    started: int
    written: dict[str, int]
    open: frozenset[str]
    places: frozenset[str]
    troubles: tuple[Trouble, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> AppLogs:
        """Read them beside the application; ProbeError when none runs, because then nothing says since when."""
        started = Application.read(outputs).started
        if started is None:
            raise ProbeError(f"{outputs.host}: nothing is on the application's port", "start the application first")
        files = by_key(outputs.text("app-log-files"))
        written = {}
        for line in files["file"]:
            words = line.split(None, 7)
            if len(words) != 8 or not is_number(words[6]):
                raise ProbeError(f"{outputs.host}: ls told of the log files in an unknown form")
            written[words[7]] = int(words[6])
        told = by_key(outputs.text("app-log-trouble"))
        zone = "".join(told["zone"])
        if "end" not in told or not re.fullmatch(r"[+-]\d{4}", zone):
            raise ProbeError(f"{outputs.host}: the log files were told of in an unknown form")
        troubles = []
        for line in told["trouble"]:
            what, _, stamp = line.partition(" ")
            troubles.append(Trouble(what, _epoch(stamp, zone) if stamp else None))
        return cls(
            started=started,
            written=written,
            open=frozenset(files["open"]),
            places=frozenset(files["place"]),
            troubles=tuple(dict.fromkeys(troubles)),
            evidence=outputs.evidence("app-log-files", "app-log-trouble"),
        )

    @property
    def astray(self) -> frozenset[str]:
        """What the processes write to where nobody looks: renamed or deleted files, or all when none is in place."""
        if not any(path.rpartition("/")[0] in self.places for path in self.open):
            return self.open
        return frozenset(path for path in self.open if not path.endswith(".log"))

    @property
    def since_start(self) -> tuple[Trouble, ...]:
        """What happened in this life of the application; what has no time may have."""
        return tuple(trouble for trouble in self.troubles if trouble.at is None or trouble.at >= self.started)


def _epoch(stamp: str, zone: str) -> float | None:
    found = re.fullmatch(r"([\d-]{10})[ T]([\d:]{8})(?:[,.]\d+)? ?([+-]\d\d:?\d\d|Z)?", stamp)
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or zone}").timestamp() if found else None
    except ValueError:
        return None
