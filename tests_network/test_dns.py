"""Section 2: the name's records at every name server and every resolver, before the DNS change and after it."""

from datetime import UTC, datetime
from math import inf

import pytest

from cutover.check import control, promised, seen
from cutover.facts.caa import identifiers
from cutover.facts.certificate import Certificate
from cutover.facts.dns import KINDS, KNOWN, Dns, Kind, by_answer, longest
from cutover.inventory import Target


@control("2.dns")
def test_zone_is_delegated_to_its_name_servers(dns: Dns) -> None:
    """Resolvers come by the parent's list and go on with the zone's own: a server in one of the two only is asked by
    some users and forgotten by others.

    Mend: at the registrar, and as NS records of the zone, name the same servers; a registry takes minutes to hours
    """
    zone = dns.zone
    own = frozenset[str]().union(*(server.listed for server in zone.answering))
    lists = {f"at {zone.parent}": zone.delegation, f"in {zone.name}": own}
    state = "; ".join(f"{place}: {', '.join(sorted(names)) or 'none'}" for place, names in lists.items())
    # What nobody has delegated is found in the zone of the top level domain itself.
    delegated = "." in zone.name and zone.delegation == own != frozenset()
    text = f"{dns.host} in a delegated zone, the same name servers in it and above it"
    assert seen(delegated, state) == promised(True, text)


@control("2.dns")
def test_every_name_server_answers_for_the_zone(dns: Dns) -> None:
    """Each is asked by a share of the users; one that is down or does not know the zone costs them seconds, or more.

    Mend: start it and load the zone on it, or take it out of the zone's NS records and of the registrar's list
    """
    states = {server.label: server.problem or "answers" for zone in dns.zones for server in zone.within_reach}
    assert seen(states) == promised(dict.fromkeys(states, "answers"))


@control("2.dns")
def test_name_servers_have_the_same_version_of_the_zone(dns: Dns) -> None:
    """A server that no longer receives the zone will miss the change of this migration. Serial numbers are compared
    between servers that name the same primary.

    Mend: on the server that lags: may it transfer from the primary (TCP port 53, TSIG key)? then rndc retransfer ZONE
    """
    serials = {server.label: server.serial for server in dns.zone.answering}
    newest: dict[str, int] = {}
    for server in dns.zone.answering:
        known = newest.setdefault(server.primary, server.serial)
        # Serial number arithmetic (RFC 1982): after the largest number comes zero.
        if (server.serial - known) % 2**32 < 2**31:
            newest[server.primary] = server.serial
    promises = {server.label: newest[server.primary] for server in dns.zone.answering}
    assert seen(serials, where=f"SOA of {dns.zone.name}") == promised(promises)


@control("2.dns")
def test_name_servers_give_the_same_answer(dns: Dns, target: Target) -> None:
    """A server with an older answer leads its share of the users to the old server, or nowhere.

    Mend: make the record on the primary, raise the serial; then look why the others do not take it over
    """
    answers = {server.label: dns.zone.told(server.answers) for server in dns.zone.answering}
    known = {answer.state for server in dns.zone.answering for answer in server.answers.values()} <= {*KNOWN}
    leads = target.phase == "pre" or any(answer.values for kind in KINDS for answer in dns.leads_to(kind).values())
    same = len(set(answers.values())) == 1 and known and leads
    text = "one answer at every name server" + ("" if target.phase == "pre" else ", with an address")
    assert seen(same, by_answer(answers), where=dns.host) == promised(True, text)


@control("2.dns")
@pytest.mark.parametrize("kind", KINDS)
def test_addresses_are_exactly_the_declared_ones(dns: Dns, target: Target, kind: Kind) -> None:
    """Before the change users are to reach the old server, after it the new one. A stale AAAA record leads those with
    IPv6, who try it first, to a server that may be switched off.

    Mend: at the primary name server, make the records of the name exactly these, remove all others, raise the serial
    """
    declared = ", ".join(sorted(address for address in target.in_dns if (":" in address) == (kind == "AAAA"))) or "none"
    answers = {server: answer.addresses_told for server, answer in dns.leads_to(kind).items()}
    exact = set(answers.values()) == {declared}
    text = f"{declared} at every name server"
    assert seen(exact, by_answer(answers), where=f"{kind} of {dns.host}") == promised(True, text)


@control("2.dns")
def test_every_resolver_agrees_with_the_name_servers(dns: Dns) -> None:
    """Who uses a resolver that disagrees is led by an old answer until its cache ends.

    Mend: wait the seconds that are told, or verify with --wait-dns 30m; see why one refuses or is silent
    """
    zone, states, expected = dns.zone, {}, dns.zone.told(dns.zone.answering[0].answers)
    for resolver in dns.resolvers:
        other = [
            f"{kind} {zone.own(answer).told}" + (f" for {answer.seconds} s more" if answer.seconds else "")
            for kind, answer in resolver.answers.items()
            if zone.own(answer).told not in {zone.own(server.answers[kind]).told for server in zone.answering}
        ]
        states[resolver.address] = ", ".join(other) or expected
    assert seen(states, where=dns.host) == promised(dict.fromkeys(states, expected))


@control("2.dns")
def test_ttl_is_short_before_the_change(dns: Dns, target: Target) -> None:
    """For so long after the change, and after a change back, users are still led to the other server.

    Mend: lower the TTL of the name's records; wait as long as the old TTL was, then change the addresses
    """
    seconds = max(longest(server.answers) for server in dns.zone.answering)
    limit = target.limits.dns_ttl_seconds if target.phase == "pre" else inf
    text = f"at most {limit} s" if target.phase == "pre" else "any, the change has been made"
    assert seen(seconds, f"{seconds} s", where=dns.host) <= promised(limit, text)


@control("2.dns")
def test_no_cache_holds_a_longer_ttl_before_the_change(dns: Dns, target: Target) -> None:
    """A cache keeps what it has for the TTL that was right when it asked: lowering it helps only one old TTL later.

    Mend: wait the seconds that are told before changing the addresses
    """
    left = {resolver.address: longest(resolver.answers) for resolver in dns.resolvers}
    limit = target.limits.dns_ttl_seconds if target.phase == "pre" else inf
    text = f"at most {limit} s left" if target.phase == "pre" else "any, the change has been made"
    state = ", ".join(f"{resolver}: {seconds} s" for resolver, seconds in left.items())
    assert seen(max(left.values()), state, where=dns.host) <= promised(limit, text)


@control("2.dns")
def test_caa_lets_the_issuer_issue(dns: Dns, certificate: Certificate, target: Target) -> None:
    """An authority has to refuse when CAA records name others only, or carry what it does not understand: the next
    renewal fails. It may ask any of the name servers.

    Mend: add a CAA record for the authority (0 issue "letsencrypt.org") where the records stand that are told
    """
    authorities = (target.caa_issuer,) if target.caa_issuer else identifiers(certificate.leaf.issuer)
    policies = {server.label: server.caa for server in dns.zone.answering}
    allowed = all(caa.lets(authorities) for caa in policies.values())
    state = by_answer({server: caa.told for server, caa in policies.items()})
    text = f"{' or '.join(authorities)} may issue"
    assert seen(allowed, state, where=f"CAA of {dns.host}") == promised(True, text)


@control("2.dns")
def test_dnssec_is_not_bogus(dns: Dns) -> None:
    """For the users of a resolver that validates, a name whose signatures do not hold does not exist. The signatures of
    each name server are verified here from the parent's DS record on; further up that is left to the resolvers.

    Mend: sign the zone again, and have the registrar publish the DS record of the present key; or remove the DS record
    """
    zone = dns.zone
    ends = [server.signatures.end for server in zone.answering if server.signatures.end]
    good = f"signed, the first signature ends {datetime.fromtimestamp(min(ends), UTC):%F}" if ends else "not signed"
    states = {server.label: server.signatures.problem or good for server in zone.answering}
    states |= {resolver.address: "answers only who does not validate" for resolver in dns.resolvers if resolver.bogus}
    # Raised where the parent could not be asked: then nobody knows whether there is a DS record.
    assert zone.delegation is not None
    assert seen(set(states.values()) == {good}, by_answer(states), where=zone.name) == promised(
        True, "no wrong signature"
    )
