"""Packets, as a rule speaks of them: in one form for ufw's words, the packet filter's and the inventory's."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network
Ports = tuple[int, int]  # first and last

# Bounds on what is compared with each other. Thousands that are shut out are within them.
ACCEPTED = 500
COMPARED = 2_000_000


@dataclass(frozen=True, slots=True)
class Packets:
    """The packets a rule speaks of. A field that is empty stands for any.

    ``besides`` holds further conditions, in the packet filter's own words: ``! -s 203.0.113.0/24``.
    """

    protocol: str = ""
    ports: Ports | None = None
    destination: Network | None = None
    source: Network | None = None
    source_ports: Ports | None = None
    interface: str = ""
    besides: frozenset[str] = frozenset()

    def __str__(self) -> str:
        """Tell it as ufw would: ``22/tcp``, ``192.0.2.7 443/tcp on eth0 from 203.0.113.0/24``, ``Anywhere/esp``."""
        # A protocol without any port is told with the destination.
        end = self.protocol if self.ports or not self.source_ports else ""
        told = _end(self.destination, self.ports, end)
        if self.interface:
            told += f" on {self.interface}"
        if self.source or self.source_ports:
            told += f" from {_end(self.source, self.source_ports, self.protocol if self.source_ports else '')}"
        return f"{told} with {' '.join(sorted(self.besides))}" if self.besides else told

    def covers(self, other: Packets) -> bool:
        """Whether each of the other's packets is one of these."""
        return (
            self.protocol in ("", other.protocol)
            and _spans(self.ports, other.ports)
            and _contains(self.destination, other.destination)
            and _contains(self.source, other.source)
            and _spans(self.source_ports, other.source_ports)
            and self.interface in ("", other.interface)
            and self.besides <= other.besides
        )

    def both(self, other: Packets) -> Packets | None:
        """The packets of which both speak, None when there are none."""
        besides = self.besides | other.besides
        if self.interface and other.interface not in ("", self.interface):
            if "+" not in self.interface + other.interface:
                return None
            besides |= {f"-i {other.interface}"}
        try:
            return Packets(
                protocol=_same(self.protocol, other.protocol),
                ports=_overlap(self.ports, other.ports),
                destination=_common(self.destination, other.destination),
                source=_common(self.source, other.source),
                source_ports=_overlap(self.source_ports, other.source_ports),
                interface=self.interface or other.interface,
                besides=besides,
            )
        except _Nothing:
            return None


class _Nothing(Exception):
    """Two conditions that no packet meets at once."""


def let_in(rules: Iterable[tuple[Packets, bool]]) -> frozenset[str]:
    """What rules let in that are asked one after the other, each with whether it accepts; ValueError over the bound.

    What an earlier one has refused is not let in. A refusal that takes only a part away is told with it, unless
    it is for some sources only: who shuts out a scanner still lets the world in.
    """
    told: dict[Packets, str] = {}
    refused: list[Packets] = []
    left = COMPARED
    for packets, accepts in rules:
        if not accepts:
            refused.append(packets)
            continue
        left -= len(refused)
        if left < 0 or len(told) > ACCEPTED:
            raise ValueError("too many rules")
        if not any(one.covers(packets) for one in refused):
            parts = [one for one in refused if _is_for_all(one) and one.both(packets)]
            told.setdefault(packets, f"{packets} but not {' or '.join(map(str, parts))}" if parts else str(packets))
    whole = [one for one, text in told.items() if text == str(one)]
    # What a wider one holds already says nothing new.
    return frozenset(text for one, text in told.items() if not any(wide != one and wide.covers(one) for wide in whole))


def spoken(to: str, source: str = "Anywhere") -> list[Packets]:
    """The packets of ufw's words for the two ends of a rule; ValueError when they are no such words.

    A list of ports is one for each; ports without a protocol are those of TCP and of UDP.
    """
    to, _, interface = to.partition(" on ")
    destination, ports, protocol = _parse_end(to)
    origin, source_ports, other = _parse_end(source)
    if (interface and not re.fullmatch(r"[^\s/]{1,16}", interface)) or (protocol and other not in ("", protocol)):
        raise ValueError(f"{to} from {source}")
    protocol = protocol or other
    return [
        Packets(each, here, destination, origin, there, interface)
        for each in (["tcp", "udp"] if (ports or source_ports) and not protocol else [protocol])
        for here in (*ports,) or (None,)
        for there in (*source_ports,) or (None,)
    ]


def promises(rules: Iterable[str]) -> list[Packets]:
    """The packets of an inventory's rules: ``22/tcp``, ``22/tcp from 203.0.113.0/24``; others are passed over."""
    found = []
    for rule in rules:
        to, _, source = rule.partition(" from ")
        try:
            found += spoken(to, source or "Anywhere")
        except ValueError:
            continue
    return found


def meant(rules: Collection[str]) -> frozenset[str]:
    """An inventory's rules by their meaning, as ``let_in`` tells it; what is no such rule stays as it is."""
    odd = {rule for rule in rules if not promises([rule])}
    return let_in((packets, True) for packets in promises(rules)) | odd


def each_port(rules: Iterable[str]) -> set[str]:
    """The ports that rules speak of, whoever may come: ``6000:6001/tcp from …`` → 6000/tcp, 6001/tcp."""
    return {
        f"{number}/{one.protocol}"
        for one in promises(rules)
        if one.ports
        for number in range(one.ports[0], one.ports[1] + 1)
    }


def parse_ports(text: str) -> list[Ports]:
    """``80,6000:6007`` → (80, 80), (6000, 6007); ValueError when it is no list of ports."""
    found = []
    for one in text.split(","):
        match = re.fullmatch(r"([0-9]{1,5})(?::([0-9]{1,5}))?", one)
        if not match or not int(match[1]) <= int(match[2] or match[1]) <= 65535:
            raise ValueError(text)
        found.append((int(match[1]), int(match[2] or match[1])))
    return found


def parse_network(text: str) -> Network | None:
    """An address or a network, None for all there is; ValueError when it is neither."""
    network = ip_network(text)
    return network if network.prefixlen else None


def _parse_end(words: str) -> tuple[Network | None, list[Ports], str]:
    """``192.0.2.7 80,443/tcp``, ``22``, ``10.0.0.0/8/esp``, ``Anywhere`` → address, ports, protocol."""
    words, protocol = match.groups() if (match := re.fullmatch(r"(.*)/([a-z]\w*)", words)) else (words, "")
    address, _, ports = words.rpartition(" ")
    if address:
        return parse_network(address), parse_ports(ports), protocol
    if words == "Anywhere":
        return None, [], protocol
    try:
        return parse_network(words), [], protocol
    except ValueError:
        return None, parse_ports(words), protocol


def _end(network: Network | None, ports: Ports | None, protocol: str) -> str:
    address = str(network or "")
    if network and network.prefixlen == network.max_prefixlen:
        address = str(network.network_address)
    suffix = f"/{protocol}" if protocol else ""
    if ports is None:
        return (address or "Anywhere") + suffix
    first, last = ports
    return f"{address} {first}{f':{last}' if last != first else ''}{suffix}".strip()


def _spans(wide: Ports | None, narrow: Ports | None) -> bool:
    return wide is None or (narrow is not None and wide[0] <= narrow[0] and narrow[1] <= wide[1])


def _contains(wide: Network | None, narrow: Network | None) -> bool:
    return wide is None or (narrow is not None and wide.prefixlen <= narrow.prefixlen and wide.overlaps(narrow))


def _same(one: str, other: str) -> str:
    if one and other and one != other:
        raise _Nothing
    return one or other


def _overlap(one: Ports | None, other: Ports | None) -> Ports | None:
    if one is None or other is None:
        return one or other
    shared = max(one[0], other[0]), min(one[1], other[1])
    if shared[0] > shared[1]:
        raise _Nothing
    return shared


def _common(one: Network | None, other: Network | None) -> Network | None:
    """Of two networks that share an address, one lies in the other."""
    if _contains(one, other):
        return other or one
    if _contains(other, one):
        return one
    raise _Nothing


def _is_for_all(refused: Packets) -> bool:
    """Whether it refuses strangers as such: of a further condition, only who is spared is understood."""
    if refused.source or refused.source_ports or (refused.destination and refused.destination.is_multicast):
        return False
    return all(one.startswith(("! -s ", "! -i ")) for one in refused.besides)
