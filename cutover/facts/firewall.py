"""The firewall as the host itself has it: ufw's word and the packet filter's (checklist section 3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs

COMMANDS = {
    "ufw-status": Command("root ufw status verbose"),
    "ufw-conf": Command("cat /etc/ufw/ufw.conf"),
    "ufw-enabled": Command("systemctl is-enabled ufw.service"),
    "iptables": Command("root iptables -S INPUT"),
    "ip6tables": Command("root ip6tables -S INPUT"),
}

Family = Literal["ipv4", "ipv6"]


@dataclass(frozen=True, slots=True)
class Firewall:
    """``allowed`` holds what may come in, by family, as ``22/tcp`` or ``22/tcp from 203.0.113.0/24``.

    ``default_incoming`` is ufw's word for what no rule names; ``filter_policies`` is what the kernel's INPUT
    chain does with it and ``filter_hooked`` whether that chain leads through ufw's own chains at all.
    """

    active: bool
    default_incoming: str
    allowed: dict[Family, frozenset[str]]
    enabled_in_conf: bool
    enabled_at_boot: bool
    filter_policies: dict[Family, str]
    filter_hooked: dict[Family, bool]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Firewall:
        """Read ufw and both packet filters; ProbeError when one of them does not tell."""
        status = outputs.text("ufw-status")
        state = re.search(r"(?m)^Status: (\w+)$", status)
        if not state:
            raise ProbeError(f"{outputs.host}: ufw status answered in an unknown form")
        default = re.search(r"(?m)^Default: (\w+) \(incoming\)", status)
        rules = re.findall(r"(?m)^(\S.*?)\s{2,}(?:ALLOW|LIMIT) IN\s+(\S.*)$", status)
        filters: dict[Family, str] = {"ipv4": outputs.text("iptables"), "ipv6": outputs.text("ip6tables")}
        return cls(
            active=state[1] == "active",
            default_incoming=default[1] if default else "allow",
            allowed={
                "ipv4": frozenset(_rule(to, source) for to, source in rules if "(v6)" not in to + source),
                "ipv6": frozenset(_rule(to, source) for to, source in rules if "(v6)" in to + source),
            },
            enabled_in_conf=bool(re.search(r"(?mi)^\s*ENABLED=yes\s*$", outputs.text("ufw-conf"))),
            enabled_at_boot=outputs["ufw-enabled"].stdout.strip() == "enabled",
            filter_policies={family: _policy(outputs, rules) for family, rules in filters.items()},
            filter_hooked={
                "ipv4": "-j ufw-before-input" in filters["ipv4"],
                "ipv6": "-j ufw6-before-input" in filters["ipv6"],
            },
            evidence=outputs.evidence(*COMMANDS),
        )


def _rule(to: str, source: str) -> str:
    """``22/tcp (OpenSSH) (v6)``, ``Anywhere (v6)  # note`` → ``22/tcp``."""
    to = re.sub(r"\s+\([^)]*\)", "", to).strip()
    source = re.sub(r"\s+\([^)]*\)", "", source.partition("#")[0]).strip()
    return to if source == "Anywhere" else f"{to} from {source}"


def _policy(outputs: Outputs, rules: str) -> str:
    policy = re.search(r"(?m)^-P INPUT (\w+)$", rules)
    if not policy:
        raise ProbeError(f"{outputs.host}: iptables answered in an unknown form")
    return policy[1]
