"""What is forwarded in front of ufw: as Docker, podman, iptables and nft write it."""

import pytest

from cutover.errors import ProbeError
from cutover.facts.evidence import Output
from selftest.firewall_facts import UP, nat, read_forwarding

LOCAL = "PREROUTING -m addrtype --dst-type LOCAL -j DOCKER"
PUBLISHED = "DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80"


def told(**changed):
    return {family: set(map(str, found)) for family, found in read_forwarding(**changed).forwards.items()}


def test_a_host_that_forwards_nothing():
    facts = read_forwarding()
    assert facts.forwards == {"ipv4": frozenset(), "ipv6": frozenset()}
    assert [one.asked.rpartition(" ")[2] for one in facts.evidence] == ["iptables", "ip6tables", "nft", "legacy-tables"]


@pytest.mark.parametrize(
    ("rules", "forwards"),
    [
        ([LOCAL, "DOCKER -i docker0 -j RETURN", PUBLISHED], {"8080/tcp forwarded to 172.17.0.2:80"}),
        (
            [LOCAL, "DOCKER -d 192.0.2.7/32 ! -i br0 -p udp -m udp --dport 53 -j DNAT --to-destination 10.0.0.2:53"],
            {"192.0.2.7 53/udp forwarded to 10.0.0.2:53"},
        ),
        (
            ["PREROUTING -i eth0 -p tcp -m multiport --dports 81,82 -j DNAT --to-destination 10.0.0.2"],
            {"81/tcp on eth0 forwarded to 10.0.0.2", "82/tcp on eth0 forwarded to 10.0.0.2"},
        ),
        (
            ["PREROUTING -p tcp -m tcp --dport 2200 -j REDIRECT --to-ports 22"],
            {"2200/tcp forwarded to port 22 of the host itself"},
        ),
        (["PREROUTING -p tcp -m tcp --dport 2200 -j REDIRECT"], {"2200/tcp forwarded to the host itself"}),
        (["PREROUTING -i eth0 -j DNAT --to-destination 10.0.0.2"], {"Anywhere on eth0 forwarded to 10.0.0.2"}),
        (["PREROUTING -j NETMAP --to 10.0.0.0/24"], {"Anywhere forwarded to 10.0.0.0/24"}),
        # On loopback; by the host itself; to no other place; in a chain that nothing leads to.
        (
            [LOCAL, "DOCKER -d 127.0.0.1/32 ! -i docker0 -p tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80"],
            set(),
        ),
        (["PREROUTING -i lo -p tcp --dport 80 -j REDIRECT --to-ports 8000"], set()),
        (["OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8000"], set()),
        (["PREROUTING -p tcp -m tcp --dport 80 -j LOG", "PREROUTING -j ACCEPT"], set()),
        ([PUBLISHED], set()),
    ],
)
def test_tables_of_iptables(rules, forwards):
    assert told(iptables=UP["iptables"] + nat(*rules)) == {"ipv4": forwards, "ipv6": set()}
    # The same, in the tables of the older kind beside those.
    assert told(legacy_tables=f"{nat(*rules)}# IPv6\n") == {"ipv4": forwards, "ipv6": set()}


def test_tables_of_iptables_for_ipv6():
    rules = "PREROUTING -p tcp -m tcp --dport 8080 -j DNAT --to-destination [fd00::2]:80"
    forwards = {"ipv4": set(), "ipv6": {"8080/tcp forwarded to [fd00::2]:80"}}
    assert told(ip6tables=UP["ip6tables"] + nat(rules)) == forwards
    assert told(legacy_tables=f"# IPv6\n{nat(rules)}") == forwards


SSH = {"2200/tcp forwarded to port 22 of the host itself"}
HERE = {"81/tcp forwarded to the host itself", "8000:8010/tcp forwarded to the host itself"}
MAP = "tcp dport map { 80 : 10.0.0.2 }"


def native(*rules, table="inet mine", hook="prerouting"):
    """A table of nft's own, as the command leaves it: tables, chains, hooks, and the lines of interest."""
    lines = "".join(f"\t\t{rule}\n" for rule in rules)
    return f"table {table} {{\n\tchain one {{\n\t\ttype nat hook {hook} priority dstnat; policy accept;\n{lines}"


@pytest.mark.parametrize(
    ("table", "rule", "four", "six"),
    [
        ("ip mine", "tcp dport 8080 dnat to 10.0.0.2:80", {"8080/tcp forwarded to 10.0.0.2:80"}, None),
        ("ip6 mine", "tcp dport 8080 dnat to [fd00::2]:80", None, {"8080/tcp forwarded to [fd00::2]:80"}),
        ("inet mine", "tcp dport 8080 dnat ip to 10.0.0.2:80", {"8080/tcp forwarded to 10.0.0.2:80"}, None),
        ("inet mine", "tcp dport 8080 dnat ip6 to [fd00::2]:80", None, {"8080/tcp forwarded to [fd00::2]:80"}),
        ("inet mine", "tcp dport 2200 redirect to :22", SSH, SSH),
        ("inet mine", "tcp dport { 81, 8000-8010 } counter redirect", HERE, HERE),
        ("ip mine", 'iifname != "docker0" tcp dport 2200 counter redirect to :22 comment "x"', SSH, None),
        ("ip mine", "tcp dport @web dnat to 10.0.0.2", {"Anywhere forwarded to 10.0.0.2"}, None),
        ("ip mine", "tcp dport != 22 dnat to 10.0.0.2", {"Anywhere forwarded to 10.0.0.2"}, None),
        ("ip mine", "dnat to tcp dport map { 80 : 10.0.0.2 }", {f"Anywhere forwarded to {MAP}"}, None),
        # A chain of one's own in the table of iptables, which tells only its own chains.
        ("ip nat", "tcp dport 2200 redirect to :22", SSH, None),
        ("ip mine", 'iifname "lo" tcp dport 80 redirect to :8000', None, None),
        ("ip mine", "ip daddr 127.0.0.1 tcp dport 80 dnat to 10.0.0.2:80", None, None),
        ("ip mine", "jump NETAVARK-HOSTPORT-DNAT", None, None),
        ("ip mine", "tcp dport 8080 jump nv_2f259bab_10_88_0_0_nm16_dnat", None, None),
        ("ip mine", 'tcp dport 8080 accept comment "no dnat to 10.0.0.2"', None, None),
        ("arp mine", "tcp dport 8080 redirect", None, None),
    ],
)
def test_tables_of_nft(table, rule, four, six):
    assert told(nft=native(rule, table=table)) == {"ipv4": four or set(), "ipv6": six or set()}
    assert told(nft=native(rule, table=table, hook="output")) == {"ipv4": set(), "ipv6": set()}


def test_what_iptables_has_told_is_not_told_again_by_nft():
    rules = nat(LOCAL, PUBLISHED)
    again = native('iifname != "docker0" tcp dport 8080 counter dnat to 172.17.0.2:80', table="ip nat")
    forwards = {"8080/tcp forwarded to 172.17.0.2:80"}
    assert told(iptables=rules, nft=again.replace("chain one", "chain DOCKER"))["ipv4"] == forwards
    other = again.replace("172.17.0.2", "172.17.0.3").replace("chain one", "chain prerouting")
    assert len(told(iptables=rules, nft=other)["ipv4"]) == 2
    # Without the counter that iptables gives to each: nft wrote it, and iptables may read it as another.
    of_nft = native("tcp dport { 80, 81 } redirect", table="ip nat").replace("chain one", "chain DOCKER")
    assert len(told(iptables=rules, nft=of_nft)["ipv4"]) == 3


@pytest.mark.parametrize(
    ("broken", "cause"),
    [
        ({"iptables": "# Table `nat' is incompatible, use 'nft' tool.\n"}, "iptables-save does not tell all rules"),
        ({"ip6tables": "*nat\n-A PREROUTING -j DNAT\n"}, "ip6tables-save answered in an unknown form"),
        ({"legacy_tables": "*nat\n-A PREROUTING -j DNAT\n"}, "iptables-save answered in an unknown form"),
        ({"nft": Output("nft", 127, "", "sh: 1: nft: not found", 0.01)}, "nft: not found"),
        ({"legacy_tables": Output("x", 1, "", "sudo: a password is required", 0.01)}, "a password is required"),
    ],
)
def test_what_cannot_be_told_is_no_fact(broken, cause):
    with pytest.raises(ProbeError, match=cause):
        read_forwarding(**broken)
