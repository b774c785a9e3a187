"""The form in which rules are compared."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutover.facts.packets import Packets, each_port, let_in, meant, promises, spoken


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"22/tcp", "80,443/tcp"}, {"22/tcp", "80/tcp", "443/tcp"}),
        ({"22"}, {"22/tcp", "22/udp"}),
        ({"22/tcp from 0.0.0.0/0"}, {"22/tcp"}),
        ({"22/tcp", "22/tcp from 203.0.113.0/24"}, {"22/tcp"}),
        ({"53 from 10.0.0.1"}, {"53/tcp from 10.0.0.1", "53/udp from 10.0.0.1"}),
        ({"Anywhere/esp from Anywhere/esp"}, {"Anywhere/esp"}),
        ({"22/tcp from 2001:db8::/32"}, {"22/tcp from 2001:db8::/32"}),
        ({"22/tcp from 2001:db8::1/128"}, {"22/tcp from 2001:db8::1"}),
        # What is no rule of ufw's stays as it is, to be told.
        ({"ssh", "22/tcp but not 22/tcp on eth1"}, {"ssh", "22/tcp but not 22/tcp on eth1"}),
    ],
)
def test_a_promise_counts_by_its_meaning(rules, told):
    assert meant(rules) == told


@pytest.mark.parametrize(
    ("to", "source"),
    [
        ("", "Anywhere"),
        ("ssh", "Anywhere"),
        ("22/", "Anywhere"),
        ("22:21/tcp", "Anywhere"),
        ("65536/tcp", "Anywhere"),
        ("２２/tcp", "Anywhere"),
        ("+22/tcp", "Anywhere"),
        ("22 /tcp", "Anywhere"),
        ("22/tcp", ""),
        ("22/tcp", "everywhere"),
        ("22/tcp", "10.0.0.300"),
        ("22/tcp", "10.0.0.1/8"),
        ("22/tcp", "53/udp"),
        ("22/tcp on eth0 on eth1", "Anywhere"),
    ],
)
def test_what_ufw_does_not_say_is_not_understood(to, source):
    with pytest.raises(ValueError, match=r".*"):
        spoken(to, source)


def test_each_port_of_a_rule():
    assert each_port(
        {"22/tcp from 10.0.0.0/8", "6000:6001/udp", "53", "Anywhere from 10.0.0.1", "192.0.2.7 80/tcp", "odd"}
    ) == {*("22/tcp", "6000/udp", "6001/udp", "53/tcp", "53/udp", "80/tcp")}


NETWORKS = st.sampled_from(
    [None, *map(ip_network, ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.0.2.0/24", "2001:db8::/32", "2001:db8::1"))]
)
PORTS = st.sampled_from([None, (22, 22), (80, 80), (20, 90), (0, 65535)])
PROTOCOLS = st.sampled_from(["tcp", "udp"])


@st.composite
def packets(draw):
    ports, source_ports = draw(PORTS), draw(PORTS)
    return Packets(
        protocol=draw(PROTOCOLS if ports or source_ports else st.sampled_from(["", "tcp", "esp"])),
        ports=ports,
        source_ports=source_ports,
        destination=draw(NETWORKS),
        source=draw(NETWORKS),
        interface=draw(st.sampled_from(["", "eth0", "wg0"])),
    )


@given(packets())
def test_what_is_told_is_understood_again(one):
    assert promises([str(one)]) == [one]


@given(packets(), packets())
def test_what_two_rules_share_is_covered_by_either(one, other):
    shared = one.both(other)
    assert shared == other.both(one)
    if one.covers(other):
        assert shared == other
    if shared:
        assert one.covers(shared)
        assert other.covers(shared)


@given(packets(), st.lists(packets(), max_size=5), st.lists(packets(), max_size=5))
def test_nothing_is_let_in_that_was_refused_before(refused, before, after):
    rules = [(refused, False), *((one, False) for one in before), *((one, True) for one in after)]
    told = let_in(rules)
    assert not {str(one) for one in after if refused.covers(one)} & told
    assert bool(told) == any(not any(no.covers(one) for no in (refused, *before)) for one in after)


def test_a_refusal_for_some_sources_only_is_not_told():
    https = Packets("tcp", (443, 443))
    scanner, eth1 = Packets(source=ip_network("203.0.113.66")), Packets("tcp", interface="eth1")
    others = Packets("tcp", besides=frozenset({"--limit 3/min"}))
    multicast = Packets(destination=ip_network("224.0.0.0/4"))
    spared = Packets(besides=frozenset({"! -i wg0"}))
    assert let_in([(scanner, False), (others, False), (multicast, False), (https, True)]) == {"443/tcp"}
    assert let_in([(eth1, False), (spared, False), (https, True)]) == {
        "443/tcp but not Anywhere/tcp on eth1 or Anywhere with ! -i wg0"
    }


@pytest.mark.parametrize(
    "rules",
    [
        [(Packets("tcp", (port, port)), True) for port in range(1000)],
        [(Packets("tcp", (port, port)), port > 20_000) for port in range(20_300)],
    ],
)
def test_too_many_rules_are_not_compared(rules):
    with pytest.raises(ValueError, match="too many rules"):
        let_in(rules)
