"""One crontab read as cron reads it, and the jobs in it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.lines import by_key
from cutover.facts.schedule import NEVER, longest_wait

OWN_NAME = "$HOST_NAME"  # stands among a script's words when it has the target's public name in it
DEFAULT_PATH = "/usr/bin:/bin"  # cron's own

_LINE = re.compile(r"(@\w+|(?:[\d*]\S*|[a-z,-]+)(?:\s+\S+){4})\s+(.+)", re.IGNORECASE)
_VARIABLE = re.compile(r"\s*[\"']?([A-Za-z_]\w*)[\"']?\s*=\s*(.*)")
_BUILTIN = frozenset(
    re.findall(
        r"\S+",
        "[ [[ ]] : . true false test echo printf cd exit export set unset read umask exec eval trap wait return type "
        "if then elif else fi for while until do done case esac in ! { } command source ulimit local shift",
    )
)
_SEPARATOR = re.compile(r"[;&|(){}]+")
_KEYWORD = frozenset(["then", "do", "else", "if", "elif", "while", "until", "!", "{", "exec"])


@dataclass(frozen=True, slots=True)
class Job:
    """One job: ``command`` is what the shell gets (cron ends it at a % without backslash), ``path`` its PATH.

    ``wait`` is the longest time between two runs in minutes, None when the schedule was not understood.
    ``words`` are those of the command, and of the scripts it names. ``reason_not`` tells why it does not run, or
    cannot do what it says; it is empty when nothing stands in its way.
    """

    source: str
    user: str
    schedule: str
    wait: float | None
    command: str
    path: str
    mailto: str | None
    words: frozenset[str]
    reason_not: str

    @property
    def runs(self) -> bool:
        """Whether nothing stands in its way."""
        return not self.reason_not

    @property
    def longest_wait(self) -> float:
        """Minutes between two runs at most; ProbeError when the schedule was not understood."""
        if self.wait is None:
            raise ProbeError(f"{self.source}: the schedule {self.schedule!r} was not understood")
        return self.wait


@dataclass(frozen=True, slots=True)
class Programs:
    """The files that jobs name: their modes, what is absent or hidden, and of scripts whether their shell can
    parse them, which words they have, and whether they name the host."""

    modes: dict[str, int]
    absent: frozenset[str]
    hidden: frozenset[str]
    unread: frozenset[str]
    broken: frozenset[str]
    scripts: dict[str, frozenset[str]]

    @classmethod
    def read(cls, text: str) -> Programs:
        """Read the lines of the section ``programs``; ValueError for a file without its mode."""
        said = by_key(text)
        scripts: dict[str, set[str]] = {path: set() for path in (*said["parses"], *said["broken"])}
        for path, _, word in (line.partition(" ") for line in said["uses"]):
            scripts.setdefault(path, set()).add(word)
        for path in said["names"]:
            scripts.setdefault(path, set()).add(OWN_NAME)
        return cls(
            modes={path: int(mode, 8) for mode, _, path in (line.partition(" ") for line in said["file"])},
            absent=frozenset(said["absent"]),
            hidden=frozenset(said["hidden"]),
            unread=frozenset(said["unread"]),
            broken=frozenset(said["broken"]),
            scripts={path: frozenset(words) for path, words in scripts.items()},
        )

    def words_of(self, command: str) -> frozenset[str]:
        """The words of a command, and those of the scripts it names."""
        words = set(re.findall(r"[\w./@:+-]*\w[\w./@:+-]*", command))
        words |= {word.rpartition("/")[2] for word in words}
        return frozenset(words).union(*(self.scripts.get(word, frozenset()) for word in words))

    def missing(self, command: str, path: str) -> str:
        """Why the shell would not find or not run a program of the command; empty when it would run them all."""
        try:
            programs = programs_of(command)
        except ValueError:
            return "its quotes do not close (in a crontab an unescaped % ends the command)"
        for program in programs:
            if program.startswith("/"):
                if program in self.absent:
                    return f"{program} does not exist"
                if program in self.modes and not self.modes[program] & 0o111:
                    return f"{program} is not executable"
                if program in self.broken:
                    return f"{program} is no valid shell script"
            elif path and not any(f"{directory}/{program}" in self.modes for directory in path.split(":")):
                return f"{program} is not in its PATH ({path})"
        return ""


def programs_of(command: str) -> list[str]:
    """The programs that stand where a shell looks for a command; ValueError when the quotes do not close."""
    lexer = shlex.shlex(command.replace("`", ";"), posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    found, expected, redirected = [], True, False
    for word in lexer:
        if redirected:
            redirected = False
        elif re.fullmatch(r"[<>&]*[<>][<>&]*", word):
            redirected = True
        elif _SEPARATOR.fullmatch(word):
            expected = True
        elif expected and word in _KEYWORD:
            continue
        elif expected and not re.match(r"[A-Za-z_]\w*=", word):
            expected = False
            if word not in _BUILTIN and re.fullmatch(r"[\w./@+-]+", word):
                found.append(word)
    return found


def effective(command: str) -> str:
    """What of a crontab's command the shell gets: up to the first % without a backslash."""
    return re.split(r"(?<!\\)%", command, maxsplit=1)[0].replace("\\%", "%")


def jobs_of(
    path: str, text: str, reason: str, users: frozenset[str], programs: Programs, default_path: str
) -> list[Job]:
    """The jobs of one crontab; ``reason`` tells why cron passes by the whole file, as a mistake in it does too.

    ``default_path`` is their PATH where the file names none.
    """
    of_user = path.startswith("/var/spool/")
    environment: dict[str, str] = {}
    jobs: list[Job] = []
    if text and not text.endswith("\n"):
        reason = reason or "its last line has no end, and cron passes such a file by"
    entries = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if variable := _VARIABLE.fullmatch(line):
            environment[variable[1]] = variable[2].strip().strip("\"'")
            continue
        entry = _entry(line.strip(), of_user, users)
        if isinstance(entry, str):
            reason = reason or f"line {number} {entry}, and cron passes the whole file by"
            continue
        entries.append((*entry, dict(environment)))
    for schedule, wait, user, command, variables in entries:
        directories = variables.get("PATH", default_path)
        jobs.append(
            Job(
                source=path,
                user=user or path.rpartition("/")[2],
                schedule=schedule,
                wait=wait,
                command=effective(command),
                path=directories,
                mailto=variables.get("MAILTO"),
                words=programs.words_of(effective(command)),
                reason_not=reason or programs.missing(effective(command), directories),
            )
        )
    return jobs


def _entry(line: str, of_user: bool, users: frozenset[str]) -> tuple[str, float, str, str] | str:
    """Schedule, longest wait, user and command of a line; what is wrong with it when cron would not take it."""
    shape = _LINE.fullmatch(line)
    if not shape:
        return "is no line of a crontab"
    schedule, rest = shape.groups()
    user, command = "", rest
    if not of_user:
        user, _, command = rest.replace("\t", " ").partition(" ")
        if user not in users:
            return f"names no user but {user[:40]!r}"
    try:
        return schedule, longest_wait(" ".join(schedule.split()).lower()), user, command.strip()
    except ValueError as error:
        return f"has a schedule that cron does not take ({error})"


def run_parts_jobs(
    directory: str, minutes: int, there: Mapping[str, str], jobs: list[Job], programs: Programs
) -> list[Job]:
    """The scripts of a directory such as /etc/cron.daily, which a job of a crontab runs one by one."""
    runner = next((job for job in jobs if f"run-parts --report {directory}" in job.command), None)
    runner = runner or next((job for job in jobs if directory in job.command), None)
    found = []
    for path, mode in there.items():
        reason = runner.reason_not if runner else f"no job runs {directory}"
        if not re.fullmatch(r"[\w-]+", path.rpartition("/")[2], re.ASCII):
            reason = reason or "run-parts passes by a file with such a name (letters, digits, _ and - only)"
        elif "x" not in mode:
            reason = reason or "it is not executable"
        found.append(
            Job(
                source=path,
                user="root",
                schedule=directory.rpartition(".")[2],
                wait=float(minutes) if runner else NEVER,
                command=path,
                path=runner.path if runner else DEFAULT_PATH,
                mailto=runner.mailto if runner else None,
                words=programs.words_of(path),
                reason_not=reason or programs.missing(path, ""),
            )
        )
    return found
