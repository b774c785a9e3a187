"""DNS as it answers: the zone that holds a name, each of its name servers, each resolver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from cutover.errors import ProbeError
from cutover.facts.caa import Caa
from cutover.facts.evidence import EXCERPT, Evidence

Kind = Literal["A", "AAAA"]
KINDS: tuple[Kind, ...] = ("A", "AAAA")
KNOWN = ("NOERROR", "NXDOMAIN")  # the response codes of a server that knows


@dataclass(frozen=True, slots=True)
class Answer:
    """What one server says to one question; every text of it is safe to print.

    ``state`` is its response code, or why there is no answer to read. ``links`` are the names that aliases lead
    to, ``values`` the records at their end. ``seconds`` is how long a cache may keep the longest lived of it:
    at a name server the TTL, at a resolver what is left of it. ``validated`` is the flag AD.
    """

    state: str
    links: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    seconds: int = 0
    validated: bool = False

    @property
    def told(self) -> str:
        """In words, without the time."""
        if self.state != "NOERROR":
            return self.state
        values = ", ".join(self.values) or "none"
        return f"{values} as alias of {self.links[-1]}" if self.links else values

    @property
    def addresses_told(self) -> str:
        """Where it leads, in words: that there is no such name leads nowhere too."""
        return ", ".join(self.values) or ("none" if self.state in KNOWN else self.state)


@dataclass(frozen=True, slots=True)
class Signatures:
    """What one name server's DNSSEC signatures are worth, from the parent's DS down to each record that was asked.

    ``problem`` is what makes them bogus. ``end`` is when the first of them ends (Unix time).
    """

    problem: str = ""
    end: int = 0


@dataclass(frozen=True, slots=True)
class NameServer:
    """One address of one name server of a zone.

    ``problem`` is why it is none. ``asked`` is false where nothing of its address family answers from here: that
    is this machine's network and not the server's fault. ``listed`` are the name servers that it tells of.
    """

    name: str
    address: str
    problem: str = ""
    asked: bool = True
    primary: str = ""
    serial: int = 0
    listed: frozenset[str] = frozenset()
    answers: dict[Kind, Answer] = field(default_factory=dict)
    caa: Caa = field(default_factory=Caa)
    signatures: Signatures = field(default_factory=Signatures)

    @property
    def label(self) -> str:
        """Name and address."""
        return f"{self.name} {self.address}".strip()


@dataclass(frozen=True, slots=True)
class Zone:
    """The zone that holds ``asked``, a name on the way to the addresses.

    ``delegated`` are its name servers as the parent zone has them, ``ds`` the parent's DS records in words;
    ``parent_problem`` is why both are not known.
    """

    name: str
    asked: str
    parent: str
    delegated: frozenset[str] = frozenset()
    ds: tuple[str, ...] = ()
    parent_problem: str = ""
    servers: tuple[NameServer, ...] = ()

    @property
    def answering(self) -> tuple[NameServer, ...]:
        """Those of its servers that answer; ProbeError when none does, for then nobody knows what is in it."""
        found = tuple(server for server in self.within_reach if not server.problem)
        if not found:
            told = "; ".join(f"{server.label} {server.problem}" for server in self.within_reach[:4])
            raise ProbeError(
                f"no name server of {self.name} answers: {told}", "see which of them does not answer, and why"
            )
        return found

    @property
    def within_reach(self) -> tuple[NameServer, ...]:
        """Those that could be asked from here; ProbeError when there is none."""
        found = tuple(server for server in self.servers if server.asked)
        if not found:
            name = "the root" if self.name == "." else self.name
            raise ProbeError(f"{name} has no name server that can be asked from here", "is the zone delegated?")
        return found

    @property
    def delegation(self) -> frozenset[str]:
        """The parent's name servers for it; ProbeError when the parent could not be asked."""
        if self.parent_problem:
            raise ProbeError(f"{self.parent} could not be asked for {self.name}: {self.parent_problem}")
        return self.delegated

    def holds(self, name: str) -> bool:
        """Whether a name is in it, as far as the name tells."""
        return name == self.name or name.endswith(f".{self.name}") or self.name == "."

    def own(self, answer: Answer) -> Answer:
        """What of an answer this zone says: an alias that leads out of it is its last word."""
        for number, link in enumerate(answer.links):
            if not self.holds(link):
                return replace(answer, state="NOERROR", links=answer.links[: number + 1], values=())
        return answer

    def leads_out(self, answer: Answer) -> str:
        """The name outside it that an answer's aliases lead to, empty for none."""
        return next((link for link in answer.links if not self.holds(link)), "")

    def told(self, answers: Mapping[Kind, Answer]) -> str:
        """What it says of the name, in words."""
        return ", ".join(f"{kind} {self.own(answer).told}" for kind, answer in answers.items())


@dataclass(frozen=True, slots=True)
class Resolver:
    """One resolver. ``bogus``: it refuses to answer unless its validation of signatures is switched off."""

    address: str
    answers: dict[Kind, Answer]
    bogus: bool = False


@dataclass(frozen=True, slots=True)
class Dns:
    """The name of a target in DNS. The first of ``zones`` holds it; the others are where aliases lead."""

    host: str
    at: str
    zones: tuple[Zone, ...]
    resolvers: tuple[Resolver, ...]

    @property
    def zone(self) -> Zone:
        """The zone that holds the name."""
        return self.zones[0]

    def leads_to(self, kind: Kind) -> dict[str, Answer]:
        """Name server → its answer; for an alias into another zone those of that zone's servers, in its place."""
        return self._leads_to(self.zone, kind)

    def _leads_to(self, zone: Zone, kind: Kind) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        for server in zone.answering:
            own = zone.own(server.answers[kind])
            outside = zone.leads_out(own)
            # Only onwards: aliases that lead back would have no end.
            later = self.zones[self.zones.index(zone) + 1 :]
            if beyond := next((other for other in later if other.asked == outside), None):
                found |= self._leads_to(beyond, kind)
            else:
                found[server.label] = own
        return found

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What each name server and each resolver answered."""
        zones = [
            Evidence(
                f"A, AAAA, NS, CAA, SOA, DNSKEY of {zone.asked} at the name servers of {zone.name}",
                self.at,
                "\n".join(_told_of_server(server) for server in zone.servers),
            )
            for zone in self.zones
        ]
        resolvers = "\n".join(f"{resolver.address}: {_told(resolver.answers)}" for resolver in self.resolvers)
        return (*zones, Evidence(f"A, AAAA of {self.host} at the resolvers", self.at, resolvers))


def by_answer(answers: Mapping[str, str]) -> str:
    """Answers by who gave them, in words, each once."""
    found: dict[str, list[str]] = {}
    for who, answer in answers.items():
        found.setdefault(answer, []).append(who)
    places = [f"{answer} ({', '.join(who)})" for answer, who in found.items()]
    return "; ".join(places) if len(found) > 1 else f"{next(iter(found), 'nothing')} at every name server"


def longest(answers: Mapping[Kind, Answer]) -> int:
    """How long a cache may lead users on by these answers: that there is no AAAA record leads nobody."""
    leading = [answer for answer in answers.values() if answer.values]
    leading = leading or [answer for answer in answers.values() if answer.links]
    return max(answer.seconds for answer in leading or answers.values())


def who_lags(missing: Mapping[str, int]) -> str:
    """Who does not agree yet, in words, with the seconds until its cache ends where it has one."""
    return ", ".join(f"{name} in {seconds} s" if seconds else name for name, seconds in missing.items())


def _told(answers: Mapping[Kind, Answer]) -> str:
    return ", ".join(f"{kind} {answer.told} ({answer.seconds} s)" for kind, answer in answers.items())


def _told_of_server(server: NameServer) -> str:
    if not server.asked:
        return f"{server.label}: not asked, nothing of its address family answers from here"
    if server.problem:
        return f"{server.label}: {server.problem}"
    return f"{server.label}: serial {server.serial}, {_told(server.answers)}, {server.caa.told}"[:EXCERPT]
