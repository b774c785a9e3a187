"""A target's name in DNS: its zone, each of the zone's name servers, and each resolver, all asked side by side.

The way to the zone is asked of the resolvers with validation switched off, so that a zone whose signatures are
bogus can be looked at; what the zone says is asked of its own name servers.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Collection, Mapping
from dataclasses import replace
from ipaddress import ip_address

import dns.exception
import dns.flags
import dns.name
import dns.rcode
import dns.rdatatype
from dns.name import Name

from cutover.addresses import unfit
from cutover.errors import ProbeError
from cutover.facts.caa import Caa
from cutover.facts.dns import KINDS, KNOWN, Answer, Dns, NameServer, Resolver, Signatures, Zone
from cutover.inventory import Target
from cutover.probes.caa import policy
from cutover.probes.connecting import now
from cutover.probes.dnssec import signatures
from cutover.probes.names import resolvers
from cutover.probes.query import MOST_LINKS, MOST_RECORDS, Reply, RRset, ancestors, ask, read, text
from cutover.redact import redact

SECONDS_IN_ALL = 90.0  # a guard; each question has a time of its own
MOST_SERVERS = 32  # addresses of name servers that are asked
MOST_PARENTS = 2  # of the parent's in each family; they are the registry's business
MOST_CUTS = 6  # zones below what the resolvers know of


def probe(target: Target) -> Dns:
    """Look once; ProbeError when no resolver answers, or none of the name servers that it leads to."""
    return asyncio.run(look(target))


async def look(target: Target) -> Dns:
    """The same, for who looks at several or again."""
    try:
        async with asyncio.timeout(SECONDS_IN_ALL):
            return await Look(target).all()
    except TimeoutError:
        raise ProbeError(f"DNS of {target.host} was not looked through within {SECONDS_IN_ALL:g} s") from None


class Look:
    """One look at one target's name."""

    def __init__(self, target: Target) -> None:
        self.name = dns.name.from_text(target.host)
        self._host = target.host
        self._declared = bool(target.resolvers)
        try:
            self._resolvers = resolvers(target)
        except dns.exception.DNSException as error:
            raise ProbeError(f"this machine has no resolver: {redact(str(error))[:200]}", "declare resolvers") from None
        self._reached: set[int] = set()

    async def all(self) -> Dns:
        """Everything there is to know."""
        at = now()
        resolvers = await self.resolvers()
        zones = [await self.zone_of(self.name)]
        for zone in zones:
            for server in zone.servers:
                for link in filter(None, map(zone.leads_out, server.answers.values())):
                    if len(zones) <= MOST_LINKS and link not in (other.asked for other in zones):
                        zones.append(await self.zone_of(dns.name.from_text(link)))
        if not self._reached and any(zone.servers for zone in zones):
            raise ProbeError(
                f"no name server that is asked for {self._host} answers from here, and the resolvers do",
                "let this machine send to port 53, UDP and TCP",
            )
        return Dns(self._host, at, tuple(map(self._as_reached, zones)), resolvers)

    async def resolvers(self) -> tuple[Resolver, ...]:
        """What each resolver answers; one that knows nothing, not even the root, is not asked for the way."""
        found, roots = await asyncio.gather(
            asyncio.gather(*map(self.resolver, self._resolvers)),
            asyncio.gather(*(ask(address, dns.name.root, "NS", recursive=True) for address in self._resolvers)),
        )
        states = {each.address: {answer.state for answer in each.answers.values()} for each in found}
        self._resolvers = [
            address for address, root in zip(states, roots, strict=True) if {*states[address], root.state} & {*KNOWN}
        ]
        if not self._resolvers:
            told = "; ".join(f"{each.address} {each.answers['A'].told}" for each in found)
            raise ProbeError(f"no resolver answers: {told}", "declare resolvers that this machine may ask")
        # One of this machine's own that is silent says nothing of the target; a declared one is told.
        return tuple(each for each in found if self._declared or each.address in self._resolvers)

    async def resolver(self, address: str) -> Resolver:
        """What one resolver answers."""

        async def one(kind: str, unchecked: bool = False) -> Answer:
            answer = read(await ask(address, self.name, kind, recursive=True, unchecked=unchecked), self.name, kind)
            # A resolver for clients without IPv4 makes AAAA records of A records (RFC 6147).
            return replace(answer, values=tuple(value for value in answer.values if not value.startswith("64:ff9b::")))

        answers = dict(zip(KINDS, await asyncio.gather(*map(one, KINDS)), strict=True))
        failed = [kind for kind in KINDS if answers[kind].state == "SERVFAIL"]
        unchecked = [await one(kind, unchecked=True) for kind in failed]
        return Resolver(address, answers, any(answer.state == "NOERROR" for answer in unchecked))

    async def zone_of(self, name: Name) -> Zone:
        """The zone that holds a name, from what the resolvers know on down by the name servers' own words."""
        apex = await self._apex(name)
        parent = await self._apex(apex.parent()) if apex != dns.name.root else apex
        parents = await self._addresses(await self._names_at(parent), {})
        zone = Zone(text(apex), text(name), text(parent))
        for _ in range(MOST_CUTS):
            zone, glue = await self._delegated(replace(zone, name=text(apex), parent=text(parent)), apex, parents)
            servers = await self._addresses(zone.delegated or await self._names_at(apex), glue)
            looks = await asyncio.gather(*(self._server(zone, apex, name, *server) for server in servers))
            deeper = next((cut for _, cut in looks if cut), None)
            if deeper is None:
                break
            parent, parents, apex = apex, servers, deeper
        listed = frozenset().union(*(server.listed for server, _ in looks)) - {label for label, _ in servers}
        more = await self._addresses(listed, {})
        looks += await asyncio.gather(*(self._server(zone, apex, name, *server) for server in more))
        return replace(zone, servers=tuple(server for server, _ in looks))

    async def _server(
        self, zone: Zone, apex: Name, name: Name, label: str, address: str
    ) -> tuple[NameServer, Name | None]:
        """What one address of one name server says, and the zone further down that it refers to."""
        found = NameServer(label, address)
        if not address:
            return replace(found, problem="has no address"), None
        if kind := unfit(ip_address(address)):
            return replace(found, problem=f"has an address of no one host ({kind})"), None
        soa = await self._ask(address, apex, "SOA")
        records = soa.records(apex, "SOA")
        if soa.state != "NOERROR":
            return replace(found, problem=f"answers {soa.state}" if soa.message else soa.problem), None
        if not soa.authoritative or records is None:
            return replace(found, problem=f"answers without authority for {zone.name}"), None
        names, keys, *addresses = await asyncio.gather(
            self._ask(address, apex, "NS"),
            self._ask(address, apex, "DNSKEY"),
            *(self._ask(address, name, kind) for kind in KINDS),
        )
        caa, policy = await self._caa(address, apex, name, bool(zone.leads_out(read(addresses[0], name, "A"))))
        replies = [soa, names, keys, *addresses, *policy]
        found = replace(
            found,
            primary=text(records[0].mname),
            serial=records[0].serial,
            listed=_targets(names.records(apex, "NS")),
            answers={kind: read(reply, name, kind) for kind, reply in zip(KINDS, addresses, strict=True)},
            caa=caa,
            signatures=signatures(apex, zone.ds, [reply.message for reply in replies if reply.message])
            if name == self.name
            else Signatures(),
        )
        return found, _referral(addresses[0], apex, name)

    async def _caa(self, address: str, apex: Name, name: Name, alias: bool) -> tuple[Caa, list[Reply]]:
        """The CAA records that count for a name, and the name server's own replies on the way to them.

        Above its zone, and where the name's own alias leads out of it, a resolver is asked.
        """
        replies: list[Reply] = []
        for number, owner in enumerate(ancestors(name)):
            if owner.is_subdomain(apex) and not (alias and number == 0):
                reply = await self._ask(address, owner, "CAA")
                replies.append(reply)
            else:
                reply = await self._look_up(owner, "CAA")
            caa = policy(reply, owner)
            if caa.problem or caa.records:
                return caa, replies
        return Caa(), replies

    async def _delegated(
        self, zone: Zone, apex: Name, parents: list[tuple[str, str]]
    ) -> tuple[Zone, dict[str, set[str]]]:
        """The zone with what its parent says of it, and the addresses that come with that."""
        # Of each family, so that one which cannot be reached from here is known.
        known = [address for _, address in parents if _dialled(address)]
        families = ([address for address in known if _family(address) == family] for family in (4, 6))
        asked = [address for family in families for address in family[:MOST_PARENTS]]
        # Of each the name servers and, for what is signed, the fingerprints of its keys.
        replies = await asyncio.gather(
            *(asyncio.gather(self._ask(address, apex, "NS"), self._ask(address, apex, "DS")) for address in asked)
        )
        problem = "it has no name server with an address"
        for names, ds in replies:
            problem = names.state
            if names.message is None or names.state not in KNOWN or ds.state != names.state:
                continue
            rrsets = (*names.message.answer, *names.message.authority)
            found = next((rrset for rrset in rrsets if (rrset.name, rrset.rdtype) == (apex, dns.rdatatype.NS)), None)
            if found is None and not names.authoritative:
                problem = "answers without authority"
                continue
            glue: dict[str, set[str]] = {}
            for rrset in names.message.additional:
                if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                    glue.setdefault(text(rrset.name), set()).update(record.address for record in rrset)
            fingerprints = sorted(record.to_text() for record in ds.records(apex, "DS") or ())[:MOST_RECORDS]
            told = replace(zone, delegated=_targets(found), ds=tuple(fingerprints), parent_problem="")
            return told, glue
        return replace(zone, parent_problem=problem), {}

    async def _apex(self, name: Name) -> Name:
        """Where the zone that holds a name begins, as the resolvers know it."""
        for owner in ancestors(name):
            reply = await self._look_up(owner, "SOA")
            if reply.records(owner, "SOA"):
                return owner
            if reply.message and not reply.records(owner, "CNAME"):
                for rrset in reply.message.authority:
                    if rrset.rdtype == dns.rdatatype.SOA and owner.is_subdomain(rrset.name):
                        return rrset.name
        return dns.name.root

    async def _names_at(self, apex: Name) -> frozenset[str]:
        reply = await self._look_up(apex, "NS")
        return _targets(reply.records(apex, "NS"))

    async def _addresses(self, labels: Collection[str], glue: Mapping[str, set[str]]) -> list[tuple[str, str]]:
        """Each name server with each of its addresses, those that came with the delegation too."""

        async def of(label: str) -> set[str]:
            name = dns.name.from_text(label)
            replies = await asyncio.gather(*(self._look_up(name, kind) for kind in KINDS))
            known = (read(reply, name, kind).values for reply, kind in zip(replies, KINDS, strict=True))
            return {*glue.get(label, ())}.union(*known) or {""}

        labels = sorted(labels)
        found = await asyncio.gather(*map(of, labels[:MOST_SERVERS]))
        pairs = [(label, address) for label, those in zip(labels, found, strict=False) for address in sorted(those)]
        if max(len(labels), len(pairs)) > MOST_SERVERS:
            raise ProbeError(f"the name servers of {self._host} have more than {MOST_SERVERS} addresses")
        return pairs

    async def _look_up(self, name: Name, kind: str) -> Reply:
        """Ask the resolvers in turn, whatever the signatures are worth, until one knows."""
        reply = Reply(problem="there is no resolver")
        for address in self._resolvers:
            reply = await ask(address, name, kind, recursive=True, unchecked=True)
            if reply.state in KNOWN:
                break
        return reply

    async def _ask(self, address: str, name: Name, kind: str) -> Reply:
        """Ask a name server; that it answers shows that its address family can be reached from here."""
        reply = await ask(address, name, kind)
        if reply.message:
            self._reached.add(_family(address))
        return reply

    def _as_reached(self, zone: Zone) -> Zone:
        servers = (
            replace(each, asked=not _dialled(each.address) or _family(each.address) in self._reached)
            for each in zone.servers
        )
        return replace(zone, servers=tuple(servers))


def _targets(records: RRset | None) -> frozenset[str]:
    # One more than are asked, so that there being more is noticed.
    return frozenset(text(record.target) for record in itertools.islice(records or (), MOST_SERVERS + 1))


def _referral(reply: Reply, apex: Name, name: Name) -> Name | None:
    """The zone below this one that a name server refers to for a name."""
    if reply.message is None or reply.authoritative or reply.message.answer:
        return None
    cuts = (rrset.name for rrset in reply.message.authority if rrset.rdtype == dns.rdatatype.NS)
    return next((cut for cut in cuts if cut != apex and cut.is_subdomain(apex) and name.is_subdomain(cut)), None)


def _dialled(address: str) -> bool:
    return bool(address) and not unfit(ip_address(address))


def _family(address: str) -> int:
    return 6 if ":" in address else 4
