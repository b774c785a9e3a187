"""The packet filter's rules in their effect: what a stranger's first packet meets on its way."""

import time

import pytest

from cutover.errors import ProbeError
from cutover.facts.packet_filter import accepted, parse
from cutover.facts.packets import let_in
from selftest.firewall_facts import ACTIVE, OPEN, PORTS, read, rule, saved


def lets_in(**rules):
    """What IPv4's INPUT lets in beside the checklist's ports, and which of these it does not."""
    found = read(iptables=saved(*OPEN, **rules)).filter_accepts["ipv4"]
    return found ^ set(PORTS)


@pytest.mark.parametrize("six", ["", "6"])
def test_what_ufw_lets_in_on_every_host_is_not_told(six):
    assert let_in(accepted(parse(saved(six=six), "filter"))) == frozenset()


@pytest.mark.parametrize(
    ("row", "rules"),
    [
        (("22/tcp",), ["-p tcp -m tcp --dport 22 -j ACCEPT"]),
        (("22/tcp (OpenSSH)",), ["-p tcp -m tcp --dport 22 -m comment --comment \"\\'dapp_OpenSSH\\'\" -j ACCEPT"]),
        (
            ("80,443/tcp (Nginx Full)",),
            ["-p tcp -m multiport --dports 80,443 -m comment --comment \"\\'dapp_Nginx%20Full\\'\" -j ACCEPT"],
        ),
        (("53",), ["-p tcp -m tcp --dport 53 -j ACCEPT", "-p udp -m udp --dport 53 -j ACCEPT"]),
        (("6000:6007/udp",), ["-p udp -m multiport --dports 6000:6007 -j ACCEPT"]),
        (("22/tcp", "ALLOW IN", "203.0.113.0/24"), ["-s 203.0.113.0/24 -p tcp -m tcp --dport 22 -j ACCEPT"]),
        (("22/tcp", "ALLOW IN", "203.0.113.7"), ["-s 203.0.113.7/32 -p tcp -m tcp --dport 22 -j ACCEPT"]),
        (("Anywhere", "ALLOW IN", "10.0.0.0/8"), ["-s 10.0.0.0/8 -j ACCEPT"]),
        (("Anywhere", "ALLOW IN", "10.1.0.0/16/tcp"), ["-s 10.1.0.0/16 -p tcp -j ACCEPT"]),
        (("Anywhere", "ALLOW IN", "10.0.0.0/8/esp"), ["-s 10.0.0.0/8 -p esp -j ACCEPT"]),
        (("Anywhere/igmp", "ALLOW IN", "Anywhere/igmp"), ["-p igmp -j ACCEPT"]),
        (("192.0.2.9/gre",), ["-d 192.0.2.9/32 -p 47 -j ACCEPT"]),
        (("Anywhere", "ALLOW IN", "53/tcp"), ["-p tcp -m tcp --sport 53 -j ACCEPT"]),
        (("8000/tcp", "ALLOW IN", "53/tcp"), ["-p tcp -m tcp --sport 53 --dport 8000 -j ACCEPT"]),
        (
            ("100,110/tcp", "ALLOW IN", "10.0.0.1 99,101/tcp"),
            ["-s 10.0.0.1/32 -p tcp -m multiport --sports 99,101 -m multiport --dports 100,110 -j ACCEPT"],
        ),
        (("Anywhere on wg0",), ["-i wg0 -j ACCEPT"]),
        (("443/tcp on eth0",), ["-i eth0 -p tcp -m tcp --dport 443 -j ACCEPT"]),
        (("192.0.2.7 80/tcp",), ["-d 192.0.2.7/32 -p tcp -m tcp --dport 80 -j ACCEPT"]),
        (
            ("7777/tcp", "ALLOW IN", "Anywhere", " (log)"),
            ["-p tcp -m tcp --dport 7777 -j ufw-user-logging-input", "-p tcp -m tcp --dport 7777 -j ACCEPT"],
        ),
        (
            ("22/tcp", "LIMIT IN"),
            [
                "-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --set --name DEFAULT --rsource",
                "-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW -m recent --update --seconds 30 --hitcount 6"
                " --name DEFAULT --mask 255.255.255.255 --rsource -j ufw-user-limit",
                "-p tcp -m tcp --dport 22 -j ufw-user-limit-accept",
            ],
        ),
        (("25/tcp", "DENY IN"), ["-p tcp -m tcp --dport 25 -j DROP"]),
        (("113/tcp", "REJECT IN"), ["-p tcp -m tcp --dport 113 -j REJECT --reject-with tcp-reset"]),
    ],
)
def test_a_rule_reads_the_same_in_ufw_s_words_and_the_packet_filter_s(row, rules):
    facts = read(ufw_status=ACTIVE + rule(*row), iptables=saved(*rules))
    assert facts.filter_accepts["ipv4"] == facts.allowed["ipv4"]
    assert bool(facts.allowed["ipv4"]) == ("DENY" not in str(row) and "REJECT" not in str(row))


ELASTIC = "-p tcp -m tcp --dport 9200 -j ACCEPT"


@pytest.mark.parametrize("where", ["first", "last"])
@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ([f"-A INPUT {ELASTIC}"], "9200/tcp"),
        (["-A INPUT -p tcp -m state --state NEW -m tcp --dport 9200 -j ACCEPT"], "9200/tcp"),
        (["-A INPUT -p tcp -m tcp --dport 9200 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT"], "9200/tcp"),
        (['-A INPUT -p tcp -m comment --comment "-i lo -j DROP" -m tcp --dport 9200 -j ACCEPT'], "9200/tcp"),
        ([f"-A ufw-before-input {ELASTIC}"], "9200/tcp"),
        ([f"-A ufw-before-logging-input {ELASTIC}"], "9200/tcp"),
        ([f"-A ufw-user-input {ELASTIC}"], "9200/tcp"),
        ([f"-A ufw-after-input {ELASTIC}"], "9200/tcp"),
        ([f"-A ufw-reject-input {ELASTIC}"], "9200/tcp"),
        (["-A INPUT -j mine", f"-A mine {ELASTIC}"], "9200/tcp"),
        (["-A INPUT -p tcp -j mine", "-A mine -p udp -j ACCEPT", "-A mine -m tcp --dport 9200 -j ACCEPT"], "9200/tcp"),
        (["-A INPUT -p tcp -m tcp --dport 9200 -g mine", f"-A mine {ELASTIC}"], "9200/tcp"),
        (["-A ufw-before-input -j mine", "-A mine -p tcp -j yours", f"-A yours {ELASTIC}"], "9200/tcp"),
        (["-A ufw-user-input -s 10.0.0.0/8 -j mine", f"-A mine -s 10.1.2.3/32 {ELASTIC}"], "9200/tcp from 10.1.2.3"),
        (["-A INPUT -p tcp -m tcp --dport 9200 -j f2b-sshd", "-A f2b-sshd -j ACCEPT"], "9200/tcp"),
        (["-A INPUT -i wg0 -p esp -j ACCEPT"], "Anywhere/esp on wg0"),
        (["-A INPUT -d 224.0.0.0/4 -p igmp -j ACCEPT"], "224.0.0.0/4/igmp"),
        (["-A INPUT -p udp -m udp --dport 68 -j ACCEPT"], "68/udp"),
        # A further condition does not hide it, and a verdict that nobody knows may be a yes.
        (
            ["-A INPUT -p tcp -m tcp --dport 9200 -m time --timestart 01:00:00 -j ACCEPT"],
            "9200/tcp with --timestart 01:00:00 -m time",
        ),
        (["-A INPUT -p tcp -m tcp --dport 9200 -j NFQUEUE --queue-num 1"], "9200/tcp with -j NFQUEUE"),
        # nft's own `tcp dport vmap { 9200 : accept }`, as iptables tells it.
        (["-A INPUT -p tcp -m tcp --dport 9200"], "9200/tcp with no verdict that is told"),
        (["-A INPUT -m rpfilter -j RETURN", f"-A INPUT {ELASTIC}"], "9200/tcp"),
        (
            ["-A INPUT -p tcp -m tcp --dport 9200 -m set --match-set known src -j ACCEPT"],
            "9200/tcp with --match-set known src -m set",
        ),
    ],
)
def test_what_comes_in_beside_ufw_s_rules_is_told(where, rules, told):
    assert lets_in(**{where: rules}, chains=("mine", "yours", "f2b-sshd")) == {told}


def test_one_that_lets_in_all_of_a_protocol_is_told_alone():
    # It is also what iptables makes of nft's own `tcp dport { 9200, 9300 } accept`.
    assert lets_in(first=["-A INPUT -p tcp -j ACCEPT"]) == {"Anywhere/tcp", *PORTS}


@pytest.mark.parametrize("where", ["first", "last"])
@pytest.mark.parametrize(
    "rules",
    [
        ["-A INPUT -i lo -j ACCEPT"],
        ["-A INPUT -i lo -j mine", "-A mine -j ACCEPT"],
        ["-A INPUT -s 127.0.0.1/32 -j ACCEPT"],
        ["-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"],
        ["-A INPUT -m state --state ESTABLISHED -j ACCEPT"],
        ["-A INPUT -m conntrack --ctstate INVALID -j DROP"],
        ["-A INPUT -p icmp -j ACCEPT"],
        ["-A INPUT -p 1 -j ACCEPT"],
        ['-A INPUT -p tcp -m tcp --dport 22 -j LOG --log-prefix "-j ACCEPT"'],
        ["-A INPUT -j NFLOG --nflog-group 2"],
        ["-A INPUT -p tcp -m tcp --dport 23 -j DROP"],
        ["-A INPUT -s 203.0.113.66/32 -j REJECT --reject-with icmp-port-unreachable"],
        ["-A INPUT -m set --match-set blocklist src -j DROP"],
        ["-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd", "-A f2b-sshd -j RETURN"],
        ["-A INPUT -p tcp -j mine", "-A mine -p udp -j ACCEPT"],
        ["-A INPUT -j mine", "-A mine -p tcp -j RETURN", f"-A mine {ELASTIC}"],
        [
            "-A INPUT -j mine",
            "-A mine -p tcp -g yours",
            "-A yours -p udp -m udp --dport 1 -j DROP",
            f"-A mine {ELASTIC}",
        ],
        [f"-A mine {ELASTIC}"],
        # The checklist's ports, let in a second time: nothing more comes in.
        ["-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"],
        ["-A INPUT -p tcp -m tcp --dport 9200 -j DROP", f"-A INPUT {ELASTIC}"],
        [
            "-A INPUT -p tcp -m tcp --dport 9000:9300 -m state --state NEW -j mine",
            "-A mine -j DROP",
            f"-A INPUT {ELASTIC}",
        ],
    ],
)
def test_what_lets_nobody_in_is_let_pass(where, rules):
    assert lets_in(**{where: rules}, chains=("mine", "yours", "f2b-sshd")) == set()


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        (["-A INPUT -p tcp -m tcp --dport 443 -j DROP"], {"443/tcp"}),
        (["-A INPUT -p tcp -m multiport --dports 80,443 -j REJECT --reject-with tcp-reset"], {"80/tcp", "443/tcp"}),
        (["-A INPUT -j DROP"], set(PORTS)),
        (["-A INPUT -j mine", "-A mine -p tcp -j DROP"], set(PORTS)),
        (["-A INPUT -g mine"], set(PORTS)),
        (["-A INPUT -i eth0 -p tcp -m tcp --dport 22 -j DROP"], {"22/tcp", "22/tcp but not 22/tcp on eth0"}),
        (
            ["-A INPUT ! -s 203.0.113.0/24 -p tcp -m tcp --dport 22 -j DROP"],
            {"22/tcp", "22/tcp but not 22/tcp with ! -s 203.0.113.0/24"},
        ),
        # Some of those that come to it have returned before: it is not for all.
        (["-A INPUT -j mine", "-A mine -i eth0 -j RETURN", "-A mine -j DROP"], set()),
    ],
)
def test_what_is_refused_before_ufw_is_asked_does_not_come_in(rules, told):
    assert lets_in(first=rules, chains=("mine",)) == told


@pytest.mark.parametrize(
    "rules",
    [
        ["-A INPUT -j mine", "-A mine -j mine"],
        ["-A INPUT -j mine", "-A mine -j yours", "-A mine -j yours", "-A yours -j mine", "-A yours -j mine"],
        [f"-A INPUT -p tcp -m tcp --dport {port} -j ACCEPT" for port in range(1, 600)],
        [f"-A INPUT -p tcp -m tcp --dport {port} -j RETURN" for port in range(1, 6000)],
        ["-A INPUT " + "! -x " * 50_000 + "-j DROP", "-A INPUT -j mine", "-A mine -j mine"],
    ],
)
def test_hostile_rules_end_soon(rules):
    begun = time.monotonic()
    with pytest.raises(ProbeError, match="iptables-save answered in an unknown form"):
        read(iptables=saved(first=rules, chains=("mine", "yours")))
    assert time.monotonic() - begun < 10


def test_thousands_that_are_shut_out_are_no_matter():
    shut = [f"-A INPUT -s 10.{number // 250}.{number % 250}.1/32 -j DROP" for number in range(4000)]
    assert lets_in(first=shut) == set()
