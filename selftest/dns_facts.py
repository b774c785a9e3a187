"""Facts of DNS as they are right, for rows to break."""

from dataclasses import replace

from cutover.facts.caa import Caa, Property
from cutover.facts.dns import Answer, Dns, NameServer, Resolver, Signatures, Zone
from selftest.rows import AT, HOST

V4, V6 = "192.0.2.1", "2001:db8::1"
OLD = "192.0.2.9"
NAMES = frozenset({"ns1.example.com", "ns2.example.com"})
ISSUE = Caa("example.com", (Property(0, "issue", "letsencrypt.org"),))


def answers(a=(V4,), aaaa=(V6,), seconds=300, **more):
    return {
        "A": Answer("NOERROR", values=tuple(a), seconds=seconds, **more),
        "AAAA": Answer("NOERROR", values=tuple(aaaa), seconds=seconds, **more),
    }


def state(text):
    return {"A": Answer(text), "AAAA": Answer(text)}


def server(number, **more):
    usual = {
        "name": f"ns{number}.example.com",
        "address": f"203.0.113.{number}",
        "primary": "ns1.example.com",
        "serial": 7,
        "listed": NAMES,
        "answers": answers(),
        "caa": ISSUE,
    }
    return NameServer(**(usual | more))


def zone(*servers, **more):
    usual = {"name": "example.com", "asked": HOST, "parent": "com", "delegated": NAMES}
    return Zone(**(usual | more), servers=servers or (server(1), server(2)))


def facts(*servers, zones=(), resolvers=None, **more):
    if resolvers is None:
        resolvers = (Resolver("198.51.100.53", answers(seconds=120)), Resolver("198.51.100.54", answers(seconds=20)))
    return Dns(HOST, AT, (zone(*servers, **more), *zones), tuple(resolvers))


def signed(number, problem="", end=1_767_225_600):  # 2026-01-01
    return replace(server(number), signatures=Signatures(problem, end))
