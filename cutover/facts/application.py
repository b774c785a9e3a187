"""The application's processes, its start script and its memory (checklist sections 9 and 13)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.directories import SERVICE_USER
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key, is_number

_PORT = """\
date '+now %s'
lines=$(root ss -ltnpH | awk -v end=":$BIND_PORT" 'substr($4, length($4) - length(end) + 1) == end' | head -n 20)
[ -z "$lines" ] || printf '%s\\n' "$lines" | sed 's/^/listens /'
for pid in $(printf '%s' "$lines" | grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -un | head -n 200); do
  tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -q gunicorn && echo "gunicorn $pid"
done
echo end
"""

# As whom may read the environment file, which is whom the script is for. It starts in its own directory, as a
# person starts it, and leaves no .pyc. What is long and unbroken in its words may be a secret.
_SCRIPT = """\
user=$(root stat -L -c %%U "$ENV_FILE")
[ -n "$user" ] || { echo missing; exit; }
if [ -x "$APP_DIR" ] && [ ! -e "$APP_DIR/run_production.sh" ]; then echo missing; exit; fi
said=$(root runuser -u "$user" -- env --chdir="$APP_DIR" PYTHONDONTWRITEBYTECODE=1 \
  "$APP_DIR/run_production.sh" %s 2>&1)
ended=$?
refusal "$said"
[ $ended -ne 125 ] || { printf '%%s\n' "$said" >&2; exit; }
echo "ended $ended"
printf '%%s\\n' "$said" | head -c 2000 |
  sed 's/\\x1b\\[[0-9;]*m//g; s/[[:alnum:]+/=_-]\\{24,\\}/[hidden]/g; s/^/said /'
"""

_EXECUTABLE = (
    SERVICE_USER
    + """\
[ -z "$user" ] && echo nobody && exit
echo "user $user"
root ls -ldL "$APP_DIR/run_production.sh" | sed 's/^/entry /'
root runuser -u "$user" -- test -x "$APP_DIR/run_production.sh" && echo executable
true
"""
)

COMMANDS = {
    "app-port": Command(_PORT),
    "app-processes": Command("ps -eo pid=,ppid=,etimes=,user:64=,cgroup= | head -n 5000"),
    "app-memory": Command("root find /proc -maxdepth 2 -name smaps_rollup -exec grep -H ^Pss: {} + | head -n 5000"),
    "app-executable": Command(_EXECUTABLE),
    "app-check": Command(_SCRIPT % "check", seconds=30),
    "app-status": Command(_SCRIPT % "status", seconds=30),
}

INIT = 1  # holds the socket too where systemd opened it for the application


@dataclass(frozen=True, slots=True)
class Process:
    """``age`` in seconds; ``group`` is its control group, such as /system.slice/NAME.service."""

    pid: int
    parent: int
    age: int
    user: str
    group: str
    gunicorn: bool


@dataclass(frozen=True, slots=True)
class Application:
    """Who holds the application's port at ``now`` (epoch), and where: ``addresses`` are ADDRESS:PORT.

    ``masters`` are holders whose parent is none, ``workers`` their children.
    """

    now: int
    addresses: frozenset[str]
    masters: tuple[Process, ...]
    workers: tuple[Process, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Application:
        """Put ss, ps and the kernel's memory count together; ProbeError when one of them does not tell."""
        told = by_key(outputs.text("app-port"))
        now = "".join(told["now"])
        if "end" not in told or not is_number(now):
            raise ProbeError(f"{outputs.host}: ss answered in an unknown form")
        table = processes(outputs, frozenset(int(pid) for pid in told["gunicorn"] if is_number(pid)))
        addresses, pids = set(), set()
        for line in told["listens"]:
            words = line.split()
            if len(words) < 5 or words[0] != "LISTEN":
                raise ProbeError(f"{outputs.host}: ss answered in an unknown form")
            # ss has * for a socket of both families, and may name the interface.
            addresses.add(re.sub(r"^\*:", "[::]:", re.sub(r"%\w+", "", words[3])))
            pids |= {int(pid) for pid in re.findall(r"\bpid=(\d{1,18})", line)}
        pids.discard(INIT)
        if told["listens"] and not pids:
            raise ProbeError(f"{outputs.host}: ss does not tell who holds the application's port")
        if pids - set(table):
            raise ProbeError(
                f"{outputs.host}: ps does not tell of the processes on the application's port",
                "look again; or verify as root where /proc is mounted with hidepid",
            )
        holders = [table[pid] for pid in sorted(pids)]
        masters = tuple(process for process in holders if process.parent not in pids)
        return cls(
            now=int(now),
            addresses=frozenset(addresses),
            masters=masters,
            workers=tuple(process for process in holders if process.parent in pids),
            evidence=outputs.evidence("app-port"),
        )

    @property
    def started(self) -> int | None:
        """When the oldest master started, as an epoch, to the second."""
        return self.now - max(master.age for master in self.masters) if self.masters else None

    @property
    def processes(self) -> tuple[Process, ...]:
        """All of them."""
        return (*self.masters, *self.workers)


def processes(outputs: Outputs, gunicorn: frozenset[int] = frozenset()) -> dict[int, Process]:
    """All processes of the server by their number, those told of marked as gunicorn's."""
    table = {}
    for line in outputs.text("app-processes").splitlines():
        words = line.split(None, 4)
        if len(words) < 4 or not all(map(is_number, words[:3])):
            raise ProbeError(f"{outputs.host}: ps answered in an unknown form")
        pid, parent, age = map(int, words[:3])
        groups = "".join(words[4:])
        group = re.search(r"\bname=systemd:([^,]*)", groups) or re.search(r"(?:^|,)0?::([^,]*)", groups)
        table[pid] = Process(pid, parent, age, words[3], group[1].strip() if group else "", pid in gunicorn)
    if not table:
        raise ProbeError(f"{outputs.host}: ps told of no process")
    return table


@dataclass(frozen=True, slots=True)
class Memory:
    """``used_bytes`` by all processes of the application, shared pages counted once; ``available_bytes`` to any."""

    used_bytes: int
    available_bytes: int
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Memory:
        """Read the kernel's counts; ProbeError when it tells none of a process, or when none runs."""
        pids = {process.pid for process in Application.read(outputs).processes}
        if not pids:
            raise ProbeError(f"{outputs.host}: nothing is on the application's port", "start the application first")
        lines = re.findall(r"(?m)^/proc/(\d{1,18})/smaps_rollup:Pss:\s+(\d{1,18}) kB$", outputs.text("app-memory"))
        pss = {int(pid): int(kilobytes) for pid, kilobytes in lines}
        available = re.search(r"(?m)^MemAvailable:\s+(\d{1,18}) kB$", outputs.text("meminfo"))
        if pids - set(pss) or not available:
            raise ProbeError(f"{outputs.host}: the kernel does not tell the memory of the application's processes")
        told = tuple(
            Evidence(entry.asked, entry.at, "; ".join(f"{pid}: {pss[pid]} kB" for pid in sorted(pids)))
            for entry in outputs.evidence("app-memory")
        )
        return cls(1024 * sum(pss[pid] for pid in pids), 1024 * int(available[1]), told)


@dataclass(frozen=True, slots=True)
class StartScript:
    """run_production.sh: the exit status of ``check`` and ``status`` and the last words of each.

    ``mode`` is as ls tells it and empty where no script is; ``executable`` for ``user``, whom the
    application runs as.
    """

    mode: str
    user: str
    executable: bool
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> StartScript:
        """Read the mode and the kernel's answer to the service user."""
        output = outputs["app-executable"]
        told = by_key(output.stdout)
        if "nobody" in told:
            raise ProbeError(
                f"{outputs.host}: nothing tells whom the application runs as: no unit, and nothing on its port",
                "start the application first",
            )
        if not told["user"] or (not told["entry"] and "No such file" not in output.stderr):
            raise ProbeError(f"{outputs.host}: the start script was told of in an unknown form")
        mode = told["entry"][0].split(" ", 1)[0] if told["entry"] else ""
        return cls(mode, told["user"][0], "executable" in told, outputs.evidence("app-executable"))


@dataclass(frozen=True, slots=True)
class Run:
    """How one run of the start script ended: its exit status and its words, without what may be a secret."""

    status: int
    said: str
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs, name: str) -> Run:
        """Read ``app-check`` or ``app-status``; ProbeError when the script could not be run."""
        output = outputs[name]
        told = by_key(output.stdout)
        if "missing" in told:
            raise ProbeError(f"{outputs.host}: there is no start script, or no environment file for it")
        if len(told["ended"]) != 1 or not is_number(told["ended"][0]):
            reason = output.stderr.strip().partition("\n")[0] or "it answered in an unknown form"
            raise ProbeError(f"{outputs.host}: the start script could not be run: {reason}")
        words = "; ".join(line for line in told["said"] if line.strip())
        return cls(int(told["ended"][0]), words[:500], outputs.evidence(name))
