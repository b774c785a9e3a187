"""What the packet filter hands on before ufw is asked: a container's published ports (checklist section 3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.firewall import FAMILIES, Family, table
from cutover.facts.packet_filter import Table, parse, walk
from cutover.facts.packets import Packets, parse_ports

COMMANDS = {
    # Where iptables writes by way of nft, tables of the older kind may lie beside those: the kernel asks both.
    "legacy-tables": Command(
        "if root grep -qs nat /proc/net/ip_tables_names /proc/net/ip6_tables_names; then"
        " root iptables-legacy-save && echo '# IPv6' && root ip6tables-legacy-save; fi"
    ),
}

DESTINATIONS = {"DNAT", "REDIRECT", "NETMAP"}  # the targets that change where packets go


@dataclass(frozen=True, slots=True)
class Forward:
    """Packets from outside that go elsewhere than they were sent, and where."""

    packets: Packets
    to: str

    def __str__(self) -> str:
        """Tell it without the conditions that hold for every stranger."""
        port = self.to.removeprefix(":")
        to = f"port {port} of the host itself" if port.isdecimal() else self.to
        return f"{replace(self.packets, besides=frozenset())} forwarded to {to}"


@dataclass(frozen=True, slots=True)
class Forwarding:
    """All that is forwarded, by family.

    Only a changed destination gets past ufw: whatever else another table accepts, the kernel then asks ufw's too.
    """

    forwards: dict[Family, frozenset[Forward]]
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> Forwarding:
        """Read all tables of iptables, and those of nft that iptables does not tell."""
        older, _, older_six = outputs.text("legacy-tables").partition("# IPv6\n")
        nft = outputs.text("nft")
        forwards: dict[Family, frozenset[Forward]] = {}
        for family, legacy in zip(FAMILIES, (older, older_six), strict=True):
            nat = table(outputs, family, "nat")
            try:
                found = [*_changed(nat), *_changed(parse(legacy, "nat")), *_native(nft, family, nat)]
            except ValueError:
                raise ProbeError(f"{outputs.host}: iptables-save answered in an unknown form") from None
            forwards[family] = frozenset(found)
        return cls(forwards, outputs.evidence("iptables", "ip6tables", "nft", *COMMANDS))


def _changed(nat: Table) -> Iterator[Forward]:
    for met in walk(nat, "PREROUTING"):
        target = met.packets.destination
        # The kernel takes nothing from outside that is for loopback.
        if met.rule.target in DESTINATIONS and not (target and target.is_loopback):
            yield Forward(met.packets, re.sub(r"^--to\S* ", "", met.rule.options) or "the host itself")


def _native(nft: str, family: Family, nat: Table) -> Iterator[Forward]:
    """The statements of nft's own tables, and those in chains of the table nat that iptables has not told."""
    mine, other = ("ip", "ip6") if family == "ipv4" else ("ip6", "ip")
    of = chain = hook = ""
    for line in nft.splitlines():
        rule = re.sub(r' comment "[^"]*"', "", line.strip())
        if line.startswith("table "):
            of = rule.removesuffix(" {")
        elif line.startswith("\tchain "):
            chain, hook = rule.removeprefix("chain ").partition(" ")[0], ""
        elif match := re.match(r"type \w+ hook (\w+)", rule):
            hook = match[1]
        elif match := re.search(r"(?:^| )(?:dnat|redirect)(?: ip6?)?(?: to)?(?: (.+))?$", rule):
            asked = of.startswith((f"table {mine} ", "table inet ")) and f" {other} " not in f" {rule} "
            told = of == f"table {mine} nat" and chain in nat.chains and " counter " in f" {rule} "
            local = re.search(r'\biif(name)? "lo"| daddr (127\.|::1)', f" {rule}")
            if asked and not told and not local and hook != "output":
                yield from (Forward(packets, match[1] or "the host itself") for packets in _packets(rule))


def _packets(rule: str) -> list[Packets]:
    """``tcp dport { 80, 8000-8010 } …`` → one for each; without ports that can be read, any packets."""
    match = re.search(r"\b(tcp|udp) dport (\{[^{}]*\}|\S+)", rule)
    try:
        ports = parse_ports(re.sub(r"[{} ]", "", match[2]).replace("-", ":")) if match else []
    except ValueError:
        ports = []
    return [Packets(match[1], one) for one in ports] if match and ports else [Packets()]
