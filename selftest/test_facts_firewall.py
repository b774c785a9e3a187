"""The firewall's parser on what ufw and iptables print, in the exact columns of ufw's own formatting."""

import pytest

from cutover.errors import ProbeError
from cutover.facts.evidence import Output
from cutover.facts.firewall import COMMANDS, Firewall, by_protocol, each_port
from selftest.rows import printed

ACTIVE = """\
Status: active
Logging: on (low)
Default: deny (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
"""


def rule(to, action, source, attribute="", comment=""):
    """One line as ufw writes it."""
    return f"{to:<26} {action:<12}{source:<26}{attribute}{comment and ' # ' + comment}\n"


PORTS = ("22/tcp", "80/tcp", "443/tcp")
CHECKLIST = "".join(rule(port, "ALLOW IN", "Anywhere") for port in PORTS)
CHECKLIST += "".join(rule(f"{port} (v6)", "ALLOW IN", "Anywhere (v6)") for port in PORTS)
UFW_CONF = "# /etc/ufw/ufw.conf\n#\n\n# Set to yes to start on boot.\nENABLED=yes\n\nLOGLEVEL=low\n"


def filters(six=""):
    chains = "before-logging-input before-input after-input after-logging-input reject-input track-input"
    jumps = "".join(f"-A INPUT -j ufw{six}-{chain}\n" for chain in chains.split())
    return f"-P INPUT DROP\n{jumps}"


UP = {
    "ufw-status": ACTIVE + CHECKLIST,
    "ufw-conf": UFW_CONF,
    "ufw-default": '# /etc/default/ufw\n#\n\nIPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\nMANAGE_BUILTINS=no\n',
    "ufw-enabled": "enabled\n",
    "iptables": filters(),
    "ip6tables": filters("6"),
}


def read(**changed):
    return Firewall.read(printed(UP | {name.replace("_", "-"): answer for name, answer in changed.items()}))


def allowed(*rules):
    return read(ufw_status=ACTIVE + "".join(rule(*parts) for parts in rules) + "\n").allowed


def test_the_checklist_s_own_firewall():
    up = read()
    assert up.active
    assert up.default_incoming == "deny"
    assert up.allowed == {"ipv4": set(PORTS), "ipv6": set(PORTS)}
    assert up.enabled_in_conf
    assert up.enabled_at_boot
    assert up.filter_policies == {"ipv4": "DROP", "ipv6": "DROP"}
    assert up.filter_hooked == {"ipv4": True, "ipv6": True}
    assert [entry.asked for entry in up.evidence] == [f"api.example.com$ cat {name}" for name in COMMANDS]


def test_an_inactive_firewall_is_a_fact():
    down = read(ufw_status="Status: inactive\n", iptables="-P INPUT ACCEPT\n", ip6tables="-P INPUT ACCEPT\n")
    assert not down.active
    assert down.default_incoming == "allow"
    assert down.allowed == {"ipv4": frozenset(), "ipv6": frozenset()}
    assert down.filter_policies == {"ipv4": "ACCEPT", "ipv6": "ACCEPT"}
    assert down.filter_hooked == {"ipv4": False, "ipv6": False}


@pytest.mark.parametrize("policy", ["deny", "reject", "allow"])
def test_default_policy(policy):
    status = (ACTIVE + CHECKLIST).replace("deny (incoming)", f"{policy} (incoming)")
    assert read(ufw_status=status).default_incoming == policy


@pytest.mark.parametrize(
    ("line", "family", "told"),
    [
        (("22/tcp", "LIMIT IN", "Anywhere"), "ipv4", "22/tcp"),
        (("22/tcp", "ALLOW IN", "Anywhere", "", "ssh, the office's"), "ipv4", "22/tcp"),
        (("22/tcp (v6)", "LIMIT IN", "Anywhere (v6)", "", "ssh"), "ipv6", "22/tcp"),
        (("22/tcp (OpenSSH)", "ALLOW IN", "Anywhere"), "ipv4", "22/tcp"),
        (("22", "ALLOW IN", "Anywhere"), "ipv4", "22"),
        (("22/tcp", "ALLOW IN", "203.0.113.0/24"), "ipv4", "22/tcp from 203.0.113.0/24"),
        (("22/tcp", "ALLOW IN", "203.0.113.7", "", "jump host"), "ipv4", "22/tcp from 203.0.113.7"),
        (("6000:6007/tcp", "ALLOW IN", "Anywhere"), "ipv4", "6000:6007/tcp"),
        (("6000:6007/tcp (v6)", "ALLOW IN", "Anywhere (v6)"), "ipv6", "6000:6007/tcp"),
        (("443/tcp on eth0", "ALLOW IN", "Anywhere"), "ipv4", "443/tcp on eth0"),
        (("443/tcp (v6) on eth0", "ALLOW IN", "Anywhere (v6)"), "ipv6", "443/tcp on eth0"),
        (("192.0.2.7 80/tcp", "ALLOW IN", "Anywhere"), "ipv4", "192.0.2.7 80/tcp"),
        (("443/tcp", "ALLOW IN", "Anywhere", " (log)"), "ipv4", "443/tcp"),
        (("443/tcp", "ALLOW IN", "Anywhere", " (log-all)", "watched"), "ipv4", "443/tcp"),
        (("8000/tcp", "ALLOW IN", "53/tcp"), "ipv4", "8000/tcp from 53/tcp"),
        (("Anywhere", "ALLOW IN", "10.0.0.0/8"), "ipv4", "Anywhere from 10.0.0.0/8"),
        (("Anywhere", "ALLOW IN", "Anywhere"), "ipv4", "Anywhere"),
        (("Anywhere (v6)", "ALLOW IN", "Anywhere (v6)"), "ipv6", "Anywhere"),
        (("Anywhere on wg0", "ALLOW IN", "Anywhere"), "ipv4", "Anywhere on wg0"),
        (("Anywhere/esp", "ALLOW IN", "Anywhere/esp"), "ipv4", "Anywhere/esp from Anywhere/esp"),
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
    nothing = dict.fromkeys(("ipv4", "ipv6"), frozenset())
    assert allowed(line) == nothing | {family: {told}}


@pytest.mark.parametrize(
    "ports",
    [
        "80,443/tcp",
        "80,443/tcp (v6)",
        "80,443/tcp (Nginx Full)",
        "80,443/tcp (Nginx Full (v6))",
    ],
)
def test_a_list_of_ports_allows_each_of_them(ports):
    of = allowed((ports, "ALLOW IN", "Anywhere (v6)" if "v6" in ports else "Anywhere"))
    assert of["ipv6" if "v6" in ports else "ipv4"] == {"80/tcp", "443/tcp"}


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
    assert allowed(line) == {"ipv4": frozenset(), "ipv6": frozenset()}


@pytest.mark.parametrize(
    ("conf", "enabled"),
    [
        ("ENABLED=yes\n", True),
        ("  enabled=YES  \n", True),
        ("ENABLED=no\n", False),
        ("#ENABLED=yes\n", False),
        ("ENABLED=yesterday\n", False),
        ("", False),
    ],
)
def test_enabled_in_conf(conf, enabled):
    assert read(ufw_conf=conf).enabled_in_conf is enabled


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
    facts = read(iptables=f"-P INPUT {policy}\n-N ufw-before-input\n-A INPUT -i lo -j ACCEPT\n")
    assert facts.filter_policies == {"ipv4": policy, "ipv6": "DROP"}
    assert facts.filter_hooked == {"ipv4": False, "ipv6": True}


def test_a_chain_of_the_other_family_does_not_count():
    assert read(iptables=filters("6"), ip6tables=filters()).filter_hooked == {"ipv4": False, "ipv6": False}


@pytest.mark.parametrize("before", ["-A INPUT -j ACCEPT", "-A INPUT -p tcp -m tcp --dport 8000 -j ACCEPT"])
def test_what_is_accepted_before_ufw_is_asked_is_not_led_through_it(before):
    policy, _, jumps = filters().partition("\n")
    assert not read(iptables=f"{policy}\n{before}\n{jumps}").filter_hooked["ipv4"]


@pytest.mark.parametrize("before", ["-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd", "-A INPUT -i lo -j ACCEPT"])
def test_a_harmless_rule_before_ufw_s_is_let_pass(before):
    policy, _, jumps = filters().partition("\n")
    assert read(iptables=f"{policy}\n{before}\n{jumps}").filter_hooked["ipv4"]


@pytest.mark.parametrize(
    "broken",
    [
        {"ufw_status": ""},
        {"ufw_status": "Firewall is up\n"},
        {"ufw_status": "Status:\n"},
        {"ufw_status": " Status: active\n"},
        {"iptables": ""},
        {"ip6tables": "-A INPUT -j ufw6-before-input\n"},
        {"iptables": "iptables v1.8.9 (nf_tables): Could not fetch rule set generation id\n"},
        {"iptables": "-P INPUT\n"},
        pytest.param(
            {"ufw_status": ACTIVE.replace("Default: ", "Standard: ") + CHECKLIST},
        ),
        pytest.param(
            {"ufw_status": ACTIVE + "22/tcp                     ERLAUBT     Überall\n"},
        ),
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


def test_a_long_list_is_followed_by_one_space():
    ports = (8000, 9000, 9100, 9200, 9300)
    of = allowed((f"{','.join(map(str, ports))}/tcp", "ALLOW IN", "Anywhere"))
    assert of["ipv4"] == {f"{port}/tcp" for port in ports}


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("-p tcp -m tcp --dport 22 -j ACCEPT", {"22/tcp"}),
        ("-p tcp -m tcp --dport 22 -m comment --comment \"\\'dapp_OpenSSH\\'\" -j ACCEPT", {"22/tcp"}),
        ("-p tcp -m multiport --dports 80,443 -j ACCEPT", {"80/tcp", "443/tcp"}),
        ("-p tcp -m multiport --dports 6000:6007 -j ACCEPT", {"6000:6007/tcp"}),
        ("-s 203.0.113.0/24 -p tcp -m tcp --dport 22 -j ACCEPT", {"22/tcp from 203.0.113.0/24"}),
        ("-s 203.0.113.7/32 -p tcp -m tcp --dport 22 -j ACCEPT", {"22/tcp from 203.0.113.7"}),
        ("-s 10.0.0.0/8 -j ACCEPT", {"Anywhere from 10.0.0.0/8"}),
        ("-i wg0 -j ACCEPT", {"Anywhere on wg0"}),
        ("-i eth0 -p tcp -m tcp --dport 443 -j ACCEPT", {"443/tcp on eth0"}),
        ("-d 192.0.2.7/32 -p tcp -m tcp --dport 80 -j ACCEPT", {"192.0.2.7 80/tcp"}),
        ("-p tcp -m tcp --sport 53 --dport 8000 -j ACCEPT", {"8000/tcp from 53/tcp"}),
        ("-p esp -j ACCEPT", {"Anywhere/esp from Anywhere/esp"}),
        ("-p tcp -m tcp --dport 22 -j ufw-user-limit-accept", {"22/tcp"}),
        ("-p tcp -m tcp --dport 22 -m recent --update --seconds 30 -j ufw-user-limit", set()),
        ("-p tcp -m tcp --dport 25 -j DROP", set()),
        ("-p tcp -m tcp --dport 25 -j ufw-user-logging-input", set()),
    ],
)
def test_what_the_packet_filter_accepts_reads_like_ufw_s_own_rule(rule, told):
    facts = read(iptables=f"{filters()}-A ufw-user-input {rule}\n", ip6tables=filters("6"))
    assert facts.filter_accepts == {"ipv4": told, "ipv6": frozenset()}


def test_a_rule_without_a_protocol_is_two_of_the_packet_filter():
    assert by_protocol({"22", "22/tcp", "53 from 10.0.0.1", "192.0.2.7 80", "Anywhere from 10.0.0.1"}) == {
        *("22/tcp", "22/udp", "53/tcp from 10.0.0.1", "53/udp from 10.0.0.1", "192.0.2.7 80/tcp", "192.0.2.7 80/udp"),
        "Anywhere from 10.0.0.1",
    }


def test_each_port_of_a_rule():
    assert each_port(
        {"22/tcp from 10.0.0.0/8", "6000:6001/udp", "53", "Anywhere from 10.0.0.1", "192.0.2.7 80/tcp"}
    ) == {*("22/tcp", "6000/udp", "6001/udp", "53/tcp", "53/udp", "80/tcp")}


@pytest.mark.parametrize(
    ("text", "managed"),
    [("IPV6=yes\n", True), ('IPV6="YES"\n', True), ("IPV6=no\n", False), ("#IPV6=yes\n", False), ("", False)],
)
def test_ipv6_switch(text, managed):
    assert read(ufw_default=text).manages_ipv6 is managed
