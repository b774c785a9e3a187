"""One question to one DNS server, bounded in time and size; what comes back is a stranger's and read as such."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from cutover.facts.dns import KNOWN, Answer
from cutover.redact import redact

PORT = 53
SECONDS = 3.0  # for a try
TRIES = 2
PAYLOAD = 1232  # bytes of a datagram that no network on the way cuts in pieces (RFC 9715)
LONGEST = 16384  # bytes of an answer that is read; one that is made to be slow to read takes less than a second
MOST_RECORDS = 64
MOST_LINKS = 8  # of aliases, one after the other

_TRUNCATED = 0x02  # in the third byte of a message

Name = dns.name.Name
RRset = dns.rrset.RRset


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's message, or why there is none."""

    message: dns.message.Message | None = None
    problem: str = ""

    @property
    def state(self) -> str:
        """The response code, or the problem."""
        return dns.rcode.to_text(self.message.rcode()) if self.message else self.problem

    @property
    def authoritative(self) -> bool:
        """Whether the server speaks for the zone."""
        return self.message is not None and bool(self.message.flags & dns.flags.AA)

    def records(self, name: Name, kind: str) -> RRset | None:
        """The records of the answer with that owner and type."""
        if self.message is None:
            return None
        return self.message.get_rrset(self.message.answer, name, dns.rdataclass.IN, dns.rdatatype.from_text(kind))


class _Useless(Exception):
    """An answer that is not read, and why."""


async def ask(address: str, name: Name, kind: str, *, recursive: bool = False, unchecked: bool = False) -> Reply:
    """Ask over UDP, and over TCP when the answer does not fit. ``unchecked``: whatever its signatures are worth."""
    flags = dns.flags.Flag(0)
    if recursive:
        flags |= dns.flags.RD | (dns.flags.CD if unchecked else dns.flags.AD)
    query = dns.message.make_query(name, kind, use_edns=0, payload=PAYLOAD, want_dnssec=not recursive, flags=flags)
    for _ in range(TRIES):
        try:
            message = await _exchange(address, query)
            if message.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP) and message.edns < 0:
                query.use_edns(False)  # a server older than EDNS
                message = await _exchange(address, query)
            return Reply(message)
        except TimeoutError:
            continue
        except _Useless as error:
            return Reply(problem=str(error))
        except ConnectionRefusedError:
            return Reply(problem=f"refuses connections on port {PORT}")
        except OSError as error:
            return Reply(problem=f"cannot be reached: {error.strerror or type(error).__name__}")
        except Exception as error:  # whatever dnspython makes of bytes that are no message
            return Reply(problem=f"answers what is not DNS ({type(error).__name__})")
    return Reply(problem=f"does not answer within {SECONDS * TRIES:g} s")


async def _exchange(address: str, query: dns.message.Message) -> dns.message.Message:
    asked = query.to_wire()
    async with asyncio.timeout(SECONDS):
        answer = await _datagram(address, asked)
    if answer[2:3] and answer[2] & _TRUNCATED:
        try:
            async with asyncio.timeout(SECONDS):
                answer = await _stream(address, asked)
        except (OSError, EOFError):
            raise _Useless("cuts its answer short, and does not give it over TCP") from None
    if len(answer) > LONGEST:
        raise _Useless(f"answers with more than {LONGEST} bytes")
    message = dns.message.from_wire(answer)
    if not query.is_response(message):
        raise _Useless("answers something that was not asked")
    return message


class _Receiver(asyncio.DatagramProtocol):
    """The first datagram that comes."""

    def __init__(self) -> None:
        self.first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _: object) -> None:
        if not self.first.done():
            self.first.set_result(data)

    def error_received(self, error: Exception) -> None:
        if not self.first.done():
            self.first.set_exception(error)


async def _datagram(address: str, query: bytes) -> bytes:
    # Connected: the kernel drops what comes from anybody else, and tells of a closed port.
    loop = asyncio.get_running_loop()
    transport, receiver = await loop.create_datagram_endpoint(_Receiver, remote_addr=(address, PORT))
    try:
        transport.sendto(query)
        return await receiver.first
    finally:
        transport.close()


async def _stream(address: str, query: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(address, PORT)
    try:
        writer.write(len(query).to_bytes(2, "big") + query)
        length = int.from_bytes(await reader.readexactly(2), "big")
        return await reader.readexactly(length)
    finally:
        writer.close()


@dataclass(frozen=True, slots=True)
class End:
    """Where a name leads in an answer: the aliases on the way, the records at their end, and all their TTLs."""

    state: str
    links: tuple[Name, ...] = ()
    records: tuple[Any, ...] = ()
    seconds: tuple[int, ...] = (0,)


def follow(reply: Reply, name: Name, kind: str) -> End:
    """Follow a name through the answer's own aliases to its records of a type."""
    if reply.message is None or reply.state not in KNOWN:
        return End(reply.state)
    links: list[Name] = []
    seconds: list[int] = []
    owner = name
    while alias := reply.records(owner, "CNAME"):
        if len(alias) > 1 or reply.records(owner, kind):
            return End(f"{text(owner)} has an alias and other records beside it")
        seconds.append(alias.ttl)
        owner = alias[0].target
        if owner in (name, *links):
            return End("aliases that lead in a circle")
        links.append(owner)
        if len(links) > MOST_LINKS:
            return End(f"more than {MOST_LINKS} aliases, one after the other")
    records = reply.records(owner, kind)
    if records and len(records) > MOST_RECORDS:
        return End(f"more than {MOST_RECORDS} {kind} records")
    seconds += [records.ttl] if records else [_negative(reply.message)]
    return End(reply.state, tuple(links), tuple(records or ()), tuple(seconds))


def read(reply: Reply, name: Name, kind: str) -> Answer:
    """What a reply says of a name's addresses, A or AAAA."""
    end = follow(reply, name, kind)
    return Answer(
        end.state,
        tuple(map(text, end.links)),
        tuple(sorted({str(ip_address(record.address)) for record in end.records})),
        max(end.seconds),
        reply.message is not None and bool(reply.message.flags & dns.flags.AD),
    )


def _negative(message: dns.message.Message) -> int:
    """How long a cache may keep that there is nothing (RFC 2308 section 5)."""
    soa = next((rrset for rrset in message.authority if rrset.rdtype == dns.rdatatype.SOA), None)
    return min(soa.ttl, soa[0].minimum) if soa else 0


def text(name: Name) -> str:
    """A name as it may be printed: lower case, without the root's dot, whatever is no plain letter escaped."""
    return redact(name.to_text(omit_final_dot=True).lower())


def ancestors(name: Name) -> Iterator[Name]:
    """A name and those above it, without the root."""
    while name != dns.name.root:
        yield name
        name = name.parent()
