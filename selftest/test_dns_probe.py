"""The probe of DNS against servers of our own: a root, com below it, example.com on two servers, a resolver."""

from ipaddress import ip_address

import dns.flags
import dns.message
import dns.name
import dns.rcode
import pytest

from cutover.errors import ProbeError, Unreachable
from cutover.facts.caa import Property
from cutover.facts.dns import Dns
from cutover.inventory import Peer, Target
from cutover.probes import names, query, saved, survey
from selftest.dns_servers import LABELS, NS2, NS3, REGISTRY, RESOLVER, TARGET, Resolver, Servers, World, Zone
from selftest.rows import HOST


@pytest.fixture
def world(monkeypatch):
    servers = Servers()
    monkeypatch.setattr(query, "PORT", servers.port)
    monkeypatch.setattr(query, "SECONDS", 1.0)
    yield World(servers)
    servers.close()


def of(facts, what):
    return {server.label: what(server) for server in facts.zone.servers}


def test_what_is_right_is_seen_as_it_is(world, tmp_path):
    facts = world.look()
    zone = facts.zone
    assert (zone.name, zone.parent, zone.asked) == ("example.com", "com", HOST)
    assert zone.delegated == zone.servers[0].listed == {"ns1.example.com", "ns2.example.com"}
    assert of(facts, lambda server: server.problem) == dict.fromkeys(LABELS, "")
    assert of(facts, lambda server: (server.serial, server.primary)) == dict.fromkeys(LABELS, (7, "ns1.example.com"))
    for server in zone.servers:
        assert zone.told(server.answers) == "A 192.0.2.1, AAAA 2001:db8::1"
        assert (server.caa.found_at, server.caa.records) == ("example.com", (Property(0, "issue", "letsencrypt.org"),))
    (resolver,) = facts.resolvers
    assert (resolver.address, zone.told(resolver.answers)) == (RESOLVER, "A 192.0.2.1, AAAA 2001:db8::1")
    saved.write(tmp_path / "dns.json", facts)
    assert saved.read(tmp_path / "dns.json", Dns) == facts


def test_a_server_that_lags_is_seen_beside_the_other(world):
    world.second.set(f"{HOST}.", "A", "192.0.2.9", ttl=86400)
    facts = world.look()
    assert {server: answer.values for server, answer in facts.leads_to("A").items()} == {
        LABELS[0]: ("192.0.2.1",),
        LABELS[1]: ("192.0.2.9",),
    }
    assert facts.zone.servers[1].answers["A"].seconds == 86400


def test_a_name_that_is_not_there(world):
    for kind in ("A", "AAAA"):
        world.both(f"{HOST}.", kind)
    facts = world.look()
    answer = facts.zone.servers[0].answers["A"]
    assert (answer.state, answer.values, answer.seconds) == ("NXDOMAIN", (), 60)  # the SOA's last number


def test_a_name_server_that_is_down_is_told(world):
    del world.places[NS2]
    assert of(world.look(), lambda server: server.problem) == {
        LABELS[0]: "",
        LABELS[1]: f"refuses connections on port {world.servers.port}",
    }


def refused(query, tcp):
    response = dns.message.make_response(query)
    response.set_rcode(dns.rcode.REFUSED)
    return response


def no_authority(query, tcp):
    response = dns.message.make_response(query)
    response.flags |= dns.flags.RA
    return response


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (lambda query, tcp: None, "does not answer within 2 s"),
        (refused, "answers REFUSED"),
        (no_authority, "answers without authority for example.com"),
    ],
    ids=["silent", "refused", "lame"],
)
def test_a_name_server_that_is_none_is_told(world, answer, problem):
    world.places[NS2] = answer
    assert of(world.look(), lambda server: server.problem) == {LABELS[0]: "", LABELS[1]: problem}


def test_servers_of_either_list_are_asked(world):
    world.both("ns3.example.com.", "A", NS3)
    world.both("example.com.", "NS", "ns1.example.com.", "ns3.example.com.")
    world.places[NS3] = world.second
    facts = world.look()
    assert sorted(of(facts, lambda server: server.problem)) == [*LABELS, f"ns3.example.com {NS3}"]
    assert facts.zone.delegated == {"ns1.example.com", "ns2.example.com"}
    assert facts.zone.servers[0].listed == {"ns1.example.com", "ns3.example.com"}


def test_addresses_that_come_with_the_delegation_are_asked_too(world):
    world.com.set("ns2.example.com.", "A", NS3)
    world.places[NS3] = refused
    assert of(world.look(), lambda server: server.problem) == dict.fromkeys(LABELS, "") | {
        f"ns2.example.com {NS3}": "answers REFUSED"
    }


def test_a_name_server_without_address_is_told(world):
    world.com.set("example.com.", "NS", "ns1.example.com.", "nowhere.example.com.")
    world.both("example.com.", "NS", "ns1.example.com.", "nowhere.example.com.")
    assert of(world.look(), lambda server: server.problem) == {LABELS[0]: "", "nowhere.example.com": "has no address"}


def test_a_delegation_that_the_resolvers_do_not_know_yet_is_followed(world):
    world.places[RESOLVER] = Resolver(world.root, world.com)
    facts = world.look()
    assert (facts.zone.name, facts.zone.parent) == ("example.com", "com")
    assert facts.zone.delegated == {"ns1.example.com", "ns2.example.com"}
    assert facts.zone.told(facts.zone.servers[0].answers) == "A 192.0.2.1, AAAA 2001:db8::1"


def test_a_domain_that_is_not_delegated(world):
    world.com.set("example.com.", "NS")
    world.com.cuts = []
    world.places[RESOLVER] = Resolver(world.root, world.com)
    facts = world.look()
    assert (facts.zone.name, facts.zone.servers[0].answers["A"].state) == ("com", "NXDOMAIN")


def test_a_parent_that_does_not_answer_is_told(world):
    world.places[REGISTRY] = refused
    facts = world.look()
    assert facts.zone.parent_problem == "REFUSED"
    with pytest.raises(ProbeError, match=r"com could not be asked for example\.com: REFUSED"):
        _ = facts.zone.delegation


def test_an_alias_into_another_zone_is_followed(world):
    net = Zone("net.", {("net.", "NS"): ["ns.net."], ("ns.net.", "A"): [NS3], ("front.net.", "A"): ["192.0.2.7"]})
    world.places[NS3] = net
    world.places[RESOLVER] = Resolver(world.root, world.com, world.first, net)
    for kind in ("A", "AAAA"):
        world.both(f"{HOST}.", kind)
    world.both(f"{HOST}.", "CNAME", "front.net.")
    facts = world.look()
    assert [(zone.name, zone.asked) for zone in facts.zones] == [("example.com", HOST), ("net", "front.net")]
    assert {server: answer.values for server, answer in facts.leads_to("A").items()} == {
        f"ns.net {NS3}": ("192.0.2.7",)
    }
    assert facts.zone.told(facts.resolvers[0].answers) == facts.zone.told(facts.zone.servers[0].answers)


def test_caa_above_the_zone_is_asked_of_a_resolver(world):
    world.both("example.com.", "CAA")
    world.com.set("com.", "CAA", '0 issue "ca.example.net"')
    assert {server.caa.told for server in world.look().zone.servers} == {'0 issue "ca.example.net" at com'}


def test_without_caa_records_anybody_may_issue(world):
    world.both("example.com.", "CAA")
    assert {server.caa.told for server in world.look().zone.servers} == {"no CAA"}


def test_a_resolver_that_refuses_what_it_cannot_validate_is_told(world):
    world.places[RESOLVER] = Resolver(world.root, world.com, world.first, bogus=[f"{HOST}."])
    facts = world.look()
    assert [resolver.bogus for resolver in facts.resolvers] == [True]
    # The way to the zone is found all the same.
    assert facts.zone.told(facts.zone.servers[0].answers) == "A 192.0.2.1, AAAA 2001:db8::1"


def test_addresses_that_a_resolver_makes_up_for_clients_without_ipv4_are_none(world):
    world.both(f"{HOST}.", "AAAA")
    made = Zone("example.com.", {})
    made.records = world.first.records | {}
    made.set(f"{HOST}.", "AAAA", "64:ff9b::c000:201")
    world.places[RESOLVER] = Resolver(world.root, world.com, made)
    assert world.look().resolvers[0].answers["AAAA"].values == ()


def test_a_declared_resolver_that_is_silent_is_a_fact_beside_one_that_answers(world):
    target = TARGET.model_copy(update={"resolvers": (ip_address(NS3), ip_address(RESOLVER))})
    world.places[NS3] = lambda query, tcp: None
    silent, good = world.look(target).resolvers
    assert silent.answers["A"].state == "does not answer within 2 s"
    assert good.answers["A"].values == ("192.0.2.1",)


def test_one_of_the_machines_own_that_is_silent_says_nothing_of_the_target(world, monkeypatch):
    own = names.resolver(TARGET)
    own.nameservers = [NS3, RESOLVER]
    monkeypatch.setattr(names, "resolver", lambda target: own)
    world.places[NS3] = lambda query, tcp: None
    assert [resolver.address for resolver in world.look(Target(host=HOST)).resolvers] == [RESOLVER]


def test_without_any_resolver_nothing_is_known(world):
    world.places[RESOLVER] = refused
    with pytest.raises(ProbeError, match=rf"no resolver answers: {RESOLVER} REFUSED"):
        world.look()


def test_a_network_that_lets_nobody_ask_is_not_the_zones_fault(world):
    world.places = {RESOLVER: world.places[RESOLVER]}
    with pytest.raises(
        ProbeError, match=r"no name server that is asked for .* answers from here, and the resolvers do"
    ):
        world.look()


def test_an_address_family_that_nothing_answers_in_is_not_judged(world):
    world.both("ns2.example.com.", "AAAA", "::1")  # where nobody listens at this port
    facts = world.look()
    assert {server.label: server.asked for server in facts.zone.servers} == dict.fromkeys(LABELS, True) | {
        "ns2.example.com ::1": False
    }


def test_an_answer_that_does_not_fit_is_asked_for_over_tcp(world):
    def cut(query, tcp):
        response = world.second(query)
        if not tcp:
            response.answer.clear()
            response.flags |= dns.flags.TC
        return response

    world.places[NS2] = cut
    facts = world.look()
    assert facts.zone.servers[1].answers == facts.zone.servers[0].answers


def test_a_server_older_than_edns_is_asked_without(world):
    def old(query, tcp):
        if query.edns >= 0:
            response = dns.message.make_response(dns.message.make_query(query.question[0].name, "A"))
            response.id, response.question = query.id, query.question
            response.set_rcode(dns.rcode.FORMERR)
            return response
        return world.second(query)

    world.places[NS2] = old
    facts = world.look()
    assert facts.zone.servers[1].answers == facts.zone.servers[0].answers


def test_a_host_that_answers_nowhere_has_one_cause_though_dns_answers(monkeypatch):
    target = Target(host=HOST)
    peer = Peer(target, "192.0.2.1")

    def nobody(name):
        def run(*_):
            raise Unreachable(f"192.0.2.1 does not answer {name}")

        return run

    ways = {"dns": lambda *_: "facts", "ports": nobody("on any port"), "http": nobody("on port 443")}
    probes = {name: survey.PROBES[name]._replace(run=run) for name, run in ways.items()}
    monkeypatch.setattr(survey, "PROBES", probes)
    seen = survey.Survey({HOST: (peer,)}, {})
    seen.look({("dns", HOST), ("ports", peer.label), ("http", peer.label)}, lambda *_: None)
    assert seen.facts("dns", target) == "facts"
    causes = set()
    for name in ("ports", "http"):
        with pytest.raises(Unreachable) as raised:
            seen.facts(name, peer)
        causes.add(raised.value.cause)
    assert len(causes) == 1


def test_an_address_of_no_one_host_is_told_and_not_asked(world):
    world.com.set("ns2.example.com.", "A", "0.0.0.0")  # noqa: S104
    world.both("ns2.example.com.", "A", "0.0.0.0")  # noqa: S104
    assert of(world.look(), lambda server: (server.asked, server.problem)) == {
        LABELS[0]: (True, ""),
        "ns2.example.com 0.0.0.0": (True, "has an address of no one host (unspecified)"),
    }
