"""The application's systemd unit, as systemd has it (checklist section 10)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cutover.errors import NotPromised, ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs

_PROPERTIES = (
    "LoadState,UnitFileState,ActiveState,SubState,NeedDaemonReload,User,ControlGroup,Restart,NRestarts,"
    "ExecStart,ActiveEnterTimestamp"
)

# Times in UTC, so that no name of a zone has to be understood.
_UNIT = (
    '[ -n "$SERVICE" ] || exit 0\ndate "+Now=%s"\n'
    + f'shown=$(TZ=UTC systemctl show -p {_PROPERTIES} -- "$SERVICE") || exit\n'
    + """\
printf '%s\\n' "$shown" | cut -c 1-2000
printf '%s\\n' "$shown" | sed -n 's/^ExecStart={ path=\\([^ ;]*\\).*/\\1/p' | head -n 10 | while read -r path; do
  if [ -x "$path" ]; then echo "Exists=$path"
  elif [ -e "${path%/*}" ] && [ ! -x "${path%/*}" ]; then echo "Hidden=$path"; fi
done
"""
)

COMMANDS = {"unit": Command(_UNIT)}


@dataclass(frozen=True, slots=True)
class Service:
    """The unit's properties by systemd's own words; ``age`` in seconds since it became active, None when it is not.

    ``programs`` are what it starts, and whether each can be run.
    """

    load: str
    file: str
    active: str
    sub: str
    reload_owed: bool
    user: str
    group: str
    restart: str
    restarts: int
    age: int | None
    programs: dict[str, bool]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Service:
        """Read ``systemctl show``; NotDeclared where the inventory says that there is no unit."""
        text = outputs.text("unit")
        if not text:
            raise NotPromised("the inventory declares that the application runs without systemd (service = '')")
        lines = [line.partition("=") for line in text.splitlines()]
        told = {key: value for key, _, value in lines}
        try:
            hidden = told.get("Hidden")
            if hidden:
                raise ProbeError(f"{outputs.host}: the account that looks may not see {hidden}", "verify as root")
            starts = [
                match for key, _, value in lines if key == "ExecStart" for match in re.findall(r"path=([^ ;]+)", value)
            ]
            there = {value for key, _, value in lines if key == "Exists"}
            restarts = told["NRestarts"]
            return cls(
                load=told["LoadState"],
                file=told["UnitFileState"],
                active=told["ActiveState"],
                sub=told["SubState"],
                reload_owed=_yes(told["NeedDaemonReload"]),
                user=told.get("User", ""),
                group=told.get("ControlGroup", ""),
                restart=told.get("Restart", ""),
                restarts=int(restarts),
                age=_age(told["ActiveEnterTimestamp"], told["Now"]) if told["ActiveState"] == "active" else None,
                programs={path: path in there for path in starts},
                evidence=outputs.evidence("unit"),
            )
        except (KeyError, ValueError):
            raise ProbeError(f"{outputs.host}: systemctl show answered in an unknown form") from None


def _yes(word: str) -> bool:
    if word not in ("yes", "no"):
        raise ValueError(word)
    return word == "yes"


def _age(stamp: str, now: str) -> int:
    """``Tue 2026-11-24 00:38:22 UTC`` and an epoch → seconds between."""
    at = datetime.strptime(stamp, "%a %Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    return int(now) - int(at.timestamp())
