"""How the certificate is renewed: certbot, its configuration, its timer, its hooks, its last run (section 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs

# The lineage has the name of the directory that the certificate's file lies in.
_LINEAGE = """\
lineage=${CERTIFICATE%/*} lineage=${lineage##*/}
conf="/etc/letsencrypt/renewal/$lineage.conf"
"""

COMMANDS = {
    "certbot": Command(
        """\
for found in "$(command -v certbot)" /snap/bin/certbot /opt/certbot/bin/certbot; do
  if [ -x "$found" ]; then echo "$found"; break; fi
done"""
    ),
    # Of a hook, which may hold a password, only its name and what it does are told, and of its text no more.
    "renewal-conf": Command(
        f"""\
{_LINEAGE}
[ -e "$conf" ] || {{ echo "nothing $conf"; exit 0; }}
echo "conf $conf"
awk '
  /^(fullchain|authenticator|installer|server|autorenew|http01_port)[ \\t]*=/ {{ print }}
  /^(pre_hook|manual_auth_hook)[ \\t]*=/ {{ print $1, "= set" }}
  /^\\[/ {{ map = /webroot_map/ }}
  /^webroot_path[ \\t]*=/ || map && /=/ {{ sub(/^[^=]*=[ \\t]*/, ""); print "webroot = " $0 }}
' "$conf" | head -n 200"""
    ),
    # What runs after a renewal: certbot's hook directories (what is executable there), the hooks of the renewal's
    # and certbot's own configuration, and those on the command line of the unit.
    "renewal-hooks": Command(
        f"""\
{_LINEAGE}
hooks=/etc/letsencrypt/renewal-hooks
runs=$(find -L "$hooks/deploy" "$hooks/post" -maxdepth 1 -type f -perm /111 ! -name '*~' 2>/dev/null)
[ ! -d "$hooks" ] || root grep -RHIs -e nginx -e reload -e restart -e HUP "$hooks" | runs="$runs" awk '
  BEGIN {{ count = split(ENVIRON["runs"], names, "\\n"); for (i = 1; i <= count; i++) run[names[i]] = 1 }}
  {{ file = $0; sub(/:.*/, "", file); line = substr($0, length(file) + 2) }}
  file ~ /renewal-hooks\\/pre\\// || line ~ /^[ \\t]*#/ {{ next }}
  line ~ /nginx/ {{ nginx[file] = 1 }}
  line ~ /reload|restart|HUP/ {{ again[file] = 1 }}
  END {{ for (file in nginx) if (file in again) print (file in run ? "reloads" : "not-executable"), file }}'
{{ grep -hsE '^(renew_hook|post_hook|deploy[-_]hook|renew-hook|post-hook)[[:space:]]*=' "$conf" /etc/letsencrypt/cli.ini
  systemctl show certbot.service snap.certbot.renew.service -p ExecStart 2>/dev/null |
    grep -oE -e '--(deploy|renew|post)-hook.*'
}} | while IFS= read -r hook; do
  program=$(printf '%s' "$hook" | grep -oE '/[^ ;"]+' | head -n 1)
  text="$hook $([ ! -f "$program" ] || head -c 20000 "$program" | grep -aI '^[^#]*[a-z]' | grep -v '^[[:space:]]*#')"
  case $text in *nginx*) case $text in *reload*|*restart*|*HUP*)
    echo "reloads the hook of the configuration" ;;
  esac ;; esac
done"""
    ),
    "renewal-timers": Command(
        "systemctl show '*certbot*.timer' '*letsencrypt*.timer' '*acme*.timer' '*lego*.timer' '*dehydrated*.timer' "
        "-p Id -p ActiveState -p UnitFileState -p NextElapseUSecRealtime -p NextElapseUSecMonotonic"
    ),
    "renewal-services": Command("systemctl show 'certbot*.service' 'snap.certbot.*.service' -p Id -p ActiveState"),
    # Debian's entry in cron.d leaves everything to the timer under systemd, so it does not count.
    "renewal-cron": Command(
        """\
systemctl show cron.service -p ActiveState
renews='certbot(-auto)?[^|;&]* renew|acme\\.sh[^|;&]* --cron|lego[^|;&]* renew|dehydrated[^|;&]* (-c|--cron)'
live() { grep -v -e '^[^:]*:[[:space:]]*#' -e /run/systemd/system; }
grep -HsE "$renews" /etc/crontab /etc/cron.d/* /etc/cron.hourly/* /etc/cron.daily/* /etc/cron.weekly/* |
  live | cut -d: -f1 | sort -u | while IFS= read -r file; do
    case ${file##*/} in *[!A-Za-z0-9_-]*) continue ;; esac
    case $file in /etc/cron.*ly/*) [ -x "$file" ] || continue ;; esac
    echo "entry $file"
  done
root crontab -l 2>/dev/null | grep -HsE --label=crontab "$renews" | live | sed -n "1s/.*/entry root's crontab/p\""""
    ),
    # Asks Let's Encrypt, and so only when allowed.
    "renewal-rehearsal": Command(
        '[ -z "$ALLOW_ACTIVE" ] || root certbot renew --dry-run --no-random-sleep-on-renew 2>&1', seconds=120
    ),
    # Each run begins with its arguments, which stay on the host with the texts of hooks, but for the word that makes
    # it a rehearsal; the newest lines of all logs, in the order of time.
    "renewal-log": Command(
        """\
root grep -RHIs -e :Arguments: -e :ERROR: -e renewals -e renew.failure -e Attempting.to.renew /var/log/letsencrypt |
awk '
  { file = $0; sub(/:.*/, "", file); line = substr($0, length(file) + 2)
    arguments = /--dry-run/ ? "Arguments: --dry-run" : "Arguments:"; sub(/Arguments:.*/, arguments, line)
    sub(/config file \\{.*/, "config file", line); sub(/command ".*" returned/, "command returned", line) }
  line ~ /^[0-9-]+ [0-9:,]+:/ { stamp[file] = substr(line, 1, 23) }
  { print stamp[file] "\\t" substr(line, 1, 300) }' | sort -s -k1,23 | tail -n 200"""
    ),
}

_DONE = re.compile(r"[Nn]o renewals were attempted|all renewals succeeded|No renewal failures")
_FAILED = re.compile(r"^\S+ \S+?:(?:ERROR|WARNING):[\w.]+:(.*(?:renew|parse failure|unexpected error|[Hh]ook).*)")


@dataclass(frozen=True, slots=True)
class Timer:
    """A timer that may renew; ``next`` tells whether it will ever go off again."""

    name: str
    active: str
    at_boot: str
    next: bool


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last renewal that certbot's logs tell of: when, by the host's clock, and what went wrong."""

    at: str
    errors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How ``certbot renew --dry-run`` ended: certbot's lines about failures, none when all went well."""

    failures: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Rehearsal:
        """Read certbot's own account; ProbeError when it gives none, or had nothing to rehearse."""
        output = outputs["renewal-rehearsal"]
        lines = [line.strip() for line in output.stdout.splitlines() if line.strip()]
        failures = tuple(line for line in lines if re.search(r"fail|error|[Dd]etail:", line))
        if output.rc == 0 and any("(success)" in line for line in lines):
            return cls((), outputs.evidence("renewal-rehearsal"))
        if output.rc == 0 or not failures:
            raise ProbeError(f"{outputs.host}: certbot rehearsed nothing: {lines[-1] if lines else 'it said nothing'}")
        return cls(failures, outputs.evidence("renewal-rehearsal"))


@dataclass(frozen=True, slots=True)
class Renewal:
    """``certbot`` is the program, empty without one; ``settings`` is None without a configuration of the lineage.

    ``reloads`` are the hooks that make nginx read a renewed certificate; ``dead_hooks`` those that would, were
    they executable. ``cron_entries`` are those that cron reads. ``attempt`` is None when no renewal ran yet.
    """

    certbot: str
    conf: str
    settings: dict[str, str] | None
    webroots: tuple[str, ...]
    reloads: frozenset[str]
    dead_hooks: frozenset[str]
    timers: tuple[Timer, ...]
    services: dict[str, str]
    cron_active: bool
    cron_entries: frozenset[str]
    attempt: Attempt | None
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Renewal:
        """Read all of it; that there is no certbot, timer or hook is a fact."""
        first, *lines = outputs.text("renewal-conf").splitlines() or [""]
        word, _, conf = first.partition(" ")
        pairs = [re.fullmatch(r"(\w+)\s*=\s*(.*)", line) for line in lines]
        hooks = [line.partition(" ") for line in outputs["renewal-hooks"].stdout.splitlines()]
        cron = outputs.text("renewal-cron").splitlines()
        states = [line for line in cron if line.startswith("ActiveState=")]
        if word not in ("conf", "nothing") or not all(pairs):
            raise ProbeError(f"{outputs.host}: the renewal's configuration is not understood: {first or 'empty'}")
        if {hook[0] for hook in hooks} - {"reloads", "not-executable"} or len(states) != 1:
            raise ProbeError(f"{outputs.host}: the answer about the renewal's hooks or cron is not understood")
        settings = [(match[1], match[2].strip()) for match in pairs if match]
        services = _units(outputs, "renewal-services")
        return cls(
            certbot=outputs.text("certbot").strip(),
            conf=conf,
            settings={key: value for key, value in settings if key != "webroot"} if word == "conf" else None,
            webroots=tuple(
                dict.fromkeys(path for key, value in settings if key == "webroot" for path in _paths(value))
            ),
            reloads=frozenset(name for state, _, name in hooks if state == "reloads"),
            dead_hooks=frozenset(name for state, _, name in hooks if state == "not-executable"),
            timers=tuple(_timer(unit) for unit in _units(outputs, "renewal-timers")),
            services={unit["Id"]: unit["ActiveState"] for unit in services},
            cron_active=states[0] == "ActiveState=active",
            cron_entries=frozenset(line.removeprefix("entry ") for line in cron if line.startswith("entry ")),
            attempt=_attempt(outputs.text("renewal-log")),
            evidence=outputs.evidence(*(name for name in COMMANDS if name != "renewal-rehearsal")),
        )


def _paths(value: str) -> list[str]:
    """``/var/www/html,`` → ``/var/www/html``: certbot ends a list of one with a comma."""
    return [path.strip() for path in value.split(",") if path.strip()]


def _units(outputs: Outputs, name: str) -> list[dict[str, str]]:
    blocks = [dict(re.findall(r"(?m)^(\w+)=(.*)$", block)) for block in outputs.text(name).split("\n\n")]
    units = [block for block in blocks if block]
    if any("Id" not in unit or "ActiveState" not in unit for unit in units):
        raise ProbeError(f"{outputs.host}: systemctl show answered in an unknown form")
    return units


def _timer(unit: dict[str, str]) -> Timer:
    following = {unit.get("NextElapseUSecRealtime", ""), unit.get("NextElapseUSecMonotonic", "")}
    will = bool(following - {"", "0", "infinity", "n/a"})
    return Timer(unit["Id"], unit["ActiveState"], unit.get("UnitFileState", ""), will)


def _attempt(log: str) -> Attempt | None:
    runs: list[list[tuple[str, str]]] = []
    for line in log.splitlines():
        stamp, _, text = line.partition("\t")
        if ":Arguments:" in text or not runs:
            runs.append([])
        runs[-1].append((stamp, text))
    for run in reversed([run for run in runs if not run[0][1].endswith("--dry-run")]):
        errors = tuple(told[1] for _, text in run if (told := _FAILED.match(text)))
        if errors or any(_DONE.search(text) for _, text in run):
            return Attempt(run[0][0].partition(",")[0], errors)
    return None
