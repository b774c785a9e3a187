"""The firewall's parser on what ufw and iptables print, in the exact columns of ufw's own formatting."""

import pytest

from cutover.errors import ProbeError
from cutover.facts.evidence import Output
from cutover.facts.firewall import COMMANDS, Firewall
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


SINGLE_SPACE = pytest.mark.xfail(
    strict=True, reason="a rule whose To is longer than its column is followed by one space and is overlooked"
)
NESTED = pytest.mark.xfail(strict=True, reason="the parenthesis in a profile's name and (v6) is cut at the wrong end")
SIX = pytest.mark.xfail(strict=True, reason="a rule with an IPv6 address bears no (v6) and is taken for IPv4")
IN_COMMENT = pytest.mark.xfail(strict=True, reason="what stands in a comment is taken for a part of the rule")


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
        pytest.param(("22/tcp (OpenSSH (v6))", "ALLOW IN", "Anywhere (v6)"), "ipv6", "22/tcp", marks=NESTED),
        pytest.param(("22/tcp", "ALLOW IN", "2001:db8::/32"), "ipv6", "22/tcp from 2001:db8::/32", marks=SIX),
        pytest.param(
            ("8000/tcp", "ALLOW IN", "Anywhere", "", "reserved (v6) later"), "ipv4", "8000/tcp", marks=IN_COMMENT
        ),
        pytest.param(
            ("2001:db8:85a3::8a2e:370:7334 8000/tcp", "ALLOW IN", "Anywhere (v6)"),
            "ipv6",
            "2001:db8:85a3::8a2e:370:7334 8000/tcp",
            marks=SINGLE_SPACE,
        ),
        pytest.param(
            ("8000,9000,9100,9200,9300/tcp", "ALLOW IN", "Anywhere"),
            "ipv4",
            "8000,9000,9100,9200,9300/tcp",
            marks=SINGLE_SPACE,
        ),
    ],
)
def test_a_rule_that_lets_in(line, family, told):
    nothing = dict.fromkeys(("ipv4", "ipv6"), frozenset())
    assert allowed(line) == nothing | {family: {told}}


@pytest.mark.parametrize(
    "ports",
    [
        pytest.param("80,443/tcp (Nginx Full)", marks=pytest.mark.xfail(strict=True, reason="a list is one rule")),
        pytest.param("80,443/tcp (Nginx Full (v6))", marks=SINGLE_SPACE),
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
        pytest.param(("8000/tcp", "DENY IN", "Anywhere", "", "was  ALLOW IN    Anywhere"), marks=IN_COMMENT),
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


@pytest.mark.xfail(strict=True, reason="a missing systemctl is told as: not enabled")
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


@pytest.mark.xfail(strict=True, reason="a rule before ufw's chains may let in what ufw would not")
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
            marks=pytest.mark.xfail(strict=True, reason="an active firewall without its default is told as: allow"),
        ),
        pytest.param(
            {"ufw_status": ACTIVE + "22/tcp                     ERLAUBT     Überall\n"},
            marks=pytest.mark.xfail(strict=True, reason="a rule in an unknown form is overlooked"),
        ),
    ],
)
def test_a_firewall_that_does_not_tell_is_no_fact(broken):
    with pytest.raises(ProbeError, match="answered in an unknown form"):
        read(**broken)


@pytest.mark.parametrize("name", ["ufw_status", "ufw_conf", "iptables", "ip6tables"])
def test_a_command_that_fails_is_no_fact(name):
    refused = Output(name, 1, "", "ERROR: You need to be root to run this script", 0.01)
    with pytest.raises(ProbeError, match="You need to be root"):
        read(**{name: refused})
