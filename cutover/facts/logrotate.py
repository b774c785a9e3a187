"""How logs are rotated: what logrotate says it would do, and what its configuration says of age and compression."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key, is_number

# -d changes nothing and tells everything on standard error, of which a visit keeps little.
COMMANDS = {
    "logrotate": Command(
        r"""told=$(root logrotate -d /etc/logrotate.conf 2>&1)
rc=$?
refusal "$told"
printf '%s\n' "$told" | grep -avE '^(Creating new state|Reading state|reading config|including|empty log|  |$)'
[ $rc -lt 126 ] || { printf '%s\n' "$told" | head -n 1 >&2; exit $rc; }
exit 0"""
    ),
    "logrotate-conf": Command("head -v -c 65536 /etc/logrotate.conf /etc/logrotate.d/*[!~]"),
    "log-files": Command('root find /var/log/nginx "$LOG_DIR" -maxdepth 1 -type f | head -n 500'),
    "logrotate-runs": Command(
        r"""echo "now $(date +%s)"
echo "up $(cut -d. -f1 /proc/uptime)"
for file in /var/lib/logrotate/status /var/lib/logrotate.status /var/lib/logrotate/logrotate.status; do
  stat -c 'run %Y' "$file" 2>/dev/null
done
systemctl show logrotate.timer -p ActiveState -p UnitFileState | tr '=' ' '
[ -d /run/systemd/system ] || [ ! -x /etc/cron.daily/logrotate ] || echo "cron daily"
exit 0"""
    ),
}

_DAYS = {"hourly": 1 / 24, "daily": 1.0, "weekly": 7.0, "monthly": 30.0, "yearly": 365.0}
_ROTATED = re.compile(r"([.-]\d{8}(-\d+)?|\.\d+)(\.(gz|xz|bz2|zst))?$|\.(gz|xz|bz2|zst|old|1)$")

# A pattern may go over several lines; behind it stand how often and, next to it (to 3.21) or after some words on
# empty and large files, how many are kept; below, what it matches.
_RULE = re.compile(
    r"^rotating pattern: ((?:(?!\nrotating pattern:)[^(])*?)\s+(after \d+ days|hourly|weekly|monthly|yearly|\d+ bytes)"
    r"\s[^(]*\((\d+ rotations|no old logs will be kept)\)(.*(?:\n(?!rotating pattern:).*)*)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern of the configuration: how many days its old logs are kept, the files it matches now, and
    whether old logs are compressed. ``keeps_days`` is None where size and not time decides."""

    pattern: str
    keeps_days: float | None
    files: frozenset[str]
    compressed: bool


@dataclass(frozen=True, slots=True)
class Logrotate:
    """``errors`` is what logrotate complains of; ``files`` are the live logs of nginx and the application.

    ``last_run`` and ``now`` are seconds since 1970, ``up_seconds`` the age of the boot.
    """

    errors: tuple[str, ...]
    rules: tuple[Rule, ...]
    files: frozenset[str]
    scheduled: bool
    last_run: int | None
    now: int
    up_seconds: int
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Logrotate:
        """Read logrotate's own account; ProbeError when it gives none."""
        told = outputs.text("logrotate")
        found = _RULE.findall(told)
        # A host on which it never ran has no state file, which older versions complain of.
        errors = tuple(re.findall(r"(?m)^error: (?!error opening state file .*No such file)(.*)$", told))
        if not found and not errors:
            raise ProbeError(f"{outputs.host}: logrotate answered in an unknown form")
        skipped = set(re.findall(r'(?m)^error: skipping "(.*?)"', told))
        compressed: dict[str, bool] = {}
        everywhere = False
        # The main file comes first, and what it says of all holds for the others.
        for text in re.split(r"(?m)^==> /\S+ <==$", outputs.text("logrotate-conf"))[1:]:
            everywhere = _read_compression(text, everywhere, compressed)
        rules = [
            Rule(
                pattern=pattern,
                keeps_days=_days(when, kept),
                files=frozenset(re.findall(r"(?m)^considering log (.*)$", considered)) - skipped,
                compressed=compressed.get(" ".join(pattern.split()), False),
            )
            for pattern, when, kept, considered in found
        ]
        runs = by_key(outputs.text("logrotate-runs"))
        if not (runs["now"] and runs["up"]) or not all(map(is_number, (runs["now"][0], runs["up"][0], *runs["run"]))):
            raise ProbeError(f"{outputs.host}: the server does not tell its time")
        timer = runs["ActiveState"] == ["active"] and runs["UnitFileState"] == ["enabled"]
        return cls(
            errors=errors,
            rules=tuple(rules),
            files=frozenset(file for file in outputs.text("log-files").splitlines() if not _ROTATED.search(file)),
            scheduled=timer or bool(runs["cron"]),
            last_run=max(map(int, runs["run"]), default=None),
            now=int(runs["now"][0]),
            up_seconds=int(runs["up"][0]),
            evidence=outputs.evidence(*COMMANDS),
        )

    def rule_of(self, file: str) -> Rule | None:
        """The rule that rotates a file."""
        return next((rule for rule in self.rules if file in rule.files), None)


def _days(when: str, kept: str) -> float | None:
    """``after 1 days (30 rotations)``, ``weekly (4 rotations)``, ``1048576 bytes (5 rotations)``."""
    when = when.strip()
    count = re.match(r"(\d{1,9}) rotations", kept)
    rotations = int(count[1]) if count else 0  # "no old logs will be kept"
    if span := re.fullmatch(r"after (\d{1,9}) days", when):
        return int(span[1]) * rotations
    return _DAYS[when] * rotations if when in _DAYS else None


def _read_compression(text: str, everywhere: bool, found: dict[str, bool]) -> bool:
    """Note by pattern whether it compresses; tell what holds for the blocks after this file.

    What stands outside every block holds for those after it. The last block may end with the file.
    """
    text = re.sub(
        r"(?ms)^[ \t]*(postrotate|prerotate|firstaction|lastaction|preremove)\b.*?^[ \t]*endscript[ \t]*$", "", text
    )
    text = re.sub(r"(?m)^[ \t]*#.*$", "", text)
    for head, block in re.findall(r"(?:\A|(?<=[{}]))([^{}]*)\{([^{}]*)(?:\}|\Z)", text):
        for word in re.findall(r"(?m)^[ \t]*(compress|nocompress)[ \t]*$", head):
            everywhere = word == "compress"
        pattern = " ".join(re.sub(r"(?ms).*^\s*[a-z].*?$", "", head).split())
        own = re.findall(r"(?m)^[ \t]*(compress|nocompress)\b", block)
        found[pattern] = own[-1] == "compress" if own else everywhere
    outside = text.rpartition("}")[2] if "{" in text else text
    for word in re.findall(r"(?m)^[ \t]*(compress|nocompress)[ \t]*$", outside):
        everywhere = word == "compress"
    return everywhere
