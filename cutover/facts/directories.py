"""The data and log directories, and who can write there (checklist section 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import by_key

Place = Literal["data", "logs"]

# Sets $user to whom the application runs as: by its unit, else by who holds its port.
SERVICE_USER = """\
user=$(systemctl show -p User --value -- "$SERVICE" 2>/dev/null)
if [ -z "$user" ]; then
  pid=$(root ss -ltnpH | awk -v end=":$BIND_PORT" 'substr($4, length($4) - length(end) + 1) == end' |
    grep -o 'pid=[0-9]*' | cut -d= -f2 | sort -nr | head -n 1)
  [ -z "$pid" ] || user=$(ps -o user:64= -p "$pid")
fi
user=$(getent passwd "${user:-/}" | cut -d: -f1)
"""

# What the service user can write is the kernel's own answer, given to that user: modes, ACLs, parents, mounts.
_DIRECTORIES = (
    SERVICE_USER
    + """\
echo "user $user"
ways=$(root ls -ldL "$DATA_DIR" "$LOG_DIR")
printf '%s\\n' "$ways" | sed 's/^/entry /'
printf '%s\\n' "$ways" | awk '{ print $4 }' | sort -u | while read -r group; do
  line=$(getent group "$group")
  gid=$(printf '%s' "$line" | cut -d: -f3)
  also=$(getent passwd | awk -F: -v gid="$gid" '$4 == gid { print $1 }' | head -n 20 | tr '\\n' ',')
  echo "members $group $(printf '%s' "$line" | cut -d: -f4),$also"
done
root namei -l "$DATA_DIR" "$LOG_DIR" | sed 's/^ */parent /'
if command -v getfacl >/dev/null; then root getfacl -pE -- "$DATA_DIR" "$LOG_DIR" | sed 's/^/acl /'; fi
root find "$DATA_DIR" "$LOG_DIR" -maxdepth 3 -perm -0002 ! -type l | head -n 20 | sed 's/^/open /'
if [ -n "$user" ]; then
  root runuser -u "$user" -- find -H "$DATA_DIR" "$LOG_DIR" -maxdepth 0 -writable | sed 's/^/writes /'
  root runuser -u "$user" -- find "$DATA_DIR" -maxdepth 3 ! -writable | grep -v '/lost+found$' |
    head -n 20 | sed 's/^/closed /'
fi
echo "place data $DATA_DIR"
echo "place logs $LOG_DIR"
"""
)

COMMANDS = {"directories": Command(_DIRECTORIES, seconds=20)}


@dataclass(frozen=True, slots=True)
class Directory:
    """``owner`` is empty where nothing is; ``others`` can write there beside root and the service user.

    ``open_parents`` are directories above it in which everybody can replace what it is.
    """

    path: str
    mode: str
    owner: str
    writable: bool
    others: frozenset[str]
    open_parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Directories:
    """``user`` is whom the application runs as; ``closed`` what is in the data directory and that user cannot write.

    ``open`` is what everybody can write in either directory. Both hold 20 paths at most.
    """

    user: str
    of: dict[Place, Directory]
    closed: tuple[str, ...]
    open: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Directories:
        """Read modes, groups and access lists; ProbeError when nobody can tell whom the application runs as."""
        told = by_key(outputs["directories"].stdout)
        places = dict(line.split(" ", 1) for line in told["place"] if " " in line)
        if set(places) != {"data", "logs"} or not told["user"]:
            raise ProbeError(f"{outputs.host}: the directories were told of in an unknown form")
        user = told["user"][0]
        if not user:
            raise ProbeError(
                f"{outputs.host}: nothing tells whom the application runs as: no unit, and nothing on its port",
                "start the application first",
            )
        return cls(
            user=user,
            of={"data": _directory(outputs, told, places["data"]), "logs": _directory(outputs, told, places["logs"])},
            closed=tuple(told["closed"]),
            open=tuple(told["open"]),
            evidence=outputs.evidence("directories"),
        )


def _directory(outputs: Outputs, told: dict[str, list[str]], path: str) -> Directory:
    lines = [line for line in told["entry"] if line.endswith(f" {path}")]
    if not lines:
        return Directory(path, "", "", False, frozenset(), ())
    entry = re.match(r"(d[rwxsStT-]{9})([.+@]?)\s+\d+\s+(\S+)\s+(\S+)\s", lines[0])
    if not entry:
        raise ProbeError(f"{outputs.host}: {path} is no directory, or was told of in an unknown form")
    mode, mark, owner, group = entry.groups()
    rights = [("user", owner, mode[2] == "w"), ("other", "everybody", mode[8] == "w")]
    if mark == "+":
        rights += _access_list(outputs, told, path, group)
    else:
        rights.append(("group", group, mode[5] == "w"))
    writers: set[str] = set()
    for kind, name, may in rights:
        if may:
            writers |= _members(told, name) if kind == "group" else {name}
    user = told["user"][0]
    return Directory(
        path=path,
        mode=mode + mark.replace(".", ""),
        owner=owner,
        writable=path in told["writes"],
        others=frozenset(writers - {"root", user}),
        open_parents=_open_parents(told, path),
    )


def _members(told: dict[str, list[str]], group: str) -> set[str]:
    """The members of a group by name; a group that was not looked up stands for them."""
    for line in told["members"]:
        name, _, members = line.partition(" ")
        if name == group:
            return set(filter(None, members.split(",")))
    return {f"group {group}"}


def _access_list(outputs: Outputs, told: dict[str, list[str]], path: str, group: str) -> list[tuple[str, str, bool]]:
    """Who may write by the access list of ``path``, as far as its mask lets them."""
    lines = told["acl"]
    if f"# file: {path}" not in lines:
        raise ProbeError(f"{outputs.host}: {path} has an access list, and getfacl is not installed to read it")
    start = lines.index(f"# file: {path}") + 1
    entries = []
    for line in lines[start:]:
        if line.startswith("# file:"):
            break
        if found := re.match(r"(user|group|mask):([^:]*):(.)(.)(.)", line):
            entries.append((found[1], found[2], found[4] == "w"))
    mask = all(may for kind, _, may in entries if kind == "mask")
    return [
        (kind, name or group, may and mask)
        for kind, name, may in entries
        if kind == "group" or (kind == "user" and name)
    ]


def _open_parents(told: dict[str, list[str]], path: str) -> tuple[str, ...]:
    """The directories above ``path``, links followed, that everybody can write and that are not sticky."""
    modes: list[tuple[str, str]] = []
    inside = False
    for line in told["parent"]:
        if line.startswith("f: "):
            inside = line == f"f: {path}"
        elif inside and (entry := re.match(r"(d\S{9})\s+\S+\s+\S+\s+(.+)$", line)):
            modes.append((entry[1], entry[2]))
    return tuple(name for mode, name in modes[:-1] if mode[8] == "w" and mode[9] not in "tT")
