"""The memory of the application before, during and after load (checklist section 13)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs

Part = Literal["before", "load", "after"]

# Beside the load, for as long as its standard input (4 is what the visit came with) stays open: what comes there are
# marks. It tells of whoever held the application's port at its begin, without process 1, and of their descendants.
# ps and find see other moments: a process that only one of them tells of is not counted. 5 is heard at once: it tells
# the operator that the load may begin, and which mark has come: cat may be stopped with one in its hands.
_SAMPLES = r"""
holders=$(root ss -ltnpH | awk -v end=":$BIND_PORT" 'substr($4, length($4) - length(end) + 1) == end' |
  grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -un | grep -vx 1 | head -n 200 | tr '\n' ' ')
echo "holders $holders"
left=2400
while [ $left -gt 0 ]; do
  {
    cat /proc/uptime /proc/meminfo
    ps -eo pid=,ppid=
    root find /proc -maxdepth 2 -name smaps_rollup -exec grep -H ^Pss: {} +
  } | awk -v holders="$holders" '
NR == 1 { now = $1 }
/^MemAvailable:/ { available = $2 }
/^ *[0-9]+ +[0-9]+$/ { parent[$1] = $2 }
/^\/proc\/[0-9]+\/smaps_rollup:Pss:/ { split($1, path, "/"); pss[path[3]] = $2 }
END {
  count = split(holders, pids, " ")
  for (i = 1; i <= count; i++) tree[pids[i]] = 1
  do {
    more = 0
    for (pid in parent) if (!(pid in tree) && parent[pid] in tree) { tree[pid] = 1; more = 1 }
  } while (more)
  printf "sample %s %s", now, available
  for (pid in tree) if (pid in parent && pid in pss) printf " %s/%s", pid, pss[pid]
  print ""
}'
  [ $left -lt 2400 ] || echo begun >&5
  said=$(timeout 0.25 cat <&4)
  ended=$?
  [ -z "$said" ] || { printf 'mark %s\n' $said; printf 'heard %s\n' $said >&5; }
  [ $ended -eq 124 ] || { echo stopped; exit 0; }
  left=$((left - 1))
done
echo 'too long'
"""

DURING = {"load-memory": Command(_SAMPLES, seconds=900, each=10, live=True)}

MARKS: tuple[Part, Part] = ("load", "after")


@dataclass(frozen=True, slots=True)
class MemorySample:
    """One moment: ``at`` in seconds since the host's boot, the bytes of PSS by process, those available to any."""

    part: Part
    at: float
    available_bytes: int
    pss_bytes: dict[int, int]

    @property
    def used_bytes(self) -> int:
        """PSS of all the application's processes: shared pages count once."""
        return sum(self.pss_bytes.values())


@dataclass(frozen=True, slots=True)
class LoadMemory:
    """All samples of one load, in order."""

    samples: tuple[MemorySample, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> LoadMemory:
        """Read them; ProbeError when one part of the load was not seen, or the application in one of them."""
        lines = outputs.text("load-memory").splitlines()
        if "stopped" not in lines:
            raise ProbeError(f"{outputs.host}: its memory was not watched to the end of the load")
        part: Part = "before"
        samples = []
        for line in lines:
            if (mark := line.removeprefix("mark ")) != line and mark in MARKS:
                part = mark
            elif line.startswith("sample "):
                samples.append(_sample(outputs.host, part, line))
        if {sample.part for sample in samples} != {"before", "load", "after"}:
            raise ProbeError(f"{outputs.host}: its memory was not seen before, during and after the load")
        if not all(sample.pss_bytes for sample in samples):
            raise ProbeError(
                f"{outputs.host}: nothing was on the application's port, or the kernel does not tell its memory",
                "start the application first",
            )
        told = cls(tuple(samples), ())
        summary = "; ".join(
            f"{name} {bytes_ / 2**20:.1f} MiB"
            for name, bytes_ in (
                ("before", told.before.used_bytes),
                ("peak", told.peak.used_bytes),
                ("after", told.after.used_bytes),
                ("least available", told.least_available_bytes),
            )
        )
        asked = outputs.evidence("load-memory")[0]
        return cls(told.samples, (Evidence(asked.asked, asked.at, f"{len(samples)} samples: {summary}"),))

    @property
    def before(self) -> MemorySample:
        """Of the samples before the load, the one with the least memory in use."""
        return self._least("before")

    @property
    def peak(self) -> MemorySample:
        """The sample with the most memory in use."""
        return max(self.samples, key=lambda sample: sample.used_bytes)

    @property
    def after(self) -> MemorySample:
        """Of the samples after the load, the one with the least memory in use."""
        return self._least("after")

    def _least(self, part: Part) -> MemorySample:
        return min((each for each in self.samples if each.part == part), key=lambda sample: sample.used_bytes)

    @property
    def least_available_bytes(self) -> int:
        """What was available to any process when it was least."""
        return min(sample.available_bytes for sample in self.samples)

    @property
    def grown_bytes(self) -> int:
        """How much more is in use after the load; ProbeError when processes were replaced, for new ones are small."""
        first, last = self.samples[0].pss_bytes, self.samples[-1].pss_bytes
        if gone := set(first) - set(last):
            raise ProbeError(
                f"{len(gone)} of the application's {len(first)} processes ended under load, and with them what they "
                "may have grown by",
                "verify again; gunicorn replaces workers by max_requests: with a higher one, or none, growth is seen",
            )
        return self.after.used_bytes - self.before.used_bytes


def _sample(host: str, part: Part, line: str) -> MemorySample:
    found = re.fullmatch(r"sample (\d+\.\d+) (\d+)((?: \d+/\d+)*)", line)
    if not found:
        raise ProbeError(f"{host}: its memory was told of in an unknown form")
    rows = [map(int, word.split("/")) for word in found[3].split()]
    return MemorySample(
        part=part,
        at=float(found[1]),
        available_bytes=1024 * int(found[2]),
        pss_bytes={pid: 1024 * kilobytes for pid, kilobytes in rows},
    )
