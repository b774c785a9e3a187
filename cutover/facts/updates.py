"""Package sources, pending security updates and who installs them (checklist section 1)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key
from cutover.facts.releases import end_for_everybody, now
from cutover.facts.system import OperatingSystem

# apt run by root would write its cache.
_AS_NOBODY = """\
as_nobody() {
  if [ "$(id -u)" -eq 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}
"""

# The packages that `apt list --upgradable` tells, held ones too, in the form of `apt-cache policy`: those whose
# candidate stands above the installed version. That list alone takes several times as long: it reads every package
# there is. `all` counts what was answered, so that nothing goes missing.
_UPGRADABLE = (
    _AS_NOBODY
    + r"""names=$(dpkg-query -W -f '${db:Status-Status} ${binary:Package}\n' |
  sed '/^not-installed /d; /^config-files /d; s/^[^ ]* //') || exit
found=$(as_nobody apt-cache policy $names) || exit
printf '%s\n' "$found" | awk -v asked="$(printf '%s\n' "$names" | wc -l)" '
function end() { if (newer) { count++; told = told text } }
/^[^ ]/ { end(); all++; text = ""; newer = above = 0 }
{ text = text $0 "\n" }
/^  Installed: / { above = $2 != "(none)" }
/^  Candidate: / { candidate = $2 }
/^ \*\*\* / { above = 0 }
above && /^     [^ ]/ && $1 == candidate { newer = 1 }
END {
  end()
  if (all != asked) { print "apt-cache policy told of " all + 0 " packages of " asked | "cat >&2"; exit 1 }
  printf "upgradable %d\n%s", count, told
}'
"""
)

COMMANDS = {
    "now": Command("date +%s"),
    "apt-sources": Command(
        "found=$(apt-get indextargets --format '$(REPO_URI)|$(ORIGIN)|$(LABEL)|$(SUITE)|$(CODENAME)|$(COMPONENT)'"
        " 'Created-By: Packages') || exit\n"
        'echo "$found" | sort -u | head -n 500'
    ),
    "apt-lists": Command(
        "find /var/lib/apt/lists /var/lib/apt/periodic -maxdepth 1 -type f"
        r" \( -name '*Release' -o -name update-success-stamp \) -printf '%T@ %f\n' | head -n 500"
    ),
    "apt-upgradable": Command(_UPGRADABLE, 30),
    "apt-config": Command(
        "found=$(apt-config dump) || exit\necho \"$found\" | grep -iE '^(APT::Periodic|Unattended-Upgrade)::'\necho end"
    ),
    "apt-timers": Command(
        "echo \"package $(dpkg-query -W -f '${db:Status-Status}' unattended-upgrades 2>/dev/null)\"\n"
        "[ -d /run/systemd/system ] || exit 0\n"
        "for timer in apt-daily.timer apt-daily-upgrade.timer; do\n"
        '  echo "timer $timer $(systemctl is-active $timer), $(systemctl is-enabled $timer 2>/dev/null)"\n'
        "done"
    ),
}

# A release that is supported gets a new security index more often: Debian's is void after 7 days; Ubuntu's is made
# anew with each update that is published, of which there may be none for two weeks over the turn of the year.
_SECURITY_INDEX_DAYS = {"debian": 8, "ubuntu": 21}

_SECURITY_SOURCE = re.compile(r"-security\b|/debian-security\b|//security\.(debian|ubuntu)\.")


@dataclass(frozen=True, slots=True)
class Source:
    """One package archive that apt uses: where, and what its Release file says of it."""

    uri: str
    origin: str
    label: str
    suite: str
    codename: str
    component: str

    @property
    def site(self) -> str:
        """The name of its host."""
        return urlsplit(self.uri).hostname or ""

    @property
    def is_security(self) -> bool:
        """Whether it is where the distribution publishes security updates."""
        suites = (self.suite, self.codename)
        return any(name.endswith("-security") for name in suites) or self.label == "Debian-Security"


@dataclass(frozen=True, slots=True)
class Sources:
    """``security`` are the sources of security updates for the release that is installed."""

    security: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Sources:
        """Read what apt makes of all its source files, whatever their format."""
        found = _own_security(outputs)
        return cls(
            security=frozenset(source.uri for source in found if not source.suite.endswith("-apps-security")),
            evidence=outputs.evidence("apt-sources"),
        )


@dataclass(frozen=True, slots=True)
class PendingUpdates:
    """``security`` are the packages that a newer version in a security source waits for, held ones too."""

    security: frozenset[str]
    lists_hours: float
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs, hours: float) -> PendingUpdates:
        """Read what is upgradable; ProbeError when the package lists are older than ``hours``: then none is known."""
        files = outputs.text("apt-lists").splitlines()
        times = {}
        for line in files:
            stamp, _, name = line.partition(" ")
            if not re.fullmatch(r"\d{1,11}(\.\d+)?", stamp) or not name:
                raise ProbeError(f"{outputs.host}: find answered in an unknown form about apt's package lists")
            times[name] = float(stamp)
        index_age = _security_index_age(outputs, times)
        advice = "sudo apt-get update, and look why it does not run by itself (systemctl status apt-daily.timer)"
        if index_age is None:
            raise ProbeError(f"{outputs.host}: there are no package lists of a security source", advice)
        age = (now(outputs) - max(times.values())) / 3600
        quiet = _SECURITY_INDEX_DAYS.get(OperatingSystem.read(outputs).id, 8) * 24
        if age > hours or index_age > max(hours, quiet):
            told = f"{age:.0f} hours" if age > hours else f"{index_age / 24:.0f} days, the security source's,"
            raise ProbeError(f"{outputs.host}: the package lists are {told} old: what is pending is not known", advice)
        return cls(
            security=frozenset(_newer_in_security(outputs)),
            lists_hours=age,
            evidence=outputs.evidence("apt-upgradable", "apt-lists"),
        )


def _security_index_age(outputs: Outputs, times: dict[str, float]) -> float | None:
    """How many hours the newest index of security updates is behind; None without any.

    After its end a release gets no new one, but subscribers do, from Ubuntu's ESM for infrastructure. ESM for
    applications tells nothing of the rest.
    """
    indexes = {name: at for name, at in times.items() if _SECURITY_SOURCE.search(f"//{name.replace('_', '/')}")}
    infra = [at for name, at in indexes.items() if "-infra-security" in name]
    plain = [at for name, at in indexes.items() if not re.search("-(infra|apps)-security", name)]
    last = end_for_everybody(OperatingSystem.read(outputs))
    end = datetime.combine(last, time.max, UTC).timestamp() if last else math.inf
    if infra and end < now(outputs):
        return (now(outputs) - max(infra)) / 3600
    return max(0.0, min(now(outputs), end) - max(plain)) / 3600 if plain else None


def _newer_in_security(outputs: Outputs) -> list[str]:
    """The packages of ``apt-cache policy`` for which a security source has a version above the installed one."""
    first, _, policy = outputs.text("apt-upgradable").partition("\n")
    number = re.fullmatch(r"upgradable (\d+)", first)
    packages = re.split(r"(?m)^(?=\S[^\n]*:$)", policy)[1:]
    if not number or int(number[1]) > len(packages) or any("\n *** " not in package for package in packages):
        raise ProbeError(f"{outputs.host}: apt answered in an unknown form")
    waiting = []
    for package in packages:
        newer = package.partition("\n *** ")[0]
        sources = re.findall(r"(?m)^\s+-?\d+ (\S+://\S+ \S+)", newer)
        if any(_SECURITY_SOURCE.search(source) for source in sources):
            waiting.append(package.partition(":\n")[0])
    return waiting


@dataclass(frozen=True, slots=True)
class UnattendedUpgrades:
    """What has to be so that security updates install themselves.

    ``switches`` are apt's effective settings (0: never), ``timers`` the state of what starts it, none on a host
    without systemd, where cron does. ``uncovered`` are the suites of security sources that are not among the
    origins that may be installed from.
    """

    installed: bool
    switches: dict[str, str]
    timers: dict[str, str]
    uncovered: frozenset[str]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> UnattendedUpgrades:
        """Read apt's effective configuration, the package and both timers."""
        dump = outputs.text("apt-config")
        values = {name.lower(): value for name, value in re.findall(r'(?m)^([\w:-]+) "(.*)";$', dump)}
        told = by_key(outputs.text("apt-timers"))
        if not dump.endswith("end\n") or len(told["package"]) != 1:
            raise ProbeError(f"{outputs.host}: apt-config or dpkg-query answered in an unknown form")
        system = OperatingSystem.read(outputs)
        patterns = _allowed_patterns(dump, system)
        own = _own_security(outputs)
        timers = (line.partition(" ") for line in told["timer"])
        return cls(
            installed=told["package"] == ["installed"],
            switches={name: values.get(f"apt::periodic::{name}".lower(), default) for name, default in _SWITCHES},
            timers={unit: state for unit, _, state in timers},
            uncovered=frozenset(
                source.codename if source.codename.endswith("-security") else source.suite
                for source in own
                if not any(_matches(source, pattern) for pattern in patterns)
            )
            or (frozenset() if own else frozenset({f"{system.codename}-security"})),
            evidence=outputs.evidence("apt-config", "apt-timers"),
        )


# apt's settings, and what counts where one is not set.
_SWITCHES = (("Enable", "1"), ("Update-Package-Lists", "0"), ("Unattended-Upgrade", "0"))


def _sources(outputs: Outputs) -> list[Source]:
    found = [line.split("|") for line in outputs.text("apt-sources").splitlines() if line]
    if any(len(fields) != 6 for fields in found):
        raise ProbeError(f"{outputs.host}: apt-get indextargets answered in an unknown form")
    return [Source(*fields) for fields in found]


def _own_security(outputs: Outputs) -> list[Source]:
    """The sources of security updates for the release that is installed, subscribers' too."""
    codename = OperatingSystem.read(outputs).codename
    ours = {f"{codename}{part}-security" for part in ("", "-infra", "-apps")} | {f"{codename}/updates"}
    return [source for source in _sources(outputs) if source.is_security and {source.suite, source.codename} & ours]


def _allowed_patterns(dump: str, system: OperatingSystem) -> list[dict[str, str]]:
    """Both of unattended-upgrades' lists: ``origin=Debian,label=…`` and the older ``Ubuntu:noble-security``."""
    values = {"distro_id": system.id.capitalize(), "distro_codename": system.codename}
    found = []
    for kind, value in re.findall(r'(?mi)^Unattended-Upgrade::(Origins-Pattern|Allowed-Origins)::\S* "(.+)";$', dump):
        text = re.sub(r"\$\{(\w+)\}", lambda name: values.get(name[1], ""), value)
        if kind.lower() == "allowed-origins":
            origin, _, suite = text.replace("\\:", "%3A").partition(":")
            found.append({"origin": origin, "suite": suite})
        else:
            parts = (part.partition("=") for part in text.split(","))
            found.append({key.strip(): wanted.strip().replace("%2C", ",") for key, _, wanted in parts})
    return found


# The long and short words of a pattern, and the part of a source that each speaks of.
_WORDS = {
    **dict.fromkeys(("o", "origin"), "origin"),
    **dict.fromkeys(("l", "label"), "label"),
    **dict.fromkeys(("a", "suite", "archive"), "suite"),
    **dict.fromkeys(("n", "codename"), "codename"),
    **dict.fromkeys(("c", "component"), "component"),
    "site": "site",
}


def _matches(source: Source, pattern: dict[str, str]) -> bool:
    return all(
        word in _WORDS and fnmatchcase(getattr(source, _WORDS[word]), wanted) for word, wanted in pattern.items()
    )
