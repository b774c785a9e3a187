"""All that can be told of a host at one moment, and what differs between two of them."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from lab.host import Host

# The kernel's own views; what they show of a host is asked for below.
NOT_ENTERED = ("/proc", "/sys", "/dev")
STATES = {
    "package": "dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n'",
    "unit": "systemctl list-units --all --plain --no-legend --full | awk '{print $1, $2, $3, $4}'",
    "unit file": "systemctl list-unit-files --no-legend --full",
    "socket": r"ss -Hlntup | awk '{print $1, $5, $7}' | sed -E 's/(pid|fd)=[0-9]+,?//g'",
    "cron job": "for user in $(getent passwd | cut -d: -f1); do crontab -l -u $user; done 2>&-; cat /etc/cron.d/*",
    "firewall": "nft -s list ruleset; ufw status verbose",
    "account": "getent passwd; getent group; getent shadow",
    # Two lines of newer releases differ each time.
    "database": r"runuser -u postgres -- pg_dumpall | sed -E '/^.(un)?restrict /d'",
    "mount": "cat /proc/1/mounts",
    "process": "ps -eo user:20,args --no-headers | grep -vE ' (ps|grep|sort|sh|/bin/sh) | \\(sd-pam\\)'",
}
_CHUNK = 2**20


class Entry(NamedTuple):
    """One path. The time of the last change is the kernel's: nobody can set it, as they can that of the content.

    Of a folder it is left out: an overlay copies the folders above a file that is written.
    """

    mode: int
    owner: tuple[int, int]
    size: int
    modified: int
    changed: int
    content: str


class Snapshot(NamedTuple):
    """One host at one moment: each path of it, and the lines of each state."""

    files: dict[str, Entry]
    states: dict[str, frozenset[str]]


class Difference(NamedTuple):
    """One thing that is otherwise than before; ``grew`` when it is a file to whose end something was added."""

    what: str
    name: str
    how: str
    grew: bool = False


def take(host: Host) -> Snapshot:
    """Look at everything."""
    # Before the files: some of these programs leave a lock.
    states = {what: frozenset(host.run(f"{{ {line}; }} | sort").stdout.splitlines()) for what, line in STATES.items()}
    with ThreadPoolExecutor(max_workers=4) as pool:
        files = dict(pool.map(_entry, _paths(host.seen_from_inside), chunksize=64))
    return Snapshot({path: entry for path, entry in files.items() if entry}, states)


def differences(host: Host, before: Snapshot, after: Snapshot) -> Iterator[Difference]:
    """Whatever is otherwise."""
    for path in sorted(before.files.keys() | after.files.keys()):
        was, now = before.files.get(path), after.files.get(path)
        if was is None or now is None:
            yield Difference("file", path, "is new" if was is None else "is gone")
        elif was != now:
            names = [name for name, a, b in zip(Entry._fields, was, now, strict=True) if a != b]
            same = was.mode == now.mode and was.owner == now.owner and stat.S_ISREG(now.mode)
            grew = same and now.size >= was.size and _digest(_inside(host, path), was.size) == was.content
            yield Difference("file", path, "grew" if grew else f"differs in {', '.join(names)}", grew)
    for what in STATES:
        for line in sorted(before.states[what] ^ after.states[what]):
            yield Difference(what, line, "is new" if line in after.states[what] else "is gone")


def _inside(host: Host, path: str) -> Path:
    return Path(f"{host.seen_from_inside}{path}")


def _paths(root: Path) -> Iterator[tuple[Path, str]]:
    waiting = [""]
    while waiting:
        place = waiting.pop()
        with os.scandir(f"{root}{place or '/'}") as entries:
            for entry in entries:
                path = f"{place}/{entry.name}"
                if path in NOT_ENTERED:
                    continue
                yield root, path
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)


def _entry(place: tuple[Path, str]) -> tuple[str, Entry | None]:
    root, path = place
    file = Path(f"{root}{path}")
    try:
        told = file.lstat()
        content = ""
        if stat.S_ISREG(told.st_mode):
            content = _digest(file, told.st_size)
        elif stat.S_ISLNK(told.st_mode):
            content = os.readlink(file)
    except OSError:  # it went away in between
        return path, None
    times = told.st_mtime_ns, 0 if stat.S_ISDIR(told.st_mode) else told.st_ctime_ns
    return path, Entry(told.st_mode, (told.st_uid, told.st_gid), told.st_size, *times, content)


def _digest(file: Path, size: int) -> str:
    """Of the first ``size`` bytes."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while size > 0 and (block := content.read(min(size, _CHUNK))):
            digest.update(block)
            size -= len(block)
    return digest.hexdigest()


def matches(patterns: dict[str, str], text: str) -> str | None:
    """Why this may differ: the reason beside the first pattern that fits all of it."""
    return next((reason for pattern, reason in patterns.items() if re.fullmatch(pattern, text)), None)
