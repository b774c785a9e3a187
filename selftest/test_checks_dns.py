"""The checks of 2.dns, each with facts that keep the promise and facts that break it."""

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address

import pytest

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.caa import Caa, Property
from cutover.facts.certificate import Certificate, Key, Link
from cutover.facts.dns import Answer, Resolver
from cutover.inventory import Limits, Target
from selftest.dns_facts import NAMES, OLD, V4, V6, answers, facts, server, signed, state, zone
from selftest.rows import HOST, TARGET, fails, judge, passes
from tests_network import test_dns as dns

NEW = (ip_address(V4), ip_address(V6))
POST = Target(host=HOST, addresses=NEW)
PRE = Target(host=HOST, phase="pre", addresses=(ip_address("192.0.2.77"),), old_server=NEW)
V4_ONLY = Target(host=HOST, addresses=NEW[:1])
DAY = 86400
GOOD = f"A {V4}, AAAA {V6}"
LABELS = ("ns1.example.com 203.0.113.1", "ns2.example.com 203.0.113.2")
ALIAS = {
    kind: Answer("NOERROR", ("front.example.net",), (), 300) for kind in ("A", "AAAA")
}  # what a server of example.com can say


def of_delegation():
    check = dns.test_zone_is_delegated_to_its_name_servers
    promise = f"{HOST} in a delegated zone, the same name servers in it and above it"
    both = "ns1.example.com, ns2.example.com"
    yield passes("both", check, dns=facts())
    yield passes("one-is-down", check, dns=facts(server(1), server(2, problem="answers REFUSED", listed=frozenset())))
    one = frozenset({"ns1.example.com"})
    only_above = facts(server(1, listed=one), server(2, listed=one))
    yield fails("above", check, promise, f"at com: {both}; in example.com: ns1.example.com", dns=only_above)
    in_zone = facts(delegated=one)
    yield fails("in-zone", check, promise, f"at com: ns1.example.com; in example.com: {both}", dns=in_zone)
    yield fails("not", check, promise, f"at com: none; in example.com: {both}", dns=facts(delegated=frozenset()))
    top = facts(name="com", parent=".", delegated=NAMES)
    yield fails("top-level", check, promise, f"at .: {both}; in com: {both}", dns=top)
    nothing = facts(server(1, listed=frozenset()), delegated=frozenset())
    yield fails("nothing", check, promise, "at com: none; in example.com: none", dns=nothing)


def of_name_servers():
    check = dns.test_every_name_server_answers_for_the_zone
    yield passes("all", check, dns=facts())
    yield passes("no-ipv6-here", check, dns=facts(server(1), server(2, problem="does not answer", asked=False)))
    for case, problem in (("down", "does not answer within 6 s"), ("lame", "answers REFUSED")):
        broken = facts(server(1), server(2, problem=problem))
        yield fails(case, check, f"{LABELS[1]}: answers", f"{LABELS[1]}: {problem}", dns=broken)
    elsewhere = zone(server(3, problem="answers SERVFAIL"), name="example.net", asked="front.example.net")
    label = "ns3.example.com 203.0.113.3"
    yield fails("alias", check, f"{label}: answers", f"{label}: answers SERVFAIL", dns=facts(zones=(elsewhere,)))
    nowhere = facts(server(1), replace(server(2, problem="has no address"), address=""))
    yield fails("nowhere", check, "ns2.example.com: answers", "ns2.example.com: has no address", dns=nowhere)

    check = dns.test_name_servers_have_the_same_version_of_the_zone
    yield passes("same", check, dns=facts())
    yield passes("two-primaries", check, dns=facts(server(1), server(2, serial=1, primary="ns.other.example")))
    lags = facts(server(1), server(2, serial=6))
    yield fails("lags", check, f"{LABELS[1]}: 7", f"{LABELS[1]}: 6", dns=lags)
    first = facts(server(1, serial=6), server(2))
    yield fails("first-lags", check, f"{LABELS[0]}: 7", f"{LABELS[0]}: 6", dns=first)
    around = facts(server(1, serial=2**32 - 1), server(2, serial=3))
    yield fails("around-zero", check, f"{LABELS[0]}: 3", f"{LABELS[0]}: {2**32 - 1}", dns=around)


def of_one_answer():
    check = dns.test_name_servers_give_the_same_answer
    promise = "one answer at every name server, with an address"
    yield passes("same", check, dns=facts(), target=POST)
    yield passes("ttl-differs", check, dns=facts(server(1), server(2, answers=answers(seconds=5))), target=POST)
    lags = facts(server(1), server(2, answers=answers(a=[OLD])))
    seen = f"{GOOD} ({LABELS[0]}); A {OLD}, AAAA {V6} ({LABELS[1]})"
    yield fails("lags", check, promise, seen, dns=lags, target=POST)
    gone = facts(*(server(number, answers=state("NXDOMAIN")) for number in (1, 2)))
    seen = "A NXDOMAIN, AAAA NXDOMAIN at every name server"
    yield fails("gone", check, promise, seen, dns=gone, target=POST)
    yield passes("not-yet-there", check, dns=gone, target=PRE)
    broken = facts(*(server(number, answers=state("SERVFAIL")) for number in (1, 2)))
    seen = "A SERVFAIL, AAAA SERVFAIL at every name server"
    yield fails("broken", check, "one answer at every name server", seen, dns=broken, target=PRE)
    # One server tells the addresses at once, for it has that zone too: both say the same of their own zone.
    more = {kind: replace(answer, values=(V4,)) for kind, answer in ALIAS.items()}
    beyond = zone(server(3), name="example.net", asked="front.example.net")
    alias = facts(server(1, answers=ALIAS), server(2, answers=more), zones=(beyond,))
    yield passes("alias", check, dns=alias, target=POST)
    seen = "A none as alias of front.example.net, AAAA none as alias of front.example.net at every name server"
    yield fails("alias-of-nothing", check, promise, seen, dns=facts(server(1, answers=ALIAS)), target=POST)


def of_addresses():
    check, everywhere = dns.test_addresses_are_exactly_the_declared_ones, "at every name server"
    for kind in ("A", "AAAA"):
        yield passes(f"{kind}-post", check, dns=facts(), target=POST, kind=kind)
        yield passes(f"{kind}-pre", check, dns=facts(), target=PRE, kind=kind)
    none = facts(*(server(number, answers=answers(aaaa=())) for number in (1, 2)))
    yield passes("v4-only", check, dns=none, target=V4_ONLY, kind="AAAA")
    gone = facts(*(server(number, answers=state("NXDOMAIN")) for number in (1, 2)))
    yield passes("v4-only-gone", check, dns=gone, target=V4_ONLY, kind="AAAA")
    for case, found, target, kind, promise, seen in (
        ("stale", facts(), V4_ONLY, "AAAA", "none", V6),
        ("missing", none, POST, "AAAA", V6, "none"),
        ("gone", gone, POST, "A", V4, "none"),
        ("beside", facts(server(1, answers=answers(a=[V4, OLD]))), POST, "A", V4, f"{V4}, {OLD}"),
        ("too-soon", facts(), replace_target(PRE, old_server=(ip_address(OLD),)), "A", OLD, V4),
        ("broken", facts(server(1, answers=state("SERVFAIL"))), V4_ONLY, "AAAA", "none", "SERVFAIL"),
    ):
        promise, seen = f"{promise} {everywhere}", f"{seen} {everywhere}"
        yield fails(f"{kind}-{case}", check, promise, seen, dns=found, target=target, kind=kind)
    lags = facts(server(1), server(2, answers=answers(a=[OLD])))
    seen = f"{V4} ({LABELS[0]}); {OLD} ({LABELS[1]})"
    yield fails("lags", check, f"{V4} {everywhere}", seen, dns=lags, target=POST, kind="A")

    beyond = zone(server(3), name="example.net", asked="front.example.net")
    alias = facts(server(1, answers=ALIAS), zones=(beyond,))
    yield passes("alias", check, dns=alias, target=POST, kind="A")
    wrong = replace(beyond, servers=(server(3, answers=answers(a=[OLD])),))
    alias = facts(server(1, answers=ALIAS), zones=(wrong,))
    yield fails("alias", check, f"{V4} {everywhere}", f"{OLD} {everywhere}", dns=alias, target=POST, kind="A")
    back = {kind: Answer("NOERROR", (HOST,), (V4,), 300) for kind in ("A", "AAAA")}
    circle = facts(server(1, answers=ALIAS), zones=(replace(beyond, servers=(server(3, answers=back),)),))
    yield fails("circle", check, f"{V4} {everywhere}", f"none {everywhere}", dns=circle, target=POST, kind="A")


def replace_target(target, **more):
    return target.model_copy(update=more)


def of_resolvers():
    check = dns.test_every_resolver_agrees_with_the_name_servers

    def resolved(said, **more):
        return [Resolver("198.51.100.53", answers()), Resolver("198.51.100.54", said, **more)]

    promise = f"198.51.100.54: {GOOD}"
    yield passes("all", check, dns=facts())
    for case, said, seen in (
        ("old", answers(a=[OLD], seconds=212), f"A {OLD} for 212 s more"),
        ("both-old", answers(a=[OLD], aaaa=(), seconds=9), f"A {OLD} for 9 s more, AAAA none for 9 s more"),
        ("gone", {"A": Answer("NXDOMAIN", seconds=900), "AAAA": answers()["AAAA"]}, "A NXDOMAIN for 900 s more"),
        (
            "silent",
            state("does not answer within 6 s"),
            "A does not answer within 6 s, AAAA does not answer within 6 s",
        ),
    ):
        seen = f"198.51.100.54: {seen}"
        yield fails(case, check, promise, seen, dns=facts(resolvers=resolved(said)))
    # What the name servers themselves differ in is another check's.
    lags = facts(server(1), server(2, answers=answers(a=[OLD])), resolvers=resolved(answers(a=[OLD])))
    yield passes("as-one-of-them", check, dns=lags)
    followed = {kind: replace(answer, values=(V4,)) for kind, answer in ALIAS.items()}
    yield passes("alias", check, dns=facts(server(1, answers=ALIAS), resolvers=[Resolver("::1", followed)]))


def of_ttl():
    check = dns.test_ttl_is_short_before_the_change
    yield passes("short", check, dns=facts(), target=PRE)
    long = facts(server(1), server(2, answers=answers(seconds=DAY)))
    yield passes("afterwards", check, dns=long, target=POST)
    yield fails("long", check, "at most 300 s", "86400 s", dns=long, target=PRE)
    hour = replace_target(PRE, limits=Limits(dns_ttl_seconds=DAY))
    yield passes("declared", check, dns=long, target=hour)
    # That there is no AAAA record may be kept for long: it leads nobody to the old server.
    nothing = {"A": answers()["A"], "AAAA": Answer("NOERROR", seconds=DAY)}
    yield passes("no-ipv6", check, dns=facts(server(1, answers=nothing)), target=PRE)
    gone = {kind: Answer("NXDOMAIN", seconds=DAY) for kind in ("A", "AAAA")}
    yield fails("nothing", check, "at most 300 s", "86400 s", dns=facts(server(1, answers=gone)), target=PRE)
    alias = {kind: replace(answer, seconds=3600) for kind, answer in ALIAS.items()}
    yield fails("alias", check, "at most 300 s", "3600 s", dns=facts(server(1, answers=alias)), target=PRE)

    check = dns.test_no_cache_holds_a_longer_ttl_before_the_change
    yield passes("short", check, dns=facts(), target=PRE)
    kept = facts(resolvers=[Resolver("198.51.100.53", answers()), Resolver("198.51.100.54", answers(seconds=80000))])
    yield passes("afterwards", check, dns=kept, target=POST)
    seen = "198.51.100.53: 300 s, 198.51.100.54: 80000 s"
    yield fails("kept", check, "at most 300 s left", seen, dns=kept, target=PRE)


def certificate(issuer="CN=R11,O=Let's Encrypt,C=US"):
    day = datetime(2026, 1, 1, tzinfo=UTC)
    return Certificate(
        HOST, V4, day, (Link(HOST, issuer, (HOST,), day, day, "00", False, False, Key("EC", 256), "sha256", ""),), "", 0
    )


def of_caa():
    check, promise = dns.test_caa_lets_the_issuer_issue, "letsencrypt.org may issue"

    def found(*records, at="example.com", problem=""):
        caa = Caa(at, tuple(Property(*record) for record in records), problem)
        return facts(server(1, caa=caa), server(2, caa=caa))

    issue = (0, "issue", "letsencrypt.org")
    parameters = (0, "issue", "letsencrypt.org; validationmethods=http-01; accounturi=https://acme.example/1")
    for case, records in (
        ("named", [issue]),
        ("none", []),
        ("among", [(0, "issue", "ca.example.net"), issue]),
        ("case", [(0, "issue", " LetsEncrypt.ORG ")]),
        ("parameters", [parameters]),
        ("critical", [(128, "issue", "letsencrypt.org")]),
        ("no-issue", [(0, "iodef", "mailto:a@example.com"), (0, "issuewild", ";")]),
        ("unknown", [issue, (0, "tbs", "x")]),
    ):
        yield passes(case, check, dns=found(*records), certificate=certificate(), target=TARGET)
    for case, records, seen in (
        ("other", [(0, "issue", "ca.example.net")], '0 issue "ca.example.net"'),
        ("nobody", [(0, "issue", ";")], '0 issue ";"'),
        ("malformed", [(0, "issue", "letsencrypt.org x")], '0 issue "letsencrypt.org x"'),
        ("bad-parameter", [(0, "issue", "letsencrypt.org; a b")], '0 issue "letsencrypt.org; a b"'),
        ("subdomain", [(0, "issue", "x.letsencrypt.org")], '0 issue "x.letsencrypt.org"'),
        ("critical", [issue, (128, "tbs", "x")], '0 issue "letsencrypt.org", 128 tbs "x"'),
    ):
        seen = f"{seen} at example.com at every name server"
        yield fails(case, check, promise, seen, dns=found(*records), certificate=certificate(), target=TARGET)
    problem = f"CAA of {HOST} cannot be asked: SERVFAIL"
    silent = found(problem=problem)
    yield fails(
        "silent",
        check,
        promise,
        f"{problem} at every name server",
        dns=silent,
        certificate=certificate(),
        target=TARGET,
    )
    differ = facts(server(1), server(2, caa=Caa(HOST, (Property(0, "issue", ";"),))))
    seen = f'0 issue "letsencrypt.org" at example.com ({LABELS[0]}); 0 issue ";" at {HOST} ({LABELS[1]})'
    yield fails("differ", check, promise, seen, dns=differ, certificate=certificate(), target=TARGET)
    own = replace_target(TARGET, caa_issuer="ca.example.net")
    private = certificate("CN=private")
    yield passes("own", check, dns=found((0, "issue", "ca.example.net")), certificate=private, target=own)
    seen = '0 issue "letsencrypt.org" at example.com at every name server'
    yield fails("own", check, "ca.example.net may issue", seen, dns=found(issue), certificate=certificate(), target=own)


def of_dnssec():
    check, promise = dns.test_dnssec_is_not_bogus, "no wrong signature"
    yield passes("unsigned", check, dns=facts())
    yield passes("signed", check, dns=facts(signed(1), signed(2, end=1_767_312_000)))
    ended = "SOA of example.com: signed from 2025-11-01 00:00 UTC to 2025-12-01 00:00 UTC only"
    good = "signed, the first signature ends 2026-01-01"
    seen = f"{good} ({LABELS[0]}); {ended} ({LABELS[1]})"
    yield fails("one-ended", check, promise, seen, dns=facts(signed(1), signed(2, ended, 0)))
    seen = f"{ended} at every name server"
    yield fails("ended", check, promise, seen, dns=facts(signed(1, ended, 0), signed(2, ended, 0)))
    refused = facts(resolvers=[Resolver("198.51.100.53", state("SERVFAIL"), bogus=True)])
    seen = f"not signed ({', '.join(LABELS)}); answers only who does not validate (198.51.100.53)"
    yield fails("resolver", check, promise, seen, dns=refused)


ROWS = [
    *of_delegation(),
    *of_name_servers(),
    *of_one_answer(),
    *of_addresses(),
    *of_resolvers(),
    *of_ttl(),
    *of_caa(),
    *of_dnssec(),
]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure


@pytest.mark.parametrize(
    ("declared", "why"),
    [
        (TARGET, "addresses is not declared, which DNS is to give in phase post"),
        (
            Target(host=HOST, phase="pre", addresses=NEW),
            "old_server is not declared, which DNS is to give in phase pre",
        ),
    ],
    ids=["post", "pre"],
)
def test_exactness_is_not_reviewed_where_nobody_said_what_is_exact(declared, why):
    with pytest.raises(NotDeclared, match=why):
        dns.test_addresses_are_exactly_the_declared_ones(facts(), declared, "A")


def test_an_unknown_issuer_is_not_reviewed():
    with pytest.raises(NotDeclared, match="what Private Co is called in CAA records is not known here"):
        dns.test_caa_lets_the_issuer_issue(facts(), certificate("CN=x,O=Private Co"), TARGET)


@pytest.mark.parametrize("check", [dns.test_zone_is_delegated_to_its_name_servers, dns.test_dnssec_is_not_bogus])
def test_nothing_is_said_of_what_the_parent_did_not_tell(check):
    with pytest.raises(ProbeError, match=r"com could not be asked for example\.com: SERVFAIL"):
        check(facts(parent_problem="SERVFAIL"))


ON_THE_SERVERS = [
    dns.test_zone_is_delegated_to_its_name_servers,
    dns.test_name_servers_have_the_same_version_of_the_zone,
    dns.test_every_resolver_agrees_with_the_name_servers,
    dns.test_dnssec_is_not_bogus,
]


@pytest.mark.parametrize("check", ON_THE_SERVERS)
def test_without_any_name_server_there_is_one_cause(check):
    dead = facts(server(1, problem="does not answer"), server(2, problem="answers REFUSED"))
    with pytest.raises(ProbeError, match=r"no name server of example\.com answers: ns1.* does not answer; ns2"):
        check(dead)


def test_a_zone_without_name_servers_is_no_zone_whose_servers_all_answer():
    with pytest.raises(ProbeError, match="has no name server that can be asked from here"):
        dns.test_every_name_server_answers_for_the_zone(facts(server(1, asked=False)))
