"""What listens on the server (checklist section 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs

COMMANDS = {
    # Without root it tells the same but the programs' names.
    "listeners": Command("root ss -ltunpH 2>/dev/null || ss -ltunH"),
}


@dataclass(frozen=True, slots=True)
class Listener:
    """One open socket; ``program`` is empty where it is not known."""

    port: str  # 22/tcp
    address: str
    program: str


@dataclass(frozen=True, slots=True)
class Listeners:
    """Everything that listens beyond loopback, TCP and UDP, IPv4 and IPv6."""

    exposed: frozenset[Listener]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Listeners:
        """Read ss."""
        found = {_listener(outputs, line) for line in outputs.text("listeners").splitlines() if line.strip()}
        if not found:
            raise ProbeError(f"{outputs.host}: ss tells of nothing that listens")
        return cls(
            exposed=frozenset(one for one in found if not _is_loopback(one.address)),
            evidence=outputs.evidence("listeners"),
        )


def _listener(outputs: Outputs, line: str) -> Listener:
    fields = line.split(None, 6)
    if len(fields) >= 6 and fields[0] in ("tcp", "udp"):
        address, _, port = fields[4].rpartition(":")
        if port.isdecimal() and address:
            program = re.search(r'users:\(\("([^"]+)"', line)
            return Listener(f"{port}/{fields[0]}", address, program[1] if program else "")
    raise ProbeError(f"{outputs.host}: ss answered in an unknown form: {line[:100]!r}")


def _is_loopback(told: str) -> bool:
    """``*`` and what carries no address are open to all."""
    try:
        address = ip_address(told.strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback
