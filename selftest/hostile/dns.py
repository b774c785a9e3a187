"""DNS: resolvers and name servers that lie, loop or answer what is no DNS. Each changes a world that was right."""

import struct

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from selftest.hostile.table import ENTRY, MARKUP, Table

DNS = Table()
ANSWERS = "every_name_server_answers_for_the_zone"
ADDRESSES = "addresses_are_exactly_the_declared_ones"
# As a zone file has them: they would colour a terminal, ring its bell, and end a line.
ESCAPES = "\\027[31mx\\007\\255\\013"


@DNS.case("error", "is not DNS")
def resolver_speaks_http(world):
    """A resolver that answers with a page."""
    world.places[world.resolver] = lambda query, tcp: f"\x1b[31mHTTP/1.1 400 {MARKUP}\r\n\r\n".encode()


@DNS.case("error", "no resolver answers")
def resolver_is_silent(world):
    """A resolver that says nothing."""
    world.places[world.resolver] = lambda query, tcp: None


@DNS.case("failed", "is not DNS", ANSWERS)
def pointer_in_a_circle(world):
    """A name server whose names lead to themselves."""
    world.places[world.ns2] = lambda query, tcp: (
        struct.pack("!6H", query.id, 0x8400, 1, 0, 0, 0) + b"\xc0\x0c" + struct.pack("!2H", 1, 1)
    )


@DNS.case("failed", "not asked", ANSWERS)
def another_question(world):
    """A name server that answers another question under the right number."""

    def other(query, tcp):
        response = dns.message.make_response(dns.message.make_query("other.example.", "A"))
        response.id = query.id
        return response

    world.places[world.ns2] = other


@DNS.case("failed", "more than 16384 bytes", ANSWERS)
def floods_over_tcp(world):
    """A name server that cuts its datagrams and sends 64 KB of zeros over TCP."""

    def many(query, tcp):
        response = dns.message.make_response(query)
        response.flags |= dns.flags.TC
        return response.to_wire()[:12] + bytes(65000) if tcp else response

    world.places[world.ns2] = many


@DNS.case("failed", "circle", ADDRESSES)
def aliases_in_a_circle(world):
    """An alias that leads to itself by way of another."""
    for kind in ("A", "AAAA"):
        world.both(world.host, kind)
    world.both(world.host, "CNAME", f"other.{world.domain}")
    world.both(f"other.{world.domain}", "CNAME", world.host)


@DNS.case("failed", "NXDOMAIN", "name_servers_give_the_same_answer")
def alias_with_escapes(world):
    """An alias whose name would colour a terminal."""
    for kind in ("A", "AAAA"):
        world.both(world.host, kind)
    world.both(world.host, "CNAME", f"{ESCAPES}.{world.domain}")


@DNS.case("failed", "more than 64 A records", ADDRESSES)
def a_hundred_addresses(world):
    """A name with a hundred addresses."""
    world.both(world.host, "A", *(f"192.0.2.{number}" for number in range(100)))


@DNS.case("error", "more than 32 addresses")
def a_hundred_name_servers(world):
    """A zone with a hundred name servers."""
    world.both(world.domain, "NS", *(f"ns{number}.{world.domain}" for number in range(100)))


@DNS.case("passed", "4294967295", "name_servers_have_the_same_version_of_the_zone")
def names_with_escapes(world):
    """A zone whose primary name server, list of name servers and serial mean ill."""
    world.second.set(world.domain, "SOA", f"{ESCAPES}. {ESCAPES}.x. 4294967295 1 1 1 1")


@DNS.case("error", "refuses connections on port 443", "caa_lets_the_issuer_issue")
def caa_with_secrets(world):
    """CAA records with markup, escapes and a secret for an authority."""
    world.both(world.domain, "CAA", f'0 issue "{ESCAPES}{MARKUP} password={ENTRY}"', f'128 {"a" * 15} "x"')


@DNS.case("failed", "SERVFAIL", ANSWERS)
def fails_with_everything(world):
    """A name server that fails, and says so with somebody else's records."""

    def fails(query, tcp):
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.SERVFAIL)
        response.answer.append(dns.rrset.from_text(world.host, 2147483647, "IN", "A", "127.0.0.1"))
        return response

    world.places[world.ns2] = fails
