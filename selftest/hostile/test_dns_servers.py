"""DNS servers that lie, are slow, or answer what is not DNS: a clear word for each, in time, and safe to print."""

import asyncio
import struct
import time

import dns.flags
import dns.message
import dns.name
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutover.errors import ProbeError
from cutover.probes import dns as probe
from cutover.probes import query
from selftest.dns_servers import LABELS, NS2, RESOLVER, TARGET, Servers, World
from selftest.rows import HOST

NAME = dns.name.from_text(HOST)
ESCAPES = "\\027[31mx\\007\\255"  # as a zone file has them: they would colour a terminal, and ring its bell


@pytest.fixture
def world(monkeypatch):
    servers = Servers()
    monkeypatch.setattr(query, "PORT", servers.port)
    monkeypatch.setattr(query, "SECONDS", 1.0)
    yield World(servers)
    servers.close()


def other_id(query, tcp):
    response = dns.message.make_response(query)
    response.id ^= 1
    return response


def other_question(query, tcp):
    response = dns.message.make_response(dns.message.make_query("other.example.", "A"))
    response.id = query.id
    return response


def only_a_question(query, tcp):
    return query


def many(query, tcp):
    """A message of 64 KB, over TCP."""
    response = dns.message.make_response(query)
    if not tcp:
        response.flags |= dns.flags.TC
        return response
    return response.to_wire()[:12] + bytes(65000)


def cut_and_silent(query, tcp):
    response = dns.message.make_response(query)
    response.flags |= dns.flags.TC
    return None if tcp else response


def pointer_to_itself(query, tcp):
    return struct.pack("!6H", query.id, 0x8400, 1, 0, 0, 0) + b"\xc0\x0c" + struct.pack("!2H", 1, 1)


ANSWERS = [
    (lambda query, tcp: b"\0", "answers what is not DNS (ShortHeader)"),
    (lambda query, tcp: b"\x1b[31mHTTP/1.1 400 Bad Request\r\n\r\n", "answers what is not DNS (FormError)"),
    (pointer_to_itself, "answers what is not DNS (BadPointer)"),
    (other_id, "answers something that was not asked"),
    (other_question, "answers something that was not asked"),
    (only_a_question, "answers something that was not asked"),
    (many, "answers with more than 16384 bytes"),
    (cut_and_silent, "cuts its answer short, and does not give it over TCP"),
]


@pytest.mark.parametrize(("answer", "problem"), ANSWERS, ids=lambda case: getattr(case, "__name__", None))
def test_what_is_no_answer_is_told_and_the_others_are_looked_at(world, answer, problem):
    world.places[NS2] = answer
    facts = world.look()
    assert {server.label: server.problem for server in facts.zone.servers} == {LABELS[0]: "", LABELS[1]: problem}
    assert facts.zone.told(facts.zone.servers[0].answers) == "A 192.0.2.1, AAAA 2001:db8::1"


@pytest.mark.parametrize(("answer", "problem"), ANSWERS, ids=lambda case: getattr(case, "__name__", None))
def test_a_resolver_that_gives_no_answer_is_one_cause(world, answer, problem):
    world.places[RESOLVER] = answer
    with pytest.raises(ProbeError) as raised:
        world.look()
    assert raised.value.cause == f"no resolver answers: {RESOLVER} {problem}"


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_bytes_of_any_kind_end_in_a_reply(answer):
    async def given_back(address, asked):
        # With the right number and as an answer, so that they are read on.
        return asked[:2] + b"\x84" + answer

    async def ask():
        return await query.ask("192.0.2.53", NAME, "A")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(query, "_datagram", given_back)
        patch.setattr(query, "_stream", given_back)
        reply = asyncio.run(ask())
    assert reply.problem or reply.message
    query.read(reply, NAME, "A")


def of(*rrsets, name=HOST):
    message = dns.message.make_response(dns.message.make_query(name, "A"))
    message.answer += [dns.rrset.from_text(*rrset) for rrset in rrsets]
    return query.Reply(dns.message.from_wire(message.to_wire()))


def alias(owner, to):
    return owner, 60, "IN", "CNAME", to


CHAIN = [alias(HOST, "a0.example."), *(alias(f"a{n}.example.", f"a{n + 1}.example.") for n in range(12))]


@pytest.mark.parametrize(
    ("rrsets", "state"),
    [
        ([alias(HOST + ".", HOST + ".")], "aliases that lead in a circle"),
        ([alias(HOST + ".", "b.example."), alias("b.example.", HOST + ".")], "aliases that lead in a circle"),
        ([(HOST + ".", *CHAIN[0][1:]), *CHAIN[1:]], "more than 8 aliases, one after the other"),
        (
            [alias(HOST + ".", "b.example."), (HOST + ".", 60, "IN", "A", "192.0.2.1")],
            f"{HOST} has an alias and other records beside it",
        ),
        (
            [(HOST + ".", 60, "IN", "A", *(f"192.0.2.{number}" for number in range(100)))],
            "more than 64 A records",
        ),
    ],
    ids=["itself", "circle", "chain", "beside", "many"],
)
def test_an_answer_that_leads_nowhere_has_a_state_that_says_so(rrsets, state):
    answer = query.read(of(*rrsets), NAME, "A")
    assert (answer.state, answer.values) == (state, ())


def test_records_of_other_names_are_not_the_names(world):
    answer = query.read(of(("other.example.", 60, "IN", "A", "192.0.2.66")), NAME, "A")
    assert (answer.links, answer.values) == ((), ())


def test_nothing_of_a_name_or_a_value_reaches_a_terminal(world):
    world.both("example.com.", "NS", "ns1.example.com.", f"{ESCAPES}.example.com.")
    world.both("example.com.", "CAA", f'0 issue "{ESCAPES}"')
    for kind in ("A", "AAAA"):
        world.both(f"{HOST}.", kind)
    world.both(f"{HOST}.", "CNAME", f"{ESCAPES}.example.com.")
    world.both("example.com.", "SOA", f"{ESCAPES}. hostmaster.example.com. 7 3600 600 604800 60")
    facts = world.look()
    told = repr(facts) + "".join(entry.answer for entry in facts.evidence)
    assert all(char.isprintable() or char == "\n" for char in told)
    assert f"{ESCAPES}.example.com".lower() in {server.name for server in facts.zone.servers}


def test_more_name_servers_than_are_asked_is_no_verdict(world):
    names = [f"ns{number}.example.com." for number in range(100)]
    world.both("example.com.", "NS", *names)
    with pytest.raises(ProbeError, match="have more than 32 addresses"):
        world.look()


def test_a_referral_to_ever_deeper_zones_ends(world):
    host = "a.b.c.d.e.f.g.h.example.com"

    def deeper(query, tcp):
        name = query.question[0].name
        response = dns.message.make_response(query)
        if dns.rdatatype.to_text(query.question[0].rdtype) == "SOA":
            response.flags |= dns.flags.AA
            soa = "ns1.example.com. hostmaster.example.com. 1 1 1 1 1"
            response.answer.append(dns.rrset.from_text(name, 60, "IN", "SOA", soa))
            return response
        cut = name if len(name) < 4 else name.split(deeper.labels)[1]
        deeper.labels = min(deeper.labels + 1, len(name))
        response.authority.append(dns.rrset.from_text(cut, 60, "IN", "NS", "ns2.example.com."))
        return response

    deeper.labels = 4
    world.places[NS2] = deeper
    target = TARGET.model_copy(update={"host": host})
    begun = time.monotonic()
    facts = world.look(target)
    assert time.monotonic() - begun < 60
    assert facts.zone.asked == host


def test_a_look_that_does_not_end_is_no_verdict(world, monkeypatch):
    monkeypatch.setattr(probe, "SECONDS_IN_ALL", 0.5)
    world.places[RESOLVER] = lambda query, tcp: None
    with pytest.raises(ProbeError, match=r"was not looked through within 0\.5 s"):
        world.look()
