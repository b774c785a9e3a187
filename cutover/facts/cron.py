"""The jobs a server runs by itself: crontabs where cron really reads them, and systemd's timers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.crontab import DEFAULT_PATH, Job, Programs, jobs_of, run_parts_jobs
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.schedule import longest_wait_of_timer

# Four sections; only the last holds what people write. Of a crontab's variables only those that cron itself minds
# are told, of a script only which of these words it has, an option with its dash: `tar -df` calls no df.
WORDS = (
    "curl|wget|df|certbot|openssl|ssl-cert-check|checkend|enddate|certificates|tar|rsync|restic|borg|pg_dump|gzip|zip"
    "|mailx?|s-nail|sendmail|msmtp|mutt|swaks|ifne"
)
COMMANDS = {
    "cron-jobs": Command(
        r"""# what systemd's timers and cron run
timers=$(systemctl show "*.timer" -p Id -p Unit -p ActiveState -p UnitFileState -p TimersCalendar -p TimersMonotonic)
services=$(systemctl show $(printf '%s\n' "$timers" | sed -n 's/^Unit=//p') -p Id -p LoadState -p User -p ExecStart)
listing=$(root find -L /etc/crontab /etc/cron.d /etc/cron.hourly /etc/cron.daily"""
        r""" /etc/cron.weekly /etc/cron.monthly /var/spool/cron/crontabs -maxdepth 1 -type f -ls)
tabs=$(root find -L /etc/crontab /etc/cron.d /var/spool/cron/crontabs -maxdepth 1 -type f"""
        r""" -exec head -v -c 65536 {} +; echo .)
printf '## timers\n%s\n\n%s\n## files\n%s\n## programs\n' "$timers" "$services" "$listing"
found=$({
  echo "$APP_DIR/backup.sh sendmail"
  printf '%s\n' "$tabs" "$services" | grep -av '^[[:space:]]*#'
  printf '%s\n' "$listing" | grep -ao '/etc/cron\.[hdwm].*'
} | tr -cs 'A-Za-z0-9_./@+-' '\n' | sort -u | head -n 1000 | while read -r word; do
  case $word in
    */ | */..*) ;;
    /*)
      if [ ! -e "$word" ]; then
        [ -x "${word%/*}/" ] && echo "absent $word" || echo "hidden $word"
        continue
      fi
      [ -f "$word" ] || continue
      echo "stat $word"
      case $word in /bin/* | /sbin/* | /usr/*bin/* | /lib/* | /usr/lib/* | /usr/libexec/*) continue ;; esac
      [ -r "$word" ] || { echo "unread $word"; continue; }
      first=$(head -c 100 "$word" | head -n 1 | tr -d '\0')
      case $first in
        '#!'*bash*) shell=bash ;;
        '#!'*sh*) shell=sh ;;
        *) continue ;;
      esac
      if $shell -n "$word" 2>/dev/null; then echo "parses $word"; else echo "broken $word"; fi
      head -c 65536 "$word" | grep -av '^[[:space:]]*#' | grep -aowE """
        rf"""'-*({WORDS})'"""
        r""" | sort -u | sed "s|^|uses $word |"
      head -c 65536 "$word" | grep -av '^[[:space:]]*#' | grep -aqF "$HOST_NAME" && echo "names $word"
      ;;
    */*) ;;
    [a-z]*)
      for dir in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin /snap/bin; do
        [ -f "$dir/$word" ] && [ -x "$dir/$word" ] && echo "file 755 $dir/$word"
      done
      ;;
  esac
done)
printf '%s\n' "$found" | grep -v '^stat '
printf '%s\n' "$found" | sed -n 's/^stat //p' | xargs -r -d '\n' stat -Lc 'file %a %n'
printf '## crontabs\n'
printf '%s' "${tabs%.}" | sed -E '/^[[:space:]]*"?(PATH|SHELL|MAILTO|HOME|CRON_TZ)"?[[:space:]]*=/b; """
        r"""s/^([[:space:]]*["A-Za-z_][A-Za-z0-9_"]*[[:space:]]*=).*/\1/'
""",
        seconds=15,
    ),
    # With -P, as on Ubuntu from 22.04 on, cron sets no PATH of its own: a job has that of /etc/environment, by PAM, or
    # what systemd gave cron.
    "cron-daemon": Command(
        r"""systemctl show cron.service cronie.service -p Id -p ActiveState -p UnitFileState || exit
pid=$(systemctl show cron.service -p MainPID --value)
cat "/proc/${pid:-0}/cmdline" 2>/dev/null | tr '\0' '\n' | grep -q '^-[a-zA-Z]*P' || exit 0
path=$(sed -n 's/^PATH="\{0,1\}\([^"]*\).*/\1/p' /etc/environment 2>/dev/null | tail -n 1)
[ -n "$path" ] || path=$(systemctl show-environment | sed -n 's/^PATH=//p')
printf '\ninherits %s\n' "$path"
exit 0"""
    ),
    "cron-users": Command("getent passwd | cut -d: -f1 | head -n 5000"),
}

_DIRECTORIES = {"/etc/cron.hourly": 60, "/etc/cron.daily": 1440, "/etc/cron.weekly": 10080, "/etc/cron.monthly": 44640}
_LISTED = re.compile(r"(?m)^\s*\d+\s+\d+\s+(-\S{9})\S*\s+(\d+)\s+(\S+)\s+\S+\s+\d+\s+\w+\s+\d+\s+[\d:]+\s+(/.*)$")


@dataclass(frozen=True, slots=True)
class Cron:
    """``daemon`` tells why cron runs nothing at all, now or after a boot; it is empty when it does.

    ``jobs`` holds what runs by cron and by timers, and what would but does not, with the reason.
    """

    daemon: str
    jobs: tuple[Job, ...]
    programs: Programs
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Cron:
        """Read every crontab and every timer; ProbeError when one of the sources does not tell."""
        told = outputs.text("cron-jobs")
        shape = re.fullmatch(r"## timers\n(.*?)\n## files\n(.*?)\n## programs\n(.*?)## crontabs\n(.*)", told, re.DOTALL)
        if not shape:
            raise ProbeError(f"{outputs.host}: the list of jobs came in an unknown form")
        timers, listing, programs_told, tabs = shape.groups()
        try:
            programs = Programs.read(programs_told)
        except ValueError:
            raise ProbeError(f"{outputs.host}: the programs of jobs were told in an unknown form") from None
        daemon = _daemon(outputs)
        inherited = re.search(r"(?m)^inherits (\S+)$", outputs.text("cron-daemon"))
        path_of_jobs = inherited[1] if inherited else DEFAULT_PATH
        users = frozenset(outputs.text("cron-users").split())
        files = {path: (mode, int(links), owner) for mode, links, owner, path in _LISTED.findall(listing)}
        jobs: list[Job] = []
        for path, text in re.findall(r"(?s)==> (/\S*) <==\n(.*?)(?=\n==> /|\Z)", tabs):
            if path not in files:
                raise ProbeError(f"{outputs.host}: {path} was read and not listed")
            reason = daemon or _not_read(path, *files[path], users)
            jobs += jobs_of(path, text, reason, users, programs, path_of_jobs)
        for directory, minutes in _DIRECTORIES.items():
            there = {path: mode for path, (mode, *_) in files.items() if path.startswith(f"{directory}/")}
            jobs += run_parts_jobs(directory, minutes, there, jobs, programs)
        jobs += _timer_jobs(timers, programs)
        return cls(daemon, tuple(jobs), programs, outputs.evidence(*COMMANDS))


def _daemon(outputs: Outputs) -> str:
    units = _blocks(outputs.text("cron-daemon"))
    if not units:
        raise ProbeError(f"{outputs.host}: systemctl answered in an unknown form")
    active = [unit for unit in units if unit.get("ActiveState") == "active"]
    if not active:
        return "cron does not run"
    return "" if any(unit.get("UnitFileState") == "enabled" for unit in active) else "cron does not start at boot"


def _blocks(text: str) -> list[dict[str, str]]:
    """``systemctl show`` of several units: one block each, an empty line between them."""
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    return [block for block in blocks if block.get("Id")]


def _not_read(path: str, mode: str, links: int, owner: str, users: frozenset[str]) -> str:
    """Why cron passes a whole file by, as its own log would say; empty when it does not."""
    name = path.rpartition("/")[2]
    if path.startswith("/var/spool/"):
        if name not in users:
            return "its user does not exist"
        return (
            ""
            if mode == "-rw-------" and owner in (name, "root")
            else "cron refuses its mode or owner (0600, the user's)"
        )
    if path.startswith("/etc/cron.d/") and not re.fullmatch(r"[\w-]+", name, re.ASCII):
        return "cron passes by a file with such a name (letters, digits, _ and - only)"
    if owner != "root":
        return f"cron refuses a file of {owner}"
    if mode[5] == "w" or mode[8] == "w":
        return "cron refuses a file that others may write"
    return "" if links == 1 else "cron refuses a file with several names"


def _timer_jobs(text: str, programs: Programs) -> list[Job]:
    blocks = _blocks(text)
    services = {block["Id"]: block for block in blocks if "LoadState" in block}
    jobs = []
    for block in blocks:
        if not block["Id"].endswith(".timer"):
            continue
        unit = block.get("Unit", "")
        service = services.get(unit, {})
        # The same key comes once for each setting; what _blocks keeps is the last, so they are read again here.
        own = re.search(rf"(?m)(?:^[^\n]+\n)*^Id={re.escape(block['Id'])}$(?:\n[^\n]+)*", text)
        settings = re.findall(r"(?m)^Timers(Calendar|Monotonic)=\{ (.*?) ;", own[0] if own else "")
        calendar = [value.removeprefix("OnCalendar=") for kind, value in settings if kind == "Calendar"]
        monotonic = [value for kind, value in settings if kind == "Monotonic"]
        reason = ""
        if service.get("LoadState") != "loaded":
            reason = f"{unit or 'its service'} is not there"
        elif block.get("ActiveState") != "active":
            reason = "the timer does not run"
        elif block.get("UnitFileState") in ("disabled", "masked", ""):
            reason = "the timer does not start at boot"
        command = " && ".join(re.findall(r"argv\[\]=(.*?) ; ignore_errors=", service.get("ExecStart", "")))
        try:
            wait: float | None = longest_wait_of_timer(calendar, monotonic)
        except ValueError:
            wait = None
        jobs.append(
            Job(
                source=block["Id"],
                user=service.get("User") or "root",
                schedule=", ".join(calendar + monotonic),
                wait=wait,
                command=command,
                path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                mailto="",
                words=programs.words_of(command),
                reason_not=reason or programs.missing(command, ""),
            )
        )
    return jobs
