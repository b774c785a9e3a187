"""Mistakes that are made at the name servers, at the registrar, and with time."""

import time

from lab.dns import DOMAIN, PARENT, Record, Tree, addresses
from lab.faults import fault
from lab.network import API, ROOT

# Where the API is thought to have been before: nobody is there.
OLD, OLD_IPV6 = "198.51.100.9", "2001:db8:51::9"
DAY = 86400
NAME = DOMAIN.removesuffix(f".{PARENT}")

WRONG_ADDRESS = {"addresses_are_exactly_the_declared_ones"}
NOT_ALL_ANSWER = {"every_name_server_answers_for_the_zone"}
# Who validates finds no such name.
BOGUS = {"dnssec_is_not_bogus", "every_resolver_agrees_with_the_name_servers"}
# To the suite an --address is a server that DNS does not lead to yet.
BEFORE = ("--address", API.ipv4, "--address", API.ipv6)


@fault(of="dns")
def healthy(tree: Tree) -> None:
    """Nothing is wrong."""


@fault(of="dns", options=BEFORE)
def healthy_before_the_change(tree: Tree) -> None:
    """DNS leads to the old server, and is ready to be changed."""


@fault(of="dns", fails=WRONG_ADDRESS)
def ipv6_forgotten(tree: Tree) -> None:
    """The A record was changed, and the AAAA record still leads to the old server."""
    tree.set("api", "AAAA", [OLD_IPV6])


@fault(of="dns", fails=WRONG_ADDRESS)
def ipv6_missing(tree: Tree) -> None:
    """The old AAAA record was removed, and no new one made."""
    tree.set("api", "AAAA", [])


@fault(of="dns", fails=WRONG_ADDRESS)
def old_address_beside_the_new(tree: Tree) -> None:
    """The new record was added, and the old one not removed: every other user is led to the old server."""
    tree.set("api", "A", [API.ipv4, OLD])


@fault(of="dns", fails=WRONG_ADDRESS | {"name_servers_give_the_same_answer"})
def name_removed(tree: Tree) -> None:
    """Taken out with the old server's records."""
    for kind in ("A", "AAAA"):
        tree.set("api", kind, [])


@fault(of="dns", fails=WRONG_ADDRESS)
def wildcard_answers(tree: Tree) -> None:
    """The name's own records are gone; the web site's wildcard answers in their place, and all looks well."""
    for kind, value in (("A", OLD), ("AAAA", OLD_IPV6)):
        tree.set("api", kind, [])
        tree.set("*", kind, [value])


@fault(of="dns", fails=WRONG_ADDRESS)
def alias_to_the_old_server(tree: Tree) -> None:
    """An alias where addresses were promised, and it leads to another machine."""
    for kind, value in (("A", OLD), ("AAAA", OLD_IPV6)):
        tree.set("api", kind, [])
        tree.set("www", kind, [value])
    tree.set("api", "CNAME", ["www"])


@fault(
    of="dns",
    fails=WRONG_ADDRESS
    | {
        "name_servers_give_the_same_answer",
        "every_resolver_agrees_with_the_name_servers",
        # Whoever asks for them is led round as well.
        "caa_lets_the_issuer_issue",
    },
)
def aliases_in_a_circle(tree: Tree) -> None:
    """Each name was made an alias of the other, one today and one long ago."""
    for kind in ("A", "AAAA"):
        tree.set("api", kind, [])
    tree.set("api", "CNAME", ["www"])
    tree.set("www", "CNAME", ["api"])


@fault(of="dns", fails=NOT_ALL_ANSWER)
def alias_beside_addresses(tree: Tree) -> None:
    """An alias was added, the addresses were not removed: no server loads such a zone, as its next start shows."""
    records = tree.ns1.read(DOMAIN)
    tree.ns1.write(DOMAIN, [*records, Record("api", "CNAME", "www")])
    tree.ns1.restart()


@fault(
    of="dns",
    fails=WRONG_ADDRESS | {"name_servers_have_the_same_version_of_the_zone", "name_servers_give_the_same_answer"},
)
def secondary_lags(tree: Tree) -> None:
    """The second name server no longer takes the zone over, and still gives the old address."""
    tree.set("api", "A", [OLD])
    tree.ns2.control("-b", "zone-freeze", DOMAIN)
    tree.ns1.set(DOMAIN, "api", "A", [API.ipv4])


@fault(of="dns", fails={"name_servers_have_the_same_version_of_the_zone"})
def secondary_lags_before_the_change(tree: Tree) -> None:
    """The same, and nothing of the API has changed yet: the change that is to come will not reach it."""
    tree.ns2.control("-b", "zone-freeze", DOMAIN)
    tree.ns1.set(DOMAIN, "www", "A", [API.ipv4])


@fault(of="dns", fails=NOT_ALL_ANSWER)
def secondary_down(tree: Tree) -> None:
    """Nobody noticed, because the first answers."""
    tree.ns2.stop()


@fault(of="dns", fails=NOT_ALL_ANSWER)
def secondary_does_not_know_the_zone(tree: Tree) -> None:
    """The zone was lost from the second name server's configuration: it refuses."""
    tree.ns2.configure(zones=())
    tree.ns2.restart()


@fault(of="dns", fails=NOT_ALL_ANSWER)
def lame_delegation(tree: Tree) -> None:
    """A third name server was announced, and never set up for the zone."""
    tree.set("ns3", "A", [ROOT.ipv4])
    tree.set("@", "NS", ["ns1", "ns2", "ns3"])
    tree.root.set(PARENT, NAME, "NS", [f"{server}.{NAME}" for server in ("ns1", "ns2", "ns3")])


@fault(of="dns", fails=NOT_ALL_ANSWER)
def glue_of_an_old_name_server(tree: Tree) -> None:
    """The first name server has moved, and the registrar still tells its old address."""
    tree.root.set(PARENT, f"ns1.{NAME}", "A", [OLD])


@fault(of="dns", fails={"zone_is_delegated_to_its_name_servers"})
def name_server_at_the_registrar_only(tree: Tree) -> None:
    """It was taken out of the zone, and the registrar was not told."""
    tree.set("@", "NS", ["ns1"])


@fault(of="dns", fails={"zone_is_delegated_to_its_name_servers"})
def name_server_in_the_zone_only(tree: Tree) -> None:
    """It was added to the zone, and the registrar was not told."""
    tree.root.set(PARENT, NAME, "NS", [f"ns1.{NAME}"])


@fault(
    of="dns",
    fails=WRONG_ADDRESS | {"zone_is_delegated_to_its_name_servers", "name_servers_give_the_same_answer"},
)
def domain_not_delegated(tree: Tree) -> None:
    """The registration has ended."""
    for kind in ("NS", "DS"):
        tree.root.set(PARENT, NAME, kind, [])


@fault(of="dns", fails={"every_resolver_agrees_with_the_name_servers"})
def resolver_lags(tree: Tree) -> None:
    """The old record was given with a TTL of a day, and somebody's resolver had just asked."""
    tree.set("api", "A", [OLD], ttl=DAY)
    tree.forget()
    tree.resolvers[1].ask(API.fqdn)
    tree.set("api", "A", [API.ipv4])


@fault(
    of="dns",
    fails={"ttl_is_short_before_the_change", "no_cache_holds_a_longer_ttl_before_the_change"},
    options=BEFORE,
)
def ttl_of_a_day_before_the_change(tree: Tree) -> None:
    """Nobody thought of the TTL."""
    for record in addresses("api", API):
        tree.set("api", record.type, [record.value], ttl=DAY)


@fault(of="dns", fails={"no_cache_holds_a_longer_ttl_before_the_change"}, options=BEFORE)
def ttl_lowered_too_late(tree: Tree) -> None:
    """The TTL is short now, and a resolver still has what it asked for yesterday."""
    ttl_of_a_day_before_the_change(tree)
    tree.forget()
    tree.resolvers[1].ask(API.fqdn)
    for record in addresses("api", API):
        tree.set("api", record.type, [record.value])


@fault(of="dns", fails={"caa_lets_the_issuer_issue"})
def caa_of_another_authority(tree: Tree) -> None:
    """The authority was changed, and the CAA record not: the next renewal is refused."""
    tree.set("@", "CAA", ['0 issue "ca.example.net"'])


@fault(of="dns", fails={"caa_lets_the_issuer_issue"})
def caa_of_the_name_itself(tree: Tree) -> None:
    """One that allows nobody, at the name: what stands further up no longer counts."""
    tree.set("api", "CAA", ['0 issue ";"'])


@fault(of="dns", fails=BOGUS)
def signatures_ended(tree: Tree) -> None:
    """The signer was stopped, and the signatures ran out."""
    tree.stop()
    seconds = {"rrsig-lifetime": 8, "rrsig-refresh": 4, "rrsig-pre-refresh": 1, "propagation-delay": 1, "dnskey-ttl": 1}
    tree.start(ttl=1, **{key: str(value) for key, value in seconds.items()})
    for server in (tree.ns1, tree.ns2):
        server.control("-b", "zone-freeze", DOMAIN)
    time.sleep(10)
    tree.forget()


@fault(of="dns", fails=BOGUS)
def ds_of_an_old_key(tree: Tree) -> None:
    """The zone has a new key, and the registrar still tells of the old one."""
    (ds,) = tree.ns1.ds(DOMAIN)
    tag, rest = ds.split(" ", 1)
    tree.root.set(PARENT, NAME, "DS", [f"{int(tag) ^ 1} {rest}"])
