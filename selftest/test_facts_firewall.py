"""The firewall's parser on what ufw prints, in the exact columns of ufw's own formatting."""

import pytest

from cutover.errors import ProbeError
from cutover.facts.evidence import Output
from cutover.facts.firewall import COMMANDS
from selftest.firewall_facts import ACTIVE, OPEN, PORTS, UP, read, rule, saved

NOTHING = {"ipv4": frozenset(), "ipv6": frozenset()}


def allowed(*rules):
    return read(ufw_status=ACTIVE + "".join(rule(*parts) for parts in rules) + "\n").allowed


def test_the_checklist_s_own_firewall():
    up = read()
    assert up.active
    assert up.default_incoming == "deny"
    assert up.allowed == up.filter_accepts == {"ipv4": set(PORTS), "ipv6": set(PORTS)}
    assert up.enabled_in_conf
    assert up.enabled_at_boot
    assert up.filter_policies == {"ipv4": "DROP", "ipv6": "DROP"}
    assert [entry.asked for entry in up.evidence] == [f"api.example.com$ cat {name}" for name in COMMANDS]


def test_an_inactive_firewall_is_a_fact():
    # Nobody has written to any table: iptables by way of nft prints nothing at all.
    down = read(ufw_status="Status: inactive\n", iptables="", ip6tables="")
    assert not down.active
    assert down.default_incoming == "allow"
    assert down.allowed == down.filter_accepts == NOTHING
    assert down.filter_policies == {"ipv4": "ACCEPT", "ipv6": "ACCEPT"}


@pytest.mark.parametrize("policy", ["deny", "reject", "allow"])
def test_default_policy(policy):
    status = UP["ufw-status"].replace("deny (incoming)", f"{policy} (incoming)")
    assert read(ufw_status=status).default_incoming == policy


@pytest.mark.parametrize(
    ("line", "family", "told"),
    [
        (("22/tcp", "LIMIT IN", "Anywhere"), "ipv4", "22/tcp"),
        (("22/tcp", "ALLOW IN", "Anywhere", "", "ssh, the office's"), "ipv4", "22/tcp"),
        (("22/tcp (v6)", "LIMIT IN", "Anywhere (v6)", "", "ssh"), "ipv6", "22/tcp"),
        (("22/tcp (OpenSSH)", "ALLOW IN", "Anywhere"), "ipv4", "22/tcp"),
        (("22/tcp", "ALLOW IN", "203.0.113.0/24"), "ipv4", "22/tcp from 203.0.113.0/24"),
        (("22/tcp", "ALLOW IN", "203.0.113.7", "", "jump host"), "ipv4", "22/tcp from 203.0.113.7"),
        (("6000:6007/tcp", "ALLOW IN", "Anywhere"), "ipv4", "6000:6007/tcp"),
        (("6000:6007/tcp (v6)", "ALLOW IN", "Anywhere (v6)"), "ipv6", "6000:6007/tcp"),
        (("443/tcp on eth0", "ALLOW IN", "Anywhere"), "ipv4", "443/tcp on eth0"),
        (("443/tcp (v6) on eth0", "ALLOW IN", "Anywhere (v6)"), "ipv6", "443/tcp on eth0"),
        (("192.0.2.7 80/tcp", "ALLOW IN", "Anywhere"), "ipv4", "192.0.2.7 80/tcp"),
        (("443/tcp", "ALLOW IN", "Anywhere", " (log)"), "ipv4", "443/tcp"),
        (("443/tcp", "ALLOW IN", "Anywhere", " (log-all)", "watched # (v6)"), "ipv4", "443/tcp"),
        (("443/tcp (Nginx HTTPS)", "ALLOW IN", "Anywhere", "", "a  DENY IN  b"), "ipv4", "443/tcp"),
        (("8000/tcp", "ALLOW IN", "53/tcp"), "ipv4", "8000/tcp from 53/tcp"),
        (("Anywhere", "ALLOW IN", "10.0.0.0/8"), "ipv4", "Anywhere from 10.0.0.0/8"),
        (("Anywhere", "ALLOW IN", "10.1.0.0/16/tcp"), "ipv4", "Anywhere/tcp from 10.1.0.0/16"),
        (("Anywhere", "ALLOW IN", "Anywhere"), "ipv4", "Anywhere"),
        (("Anywhere (v6)", "ALLOW IN", "Anywhere (v6)"), "ipv6", "Anywhere"),
        (("Anywhere on wg0", "ALLOW IN", "Anywhere"), "ipv4", "Anywhere on wg0"),
        (("Anywhere/igmp", "ALLOW IN", "Anywhere/igmp"), "ipv4", "Anywhere/igmp"),
        (("192.0.2.9/ah", "ALLOW IN", "10.0.0.1/ah"), "ipv4", "192.0.2.9/ah from 10.0.0.1"),
        (("22/tcp (OpenSSH (v6))", "ALLOW IN", "Anywhere (v6)"), "ipv6", "22/tcp"),
        (("22/tcp", "ALLOW IN", "2001:db8::/32"), "ipv6", "22/tcp from 2001:db8::/32"),
        (("8000/tcp", "ALLOW IN", "Anywhere", "", "reserved (v6) later"), "ipv4", "8000/tcp"),
        (
            ("2001:db8:85a3::8a2e:370:7334 8000/tcp", "ALLOW IN", "Anywhere (v6)"),
            "ipv6",
            "2001:db8:85a3::8a2e:370:7334 8000/tcp",
        ),
    ],
)
def test_a_rule_that_lets_in(line, family, told):
    assert allowed(line) == NOTHING | {family: {told}}


@pytest.mark.parametrize(
    ("line", "family", "told"),
    [
        ("80,443/tcp", "ipv4", {"80/tcp", "443/tcp"}),
        ("80,443/tcp (v6)", "ipv6", {"80/tcp", "443/tcp"}),
        ("80,443/tcp (Nginx Full)", "ipv4", {"80/tcp", "443/tcp"}),
        ("80,443/tcp (Nginx Full (v6))", "ipv6", {"80/tcp", "443/tcp"}),
        ("8000,9000:9002,9100,9200,9300/tcp", "ipv4", {f"{one}/tcp" for one in (8000, "9000:9002", 9100, 9200, 9300)}),
        # `ufw allow 22` is not the checklist's `ufw allow 22/tcp`.
        ("22", "ipv4", {"22/tcp", "22/udp"}),
        ("22 (v6)", "ipv6", {"22/tcp", "22/udp"}),
    ],
)
def test_a_rule_for_several_ports(line, family, told):
    assert allowed((line, "ALLOW IN", "Anywhere (v6)" if "v6" in line else "Anywhere"))[family] == told


@pytest.mark.parametrize(
    "line",
    [
        ("25/tcp", "DENY IN", "Anywhere"),
        ("8000/tcp", "REJECT IN", "Anywhere"),
        ("Anywhere", "DENY IN", "203.0.113.66", "", "scanner"),
        ("53", "ALLOW OUT", "Anywhere"),
        ("53/udp", "ALLOW OUT", "Anywhere on eth0"),
        ("Anywhere on eth1", "ALLOW FWD", "Anywhere on eth0"),
        ("192.0.2.7 80/tcp", "ALLOW FWD", "Anywhere"),
        pytest.param(("8000/tcp", "DENY IN", "Anywhere", "", "was  ALLOW IN    Anywhere")),
    ],
)
def test_a_rule_that_lets_nothing_in(line):
    assert allowed(line) == NOTHING


@pytest.mark.parametrize("refusal", ["DENY IN", "REJECT IN"])
@pytest.mark.parametrize(
    ("to", "source", "told"),
    [
        ("443/tcp", "Anywhere", "none"),
        ("443", "Anywhere", "none"),
        ("440:450/tcp", "Anywhere", "none"),
        ("Anywhere", "Anywhere", "none"),
        ("Anywhere", "0.0.0.0/0", "none"),
        ("443/udp", "Anywhere", "443/tcp"),
        ("80/tcp", "Anywhere", "443/tcp"),
        ("443/tcp on eth0", "Anywhere", "443/tcp but not 443/tcp on eth0"),
        ("Anywhere on eth0", "Anywhere", "443/tcp but not Anywhere on eth0"),
        ("192.0.2.7 443/tcp", "Anywhere", "443/tcp but not 192.0.2.7 443/tcp"),
        # Who shuts out a scanner lets in everybody else.
        ("Anywhere", "203.0.113.66", "443/tcp"),
    ],
)
def test_what_an_earlier_rule_refuses_is_not_allowed(refusal, to, source, told):
    rules = (to, refusal, source), ("443/tcp", "ALLOW IN", "Anywhere")
    assert allowed(*rules)["ipv4"] == {told} - {"none"}
    assert allowed(*reversed(rules))["ipv4"] == {"443/tcp"}


def test_what_a_wider_rule_allows_is_told_once():
    rules = ("443/tcp", "ALLOW IN", "10.0.0.0/8"), ("443/tcp (Nginx HTTPS)", "ALLOW IN", "Anywhere")
    assert allowed(*rules)["ipv4"] == allowed(*reversed(rules))["ipv4"] == {"443/tcp"}


@pytest.mark.parametrize(
    ("conf", "enabled"),
    [
        ("ENABLED=yes\n", True),
        ("  ENABLED=YES  \n", True),
        ('ENABLED="yes"\n', True),
        ("ENABLED='yes' # since March\n", True),
        ("ENABLED=no\nENABLED=yes\n", True),
        ("ENABLED=yes\nENABLED=no\n", False),
        ("ENABLED=yes\nENABLED=\n", False),
        ("ENABLED=yes\nENABLED=no # ENABLED=yes\n", False),
        # The start at boot is a shell script, and takes "yes" and "YES" only.
        ("ENABLED=Yes\n", False),
        ("enabled=yes\n", False),
        ("ENABLED =yes\n", False),
        ("ENABLED=no\n", False),
        ("#ENABLED=yes\n", False),
        ("ENABLED=yesterday\n", False),
        ("ENABLED='yes\n", False),
        ("", False),
    ],
)
def test_enabled_in_conf(conf, enabled):
    assert read(ufw_conf=conf).enabled_in_conf is enabled


def test_ufw_conf_is_read_last():
    assert not read(ufw_default="ENABLED=yes\nIPV6=no\n", ufw_conf="ENABLED=no\nIPV6=no\n").enabled_in_conf
    assert not read(ufw_conf="ENABLED=yes\nIPV6=no\n").manages_ipv6


@pytest.mark.parametrize(
    ("rc", "stdout", "stderr", "enabled"),
    [
        (0, "enabled\n", "", True),
        (1, "disabled\n", "", False),
        (1, "masked\n", "", False),
        (0, "enabled-runtime\n", "", False),
        (4, "not-found\n", "", False),
        (1, "", "Failed to get unit file state for ufw.service: No such file or directory", False),
    ],
)
def test_enabled_at_boot(rc, stdout, stderr, enabled):
    answer = Output("systemctl is-enabled ufw.service", rc, stdout, stderr, 0.01)
    assert read(ufw_enabled=answer).enabled_at_boot is enabled


def test_a_missing_systemctl_is_no_fact():
    with pytest.raises(ProbeError, match="not found"):
        read(ufw_enabled=Output("systemctl is-enabled ufw.service", 127, "", "sh: 1: systemctl: not found", 0.01))


@pytest.mark.parametrize("policy", ["DROP", "ACCEPT"])
def test_the_packet_filter_is_read_by_family(policy):
    facts = read(iptables=saved(OPEN[0], policy=policy))
    assert facts.filter_policies == {"ipv4": policy, "ipv6": "DROP"}
    assert facts.filter_accepts == {"ipv4": {"22/tcp"}, "ipv6": set(PORTS)}


@pytest.mark.parametrize(
    "broken",
    [
        {"ufw_status": ""},
        {"ufw_status": "Firewall is up\n"},
        {"ufw_status": "Status:\n"},
        {"ufw_status": " Status: active\n"},
        {"iptables": "iptables v1.8.9 (nf_tables): Could not fetch rule set generation id\n"},
        {"ip6tables": "*filter\n-A INPUT -j ufw6-before-input\n"},
        {"iptables": "*filter\n:INPUT DROP [0:0]\n-A INPUT -j\n"},
        {"iptables": "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport ssh -j ACCEPT\n"},
        {"iptables": '*filter\n:INPUT DROP [0:0]\n-A INPUT -m comment --comment "open -j ACCEPT\n'},
        {"ufw_status": UP["ufw-status"].replace("Default: ", "Standard: ")},
        {"ufw_status": ACTIVE + "22/tcp                     ERLAUBT     Überall\n"},
        {"ufw_status": ACTIVE + rule("22/tcp", source="Überall")},
        {"ufw_status": ACTIVE + rule("OpenSSH")},
        {"ufw_status": ACTIVE + rule("65536/tcp")},
        # A profile of that name must not turn a DENY into an ALLOW.
        {"ufw_status": ACTIVE + rule("22/tcp (my  ALLOW IN  app)", "DENY IN")},
    ],
)
def test_a_firewall_that_does_not_tell_is_no_fact(broken):
    with pytest.raises(ProbeError, match="answered in an unknown form"):
        read(**broken)


@pytest.mark.parametrize("name", ["ufw_status", "ufw_conf", "ufw_default", "iptables", "ip6tables"])
def test_a_command_that_fails_is_no_fact(name):
    refused = Output(name, 1, "", "ERROR: You need to be root to run this script", 0.01)
    with pytest.raises(ProbeError, match="You need to be root"):
        read(**{name: refused})


def test_another_firewall_is_not_judged():
    missing = Output("ufw", 127, "", "timeout: failed to run command 'ufw': No such file or directory", 0.01)
    with pytest.raises(ProbeError, match="ufw is not installed, and no other firewall is judged"):
        read(ufw_status=missing)


@pytest.mark.parametrize(
    "answer",
    [
        "# Table `filter' is incompatible, use 'nft' tool.\n",
        Output("iptables-save", 0, UP["iptables"], "Error: unsupported layer 4 protocol value", 0.01),
    ],
)
def test_rules_of_nft_that_iptables_cannot_read_are_not_passed_over(answer):
    with pytest.raises(ProbeError, match="iptables-save does not tell all rules"):
        read(iptables=answer)


def test_a_rule_of_nft_in_the_table_of_iptables_is_told_as_it_is():
    # iptables 1.8.9 tells the first as "-p tcp -j DROP", which would hide the second.
    nft = """\
table ip filter {
\tchain INPUT {
\t\ttype filter hook input priority filter; policy drop;
\t\ttcp dport { 23, 25 } drop
\t\ttcp dport 9200 accept
table ip6 filter {
\tchain INPUT {
\t\ttype filter hook input priority filter; policy drop;
table inet mine {
\tchain INPUT {
\t\ttype filter hook input priority filter; policy accept;
\t\ttcp dport 9300 redirect to :80
"""
    last = ["-A INPUT -p tcp -j DROP", "-A INPUT -p tcp -m tcp --dport 9200 -j ACCEPT"]
    accepts = read(iptables=saved(*OPEN, last=last), nft=nft).filter_accepts
    written = {f"tcp dport {rule} (written with nft)" for rule in ("{ 23, 25 } drop", "9200 accept")}
    assert accepts == {"ipv4": {*PORTS, *written}, "ipv6": set(PORTS)}


def test_on_a_host_without_nft_nobody_has_written_with_it():
    assert read(nft=Output("nft", 127, "", "sh: 1: nft: not found", 0.01)).filter_accepts == read().filter_accepts


def test_a_warning_beside_the_rules_is_no_matter():
    warning = "# Warning: iptables-legacy tables present, use iptables-legacy-save to see them"
    text = f"# Table `nat' contains incompatible base-chains, use 'nft' tool to list them.\n{UP['iptables']}"
    assert read(iptables=Output("iptables-save", 0, text, warning, 0.01)).filter_accepts == read().filter_accepts


@pytest.mark.parametrize(
    ("text", "managed"),
    [("IPV6=yes\n", True), ('IPV6="YES"\n', True), ("IPV6=no\n", False), ("#IPV6=yes\n", False), ("", False)],
)
def test_ipv6_switch(text, managed):
    assert read(ufw_default=text).manages_ipv6 is managed
