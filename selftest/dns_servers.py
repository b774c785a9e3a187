"""DNS servers of our own on loopback, all at one port that needs no privilege; each does what its function says."""

import asyncio
import contextlib
import socket
import threading
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from cutover.inventory import Target
from cutover.probes import dns as probe
from selftest.rows import HOST

GUARD_SECONDS = 30.0
SOA = "ns1.example.com. hostmaster.example.com. {} 3600 600 604800 60"

RESOLVER, REGISTRY, NS1, NS2, NS3 = (f"127.0.0.{number}" for number in (11, 12, 13, 14, 15))
TARGET = Target(host=HOST, resolvers=(ip_address(RESOLVER),))
LABELS = [f"ns1.example.com {NS1}", f"ns2.example.com {NS2}"]


class Servers:
    """UDP and TCP at 127.0.0.x. A function gets the query and whether it came over TCP; it gives a message, bytes,
    None for silence, or an exception class to hang up."""

    def __init__(self):
        self.asked = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.open = []
        self.port = free_port()

    def at(self, address, answer):
        asyncio.run_coroutine_threadsafe(self._serve(address, answer), self.loop).result(GUARD_SECONDS)

    async def _serve(self, address, answer):
        def respond(wire, tcp):
            query = dns.message.from_wire(wire)
            (question,) = query.question
            self.asked.append((address, question.name.to_text(), dns.rdatatype.to_text(question.rdtype), tcp))
            said = answer(query, tcp)
            if isinstance(said, dns.message.Message):
                return said.to_wire(max_size=65535)
            return said

        class Datagrams(asyncio.DatagramProtocol):
            def connection_made(self, transport):
                self.transport = transport

            def datagram_received(self, data, client):
                said = respond(data, False)
                if said is not None:
                    self.transport.sendto(said, client)

        async def stream(reader, writer):
            with contextlib.suppress(OSError, EOFError):
                length = int.from_bytes(await reader.readexactly(2), "big")
                said = respond(await reader.readexactly(length), True)
                if said is not None:
                    writer.write(len(said).to_bytes(2, "big") + said)
                    await writer.drain()
                else:
                    await asyncio.sleep(GUARD_SECONDS)
            writer.close()

        place = (address, self.port)
        self.open.append((await self.loop.create_datagram_endpoint(Datagrams, local_addr=place))[0])
        self.open.append(await asyncio.start_server(stream, *place))

    def close(self):
        async def end():
            for each in self.open:
                each.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(GUARD_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(GUARD_SECONDS)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Zone:
    """What a name server holds of a zone: records by name and type, and the zones below that it refers to."""

    def __init__(self, apex, records, cuts=(), serial=7, ttl=300):
        self.apex = dns.name.from_text(apex)
        self.ttl = ttl
        self.cuts = [dns.name.from_text(cut) for cut in cuts]
        self.records = {}
        self.set(apex, "SOA", SOA.format(serial))
        for (name, kind), values in records.items():
            self.set(name, kind, *values)

    def set(self, name, kind, *values, ttl=None):
        name = dns.name.from_text(name)
        self.records.pop((name, kind), None)
        if values:
            ttl = self.ttl if ttl is None else ttl
            self.records[name, kind] = dns.rrset.from_text(name, ttl, "IN", kind, *values)

    def __call__(self, query, tcp=False):
        response = dns.message.make_response(query)
        (question,) = query.question
        name, kind = question.name, dns.rdatatype.to_text(question.rdtype)
        if not name.is_subdomain(self.apex):
            response.set_rcode(dns.rcode.REFUSED)
            return response
        for cut in self.cuts:
            if name.is_subdomain(cut) and not (name == cut and kind == "DS"):
                self.refer(response, cut)
                return response
        response.flags |= dns.flags.AA
        self.fill(response, name, kind)
        return response

    def refer(self, response, cut):
        names = self.records[cut, "NS"]
        response.authority.append(names)
        for record in names:
            for kind in ("A", "AAAA"):
                if glue := self.records.get((record.target, kind)):
                    response.additional.append(glue)

    def fill(self, response, name, kind):
        followed = set()
        while alias := self.records.get((name, "CNAME")):
            if name in followed:
                return
            followed.add(name)
            response.answer.append(alias)
            name = alias[0].target
        if found := self.records.get((name, kind)):
            response.answer.append(found)
        elif name.is_subdomain(self.apex):
            response.authority.append(self.records[self.apex, "SOA"])
            if not any(owner.is_subdomain(name) for owner, _ in self.records):
                response.set_rcode(dns.rcode.NXDOMAIN)


class Resolver:
    """One that knows these zones by heart, whatever their name servers do."""

    def __init__(self, *zones, bogus=()):
        self.zones = sorted(zones, key=lambda zone: -len(zone.apex))
        self.bogus = bogus

    def __call__(self, query, tcp=False):
        response = dns.message.make_response(query, recursion_available=True)
        (question,) = query.question
        if question.name.to_text() in self.bogus and not query.flags & dns.flags.CD:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        name, kind = question.name, dns.rdatatype.to_text(question.rdtype)
        for _ in range(10):
            zone = next(zone for zone in self.zones if name.is_subdomain(zone.apex))
            zone.fill(response, name, kind)
            end = response.answer[-1] if response.answer else None
            if end is None or dns.rdatatype.to_text(end.rdtype) != "CNAME" or end[0].target.is_subdomain(zone.apex):
                break
            name = end[0].target
        return response


class World:
    """All of it as it is right; a test changes what it is about before it looks.

    ``domain`` is the zone's, the host is ``api`` in it; ``net`` are the first three numbers of all addresses.
    """

    def __init__(self, servers, domain="example.com", net="127.0.0"):
        self.servers = servers
        self.domain, self.host = f"{domain}.", f"api.{domain}."
        self.resolver, self.nic, self.ns1, self.ns2 = (f"{net}.{number}" for number in (11, 12, 13, 14))
        names = (f"ns1.{domain}.", f"ns2.{domain}.")
        glue = {(names[0], "A"): [self.ns1], (names[1], "A"): [self.ns2]}
        nic = {("ns.nic.com.", "A"): [self.nic]}
        self.root = Zone(".", {(".", "NS"): ["ns.nic.com."], ("com.", "NS"): ["ns.nic.com."], **nic}, cuts=["com."])
        self.com = Zone(
            "com.",
            {("com.", "NS"): ["ns.nic.com."], (self.domain, "NS"): names, **nic, **glue},
            cuts=[self.domain],
        )
        records = {
            (self.domain, "NS"): names,
            (self.domain, "CAA"): ['0 issue "letsencrypt.org"'],
            (self.host, "A"): ["192.0.2.1"],
            (self.host, "AAAA"): ["2001:db8::1"],
            **glue,
        }
        self.first, self.second = Zone(self.domain, records), Zone(self.domain, records)
        self.places = {
            self.resolver: Resolver(self.root, self.com, self.first),
            self.nic: self.registry,
            self.ns1: self.first,
            self.ns2: self.second,
        }

    def registry(self, query, tcp):
        """Serves the root and com."""
        name = query.question[0].name
        return (self.com if name.is_subdomain(self.com.apex) else self.root)(query)

    def both(self, *change, **more):
        for zone in (self.first, self.second):
            zone.set(*change, **more)

    def open(self):
        """Have all of them answer."""
        for address, answer in self.places.items():
            self.servers.at(address, answer)

    def look(self, target=TARGET):
        self.open()
        return probe.probe(target)
