"""The backups that a server holds, the script that makes them and the job that runs it (checklist section 17)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.cron import Cron
from cutover.facts.crontab import Job
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key

# tar reads what is young enough to count, to its end: the path before it, its members, and the path again
# when nothing was wrong with it.
COMMANDS = {
    "backup-directory": Command(
        r"""root ls -ldb "$BACKUP_DIR"
df -P -B1 "$BACKUP_DIR" | awk 'NR == 2 { print "free", $4 }'
date '+now %s'"""
    ),
    "backup-files": Command(
        'root find "$BACKUP_DIR" -maxdepth 2 -type f -exec ls -lnb --time-style=+%s {} + | head -n 3000', seconds=10
    ),
    "backup-contents": Command(
        r"""root find "$BACKUP_DIR" -maxdepth 2 -type f -mmin "-$BACKUP_MINUTES" -print -exec tar -tf {} ";" -print |
awk -v place="$BACKUP_DIR/" 'index($0, place) == 1 || ++members <= 3000'""",
        seconds=60,
    ),
    "backup-dumps": Command(
        r"""root find "$BACKUP_DIR" -maxdepth 2 -type f -mmin "-$BACKUP_MINUTES" -exec tail -v -c 200 {} + |
grep -aE '^==> /.* <==$|^-- PostgreSQL database dump complete'
root find "$BACKUP_DIR" -maxdepth 2 -type f -name "*.gz" -mmin "-$BACKUP_MINUTES" -exec gzip -t {} ";" -print |
sed 's/^/unpacked /'
exit 0""",
        seconds=60,
        needs="DB_NAME",
    ),
    "data-files": Command(
        'root find "$DATA_DIR" -maxdepth 3 -type f -exec ls -lnb --time-style=+%s {} + | head -n 1000'
    ),
    "backup-script": Command(
        r"""root ls -ldb "$APP_DIR/backup.sh" || exit 0
text=$(root head -c 65536 "$APP_DIR/backup.sh") || exit 1
case $text in
  '#!'*bash*) printf '%s\n' "$text" | bash -n || exit 0 ;;
  '#!'*sh*) printf '%s\n' "$text" | sh -n || exit 0 ;;
  '#!'*) echo "other language" ;;
  *) echo "no interpreter"; exit 0 ;;
esac
echo "parses" """
    ),
}

_FILE = re.compile(r"(?m)^(-\S{9})\S*\s+\d+\s+(\d+)\s+\d+\s+(\d{1,18})\s+(\d{1,18})\s+(/.*)$")
_ARCHIVE = re.compile(r"\.(tar|tgz|tbz2?|txz|tzst)(\.(gz|bz2|xz|zst|lz4))?$")
_DUMP = re.compile(r"\.(sql|dump|pgdump|psql|pg)(\.(gz|bz2|xz|zst))?$")
_MAKES_BACKUPS = frozenset(["rsync", "restic", "borg", "pg_dump"])


@dataclass(frozen=True, slots=True)
class File:
    """A file, its age in seconds and its size in bytes."""

    path: str
    age: int
    size: int


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive that is young enough to count: ``whole`` tells that tar read it to its end without complaint."""

    path: str
    whole: bool
    members: frozenset[str]

    def holds(self, name: str) -> bool:
        """Whether it has a file of that path, which is relative to the data directory, at whatever depth."""
        return any(member == name or member.endswith(f"/{name}") for member in self.members)


@dataclass(frozen=True, slots=True)
class Backups:
    """``mode`` is the directory's as ``ls`` writes it, None when there is none; its ``free`` bytes are unknown then.

    ``archives`` and ``dumps`` are there from the newest to the oldest; of ``read`` and ``whole_dumps`` are the ones
    young enough to count. ``data`` holds the data directory's files by their path in it, and their age.
    """

    mode: str | None
    free: int | None
    archives: tuple[File, ...]
    dumps: tuple[File, ...]
    read_back: dict[str, Archive]
    whole_dumps: frozenset[str]
    data: dict[str, int]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs, data_dir: str) -> Backups:
        """Read the listings; ProbeError when the server does not tell, a missing directory is a fact."""
        place = outputs["backup-directory"].stdout
        now = re.search(r"(?m)^now (\d{1,18})$", place)
        if not now:
            raise ProbeError(f"{outputs.host}: the server does not tell its time")
        mode = re.search(r"(?m)^d(\S{9})", place)
        if not mode and "No such file" not in outputs["backup-directory"].stderr:
            raise ProbeError(f"{outputs.host}: the backup directory is no directory that could be looked at")
        free = re.search(r"(?m)^free (\d{1,18})$", place)
        files = _files(outputs["backup-files"].stdout, int(now[1])) if mode else []
        data = _files(outputs.text("data-files"), int(now[1]))
        return cls(
            mode=mode[1] if mode else None,
            free=int(free[1]) if free else None,
            archives=tuple(file for file in files if _ARCHIVE.search(file.path)),
            dumps=tuple(file for file in files if _DUMP.search(file.path)),
            read_back=_read_back(outputs["backup-contents"].stdout, files) if mode else {},
            whole_dumps=_whole_dumps(outputs["backup-dumps"].stdout, files),
            data={file.path.removeprefix(f"{data_dir}/"): file.age for file in data},
            evidence=outputs.evidence("backup-directory", "backup-files", "backup-contents", "data-files"),
        )

    @property
    def fresh(self) -> tuple[Archive, ...]:
        """The archives young enough to count, the newest first."""
        return tuple(self.read_back[file.path] for file in self.archives if file.path in self.read_back)


def _files(listing: str, now: int) -> list[File]:
    """From the newest to the oldest; a name with strange characters is written as ``ls -b`` does."""
    found = [File(path, now - int(time), int(size)) for _, _, size, time, path in _FILE.findall(listing)]
    return sorted(found, key=lambda file: (file.age, file.path))


def _read_back(told: str, files: list[File]) -> dict[str, Archive]:
    paths = {file.path for file in files}
    found: dict[str, tuple[bool, set[str]]] = {}
    path = ""
    for line in told.splitlines():
        if line in paths:
            found[line] = (line == path, found.get(line, (False, set()))[1])
            path = "" if line == path else line
        elif path:
            found[path][1].add(line.removeprefix("./"))
    return {path: Archive(path, whole, frozenset(members)) for path, (whole, members) in found.items()}


def _whole_dumps(told: str, files: list[File]) -> frozenset[str]:
    """A plain dump that ends with pg_dump's last line, a packed one that unpacks, and one in pg_dump's own form."""
    whole, path = set(by_key(told)["unpacked"]), ""
    for line in told.splitlines():
        if line.startswith("-- PostgreSQL database dump complete"):
            whole.add(path)
        path = line.removeprefix("==> ").removesuffix(" <==")
    own_form = {file.path for file in files if re.search(r"\.(dump|pgdump)$", file.path) and file.size}
    return frozenset(whole | own_form)


@dataclass(frozen=True, slots=True)
class BackupScript:
    """The script that makes backups, and the jobs that run it or make backups themselves.

    ``path`` is the script of a job, else the checklist's; ``mode`` is None when there is none there. ``parses`` tells
    that its shell can read it, None when it is not in a shell's language.
    """

    path: str
    mode: str | None
    parses: bool | None
    jobs: tuple[Job, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs, path: str, backup_dir: str) -> BackupScript:
        """Read it; ``path`` is where the checklist has the script."""
        cron = Cron.read(outputs)
        jobs = tuple(job for job in cron.jobs if _makes_backups(job, backup_dir, path))
        evidence = (*outputs.evidence("backup-script"), *cron.evidence)
        told = outputs["backup-script"]
        mode = re.search(r"(?m)^-(\S{9})", told.stdout)
        if mode:
            parses = None if "other language" in told.stdout else "parses" in told.stdout.splitlines()[-1]
            return cls(path, mode[1], parses, jobs, evidence)
        if "No such file" not in told.stderr:
            raise ProbeError(f"{outputs.host}: {path} could not be looked at")
        programs = cron.programs
        for job in jobs:
            for other in sorted(job.words & programs.scripts.keys()):
                numeric = programs.modes[other]
                bits = "".join(letter if numeric >> 8 - at & 1 else "-" for at, letter in enumerate("rwx" * 3))
                return cls(other, bits, other not in programs.broken, jobs, evidence)
        return cls(path, None, False, jobs, evidence)


def _makes_backups(job: Job, backup_dir: str, script: str) -> bool:
    if script in job.words or backup_dir in job.command:
        return True
    named = any(re.search(r"backup", word, re.IGNORECASE) for word in job.words if word.startswith("/"))
    of_debian = job.source in ("dpkg-db-backup.timer", "/etc/cron.daily/dpkg")
    return not of_debian and (named or bool(job.words & _MAKES_BACKUPS))
