"""The packet filter as ``iptables-save`` tells it, walked the way a stranger's first packet goes.

What counts is the effect: a rule of whoever wrote it, in whatever chain, is asked in its turn.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from cutover.facts.lines import words_of
from cutover.facts.packets import Packets, Ports, parse_network, parse_ports, spoken

STEPS = 100_000  # a bound on how many rules are asked, over all chains and jumps, or compared
DEPTH = 30  # of chains that jump to chains

# What goes on its way after it was seen to, and what goes no further. Any other target may let it in.
WATCHERS = {"LOG", "NFLOG", "ULOG", "AUDIT", "TRACE", "MARK", "CONNMARK", "SET"}
REFUSALS = {"DROP", "REJECT", "TARPIT"}

ICMP = {"icmp", "icmpv6", "ipv6-icmp"}
# A host without /etc/protocols tells the number.
PROTOCOLS = {"1": "icmp", "2": "igmp", "6": "tcp", "17": "udp", "41": "ipv6", "47": "gre", "50": "esp", "51": "ah"}
PROTOCOLS |= {"58": "ipv6-icmp", "112": "vrrp"}
# Modules that are no condition by themselves; their options are.
MODULES = {"tcp", "udp", "udplite", "sctp", "dccp", "icmp", "icmp6", "comment", "conntrack", "state", "multiport"}

# What ufw's own before.rules let in beside ICMP: answers to the DHCP client, mDNS, UPnP.
OF_UFW = (
    *spoken("68/udp", "67/udp"),
    *spoken("224.0.0.251 5353/udp"),
    *spoken("239.255.255.250 1900/udp"),
    *spoken("fe80::/10 546/udp", "fe80::/10 547/udp"),
    *spoken("ff02::fb 5353/udp"),
    *spoken("ff02::f 1900/udp"),
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: whom it speaks of, where it sends them, and the words behind that."""

    packets: tuple[Packets, ...]  # one for each port of a list
    target: str
    goto: bool = False
    options: str = ""


@dataclass(frozen=True, slots=True)
class Met:
    """A rule on the way, the packets that can come to it, and whether none of them has returned before."""

    packets: Packets
    rule: Rule
    all_of_them: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One table: the policies of the kernel's own chains, and the rules of all chains, in order."""

    policies: dict[str, str] = field(default_factory=dict)
    chains: dict[str, list[Rule]] = field(default_factory=dict)


def parse(text: str, name: str) -> Table:
    """Read one table of what ``iptables-save`` printed; ValueError when it is not its form.

    A table that nobody has written to is not there: it is empty, and lets all in.
    """
    table, here = Table(), False
    for line in text.splitlines():
        if line.startswith("*"):
            here = line == f"*{name}"
        elif here and (match := re.match(r":(\S+) (\S+)", line)):
            table.chains[match[1]] = []
            if match[2] != "-":
                table.policies[match[1]] = match[2]
        elif here and (match := re.fullmatch(r"-A (\S+) ?(.*)", line)):
            if match[1] not in table.chains:
                raise ValueError(line)
            if rule := _rule(words_of(match[2])):
                table.chains[match[1]].append(rule)
        elif not re.match(r"#|COMMIT$|$|:|-A ", line):
            raise ValueError(line)
    return table


def walk(table: Table, start: str) -> Iterator[Met]:
    """Each rule that a new packet from outside can come to, in order, and of jumps where they end.

    ValueError when there are more than are asked.
    """
    left = STEPS

    def follow(chain: str, path: Packets, gone: tuple[Packets, ...], depth: int) -> Iterator[Met]:
        """``gone`` are those that returned from this chain, or from one on the way to it."""
        nonlocal left
        for rule in table.chains[chain]:
            for packets in rule.packets:
                left -= 1 + len(gone)
                if left < 0 or depth > DEPTH:
                    raise ValueError("too many rules")
                met = path.both(packets)
                if met is None or any(one.covers(met) for one in gone):
                    continue
                if rule.target in table.chains:
                    yield from follow(rule.target, met, gone, depth + 1)
                elif rule.target != "RETURN":
                    yield Met(met, rule, all_of_them=not any(one.both(met) for one in gone))
                if rule.goto or rule.target == "RETURN":
                    gone = (*gone, met)

    if start in table.chains:
        yield from follow(start, Packets(), (), 0)


def accepted(table: Table) -> Iterator[tuple[Packets, bool]]:
    """Those the rules of INPUT speak of and whether they accept, without what ufw lets in on every host.

    ICMP opens no port and is not told.
    """
    for met in walk(table, "INPUT"):
        packets, target = met.packets, met.rule.target
        if target in REFUSALS:
            if met.all_of_them:
                yield packets, False
        elif target not in WATCHERS and packets.protocol not in ICMP:
            odd = set() if target == "ACCEPT" else {f"-j {target}" if target else "no verdict that is told"}
            if odd or not any(one.covers(packets) for one in OF_UFW):
                yield replace(packets, besides=packets.besides | odd), True


def _rule(words: list[str]) -> Rule | None:
    """Read one; None for one that no new packet from outside meets, and for one that only takes note."""
    packets, besides = Packets(), set()
    ports: dict[str, tuple[Ports | None, ...]] = {"d": (None,), "s": (None,)}
    given, jump = _conditions(words)
    for condition in given:
        negated, key, *values = condition
        match negated, key, values:
            case ["", "-i", ["lo"]]:
                return None
            case ["", "--ctstate" | "--state", [states]] if {*states.split(",")} <= {"RELATED", "ESTABLISHED"}:
                return None
            case ["", "-p", [protocol]]:
                packets = replace(packets, protocol=PROTOCOLS.get(protocol, protocol))
            case ["", "-i", [interface]]:
                packets = replace(packets, interface=interface)
            case ["", "-s", [address]] if address.startswith(("127.", "::1/")):
                return None
            case ["", "-s", [address]] if "/255." not in address:
                packets = replace(packets, source=parse_network(address))
            case ["", "-d", [address]] if "/255." not in address:
                packets = replace(packets, destination=parse_network(address))
            case ["", "--dport" | "--dports" | "--sport" | "--sports", [told]] if ports[key[2]] == (None,):
                ports[key[2]] = tuple(parse_ports(told))
            case _ if not _is_no_condition(condition):
                besides.add(" ".join(filter(None, condition)))
    if not jump and any(one.startswith("-m recent") for one in besides):
        return None
    return Rule(
        packets=tuple(
            replace(packets, ports=to, source_ports=source, besides=frozenset(besides))
            for to in ports["d"]
            for source in ports["s"]
        ),
        target=jump[1] if jump else "",
        goto=jump[:1] == ["-g"],
        options=" ".join(jump[2:]),
    )


def _is_no_condition(condition: tuple[str, ...]) -> bool:
    """Whether all new packets from outside meet it, or those of the protocol that is told beside it."""
    match condition:
        case ("", "--comment", *_) | ("!", "-i", "lo"):
            return True
        case ("", "-m", module):
            return module in MODULES
        case ("", "--ctstate" | "--state", states):
            return "NEW" in states.split(",")
        case _:
            return condition == ("", "--tcp-flags", "FIN,SYN,RST,ACK", "SYN")


def _conditions(words: list[str]) -> tuple[list[tuple[str, ...]], list[str]]:
    """``! -i lo -p tcp --dport 22 -j ACCEPT`` → (!, -i, lo), ("", -p, tcp), ("", --dport, 22); then the jump."""
    found: list[tuple[str, ...]] = []
    start = 0
    while start < len(words) and words[start] not in ("-j", "-g"):
        key = start + (words[start] == "!")
        # What a comment says is no word of the rule's.
        end = key + 2 if words[key : key + 1] == ["--comment"] else key + 1
        while end < len(words) and words[end] != "!" and not words[end].startswith("-"):
            end += 1
        found.append(("!" if key > start else "", *words[key:end]))
        start = end
    jump = words[start:]
    if len(jump) == 1:
        raise ValueError("a jump to nowhere")
    return found, jump
