"""The firewall as the host itself has it: ufw's word and the packet filter's (checklist section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs

COMMANDS = {
    "ufw-status": Command("root ufw status verbose"),
    "ufw-conf": Command("cat /etc/ufw/ufw.conf"),
    "ufw-default": Command("cat /etc/default/ufw"),
    "ufw-enabled": Command("systemctl is-enabled ufw.service"),
    "iptables": Command("root iptables -S | grep -E '^-[PA] (INPUT|ufw-user-input) '"),
    "ip6tables": Command("root ip6tables -S | grep -E '^-[PA] (INPUT|ufw6-user-input) '"),
}

Family = Literal["ipv4", "ipv6"]
FAMILIES: tuple[Family, Family] = ("ipv4", "ipv6")


@dataclass(frozen=True, slots=True)
class Firewall:
    """``allowed`` holds what may come in, by family, as ``22/tcp`` or ``22/tcp from 203.0.113.0/24``.

    ``default_incoming`` is ufw's word for what no rule names; ``filter_policies`` is what the kernel's INPUT
    chain does with it, ``filter_hooked`` whether that chain leads through ufw's own chains before it lets anything
    in, and ``filter_accepts`` what these let in. ``manages_ipv6`` is ufw's own switch.
    """

    active: bool
    default_incoming: str
    allowed: dict[Family, frozenset[str]]
    enabled_in_conf: bool
    enabled_at_boot: bool
    manages_ipv6: bool
    filter_policies: dict[Family, str]
    filter_hooked: dict[Family, bool]
    filter_accepts: dict[Family, frozenset[str]]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Firewall:
        """Read ufw and both packet filters; ProbeError when one of them does not tell."""
        status = outputs.text("ufw-status")
        state = re.search(r"(?m)^Status: (active|inactive)$", status)
        default = re.search(r"(?m)^Default: (\w+) \(incoming\)", status)
        if not state or (state[1] == "active" and not default):
            raise _unknown(outputs, "ufw status")
        filters: dict[Family, str] = {"ipv4": outputs.text("iptables"), "ipv6": outputs.text("ip6tables")}
        if outputs["ufw-enabled"].rc == 127:
            outputs.text("ufw-enabled")
        switch = re.findall(r"(?mi)^\s*IPV6=\"?(\w+)", outputs.text("ufw-default"))
        return cls(
            active=state[1] == "active",
            default_incoming=default[1] if default else "allow",
            allowed=_allowed(outputs, status),
            enabled_in_conf=bool(re.search(r"(?mi)^\s*ENABLED=yes\s*$", outputs.text("ufw-conf"))),
            enabled_at_boot=outputs["ufw-enabled"].stdout.strip() == "enabled",
            manages_ipv6=[word.lower() for word in switch[-1:]] == ["yes"],
            filter_policies={family: _policy(outputs, rules) for family, rules in filters.items()},
            filter_hooked={
                "ipv4": _leads_through("ufw-before-input", filters["ipv4"]),
                "ipv6": _leads_through("ufw6-before-input", filters["ipv6"]),
            },
            filter_accepts={family: _accepts(rules) for family, rules in filters.items()},
            evidence=outputs.evidence(*COMMANDS),
        )


def each_port(rules: Iterable[str]) -> set[str]:
    """The ports that rules speak of, whoever may come: ``6000:6001/tcp from …`` → 6000/tcp, 6001/tcp."""
    found = set()
    for rule in rules:
        match = re.match(r"(?:[\d.]+ |[\da-f:]*:[\da-f:]+ )?(\d+)(?::(\d+))?(?:/(tcp|udp))?(?= |$)", rule)
        if match:
            numbers = range(int(match[1]), int(match[2] or match[1]) + 1)
            found |= {
                f"{number}/{proto}" for number in numbers for proto in ([match[3]] if match[3] else ["tcp", "udp"])
            }
    return found


def by_protocol(rules: Iterable[str]) -> set[str]:
    """``22`` stands for two rules of the packet filter: 22/tcp, 22/udp."""
    found = set()
    for rule in rules:
        port = re.match(r"((?:\S+[.:]\S+ )?\d+(?::\d+)?)(?= |$)", rule)
        found |= {f"{port[1]}/{proto}{rule[port.end() :]}" for proto in ("tcp", "udp")} if port else {rule}
    return found


def _unknown(outputs: Outputs, program: str) -> ProbeError:
    return ProbeError(f"{outputs.host}: {program} answered in an unknown form")


def _allowed(outputs: Outputs, status: str) -> dict[Family, frozenset[str]]:
    """Read the table of rules: ``To  Action  From``, in columns that grow when a word is longer."""
    allowed: dict[Family, set[str]] = {"ipv4": set(), "ipv6": set()}
    _, _, table = status.partition("\n--")
    for line in table.splitlines()[1:]:
        if not line.strip():
            continue
        rule = re.match(r"(\S.*?)\s+(ALLOW|LIMIT|DENY|REJECT) (IN|OUT|FWD)\s+(\S.*)$", line)
        if not rule:
            raise _unknown(outputs, "ufw status")
        to, action, direction, source = rule.groups()
        source = source.partition(" # ")[0]
        if action in ("ALLOW", "LIMIT") and direction == "IN":
            family: Family = "ipv6" if "(v6)" in to + source or re.search(r":[\da-f]*:", f"{to} {source}") else "ipv4"
            allowed[family] |= _rules(_bare(to), _bare(source))
    return {family: frozenset(rules) for family, rules in allowed.items()}


def _bare(words: str) -> str:
    """``22/tcp (OpenSSH (v6)) on eth0`` → ``22/tcp on eth0``."""
    before = ""
    while before != words:
        before, words = words, re.sub(r"\s*\([^()]*\)", "", words)
    return words.strip()


def _rules(to: str, source: str) -> set[str]:
    """One rule, or one for each port of a list."""
    ports = re.match(r"(.* )?([\d:]+(?:,[\d:]+)+)(/\w+.*)", to)
    each = [f"{ports[1] or ''}{port}{ports[3]}" for port in ports[2].split(",")] if ports else [to]
    return {one if source == "Anywhere" else f"{one} from {source}" for one in each}


def _policy(outputs: Outputs, rules: str) -> str:
    policy = re.search(r"(?m)^-P INPUT (\w+)$", rules)
    if not policy:
        raise _unknown(outputs, "iptables")
    return policy[1]


def _leads_through(chain: str, rules: str) -> bool:
    """Whether that chain is asked before anything from outside is let in."""
    before, jump, _ = rules.partition(f"-A INPUT -j {chain}")
    return bool(jump) and not re.search(r"(?m)^-A INPUT (?!.*-i lo\b).*-j ACCEPT", before)


def _accepts(rules: str) -> frozenset[str]:
    """What ufw's rules let in by the packet filter's own word, as ufw would tell it, each protocol by itself."""
    found = set()
    for rule in re.findall(r"(?m)^-A ufw6?-user-input (.*-j (?:ACCEPT|ufw6?-user-limit-accept))\b", rules):
        words = {key: re.sub(r"/(32|128)$", "", value) for key, value in re.findall(r"(?:^| )--?(\w+) (\S+)", rule)}
        proto = f"/{words['p']}" if "p" in words else ""
        to_port, from_port = (words.get(f"{end}ports", words.get(f"{end}port", "")) for end in "ds")
        to = _end(words.get("d", ""), to_port, proto)
        # ufw tells a protocol without a port at both ends.
        source = _end(words.get("s", ""), from_port, "" if to_port and not from_port else proto)
        found |= _rules(to + (f" on {words['i']}" if "i" in words else ""), source)
    return frozenset(found)


def _end(address: str, ports: str, proto: str) -> str:
    """One end of a rule as ufw tells it: ``80/tcp``, ``192.0.2.7 80/tcp``, ``Anywhere``, ``Anywhere/esp``."""
    return f"{address} {ports}{proto}".strip() if ports else f"{address or 'Anywhere'}{proto}"
