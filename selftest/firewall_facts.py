"""What ufw and iptables print on a host that keeps the checklist: Debian 12, ufw 0.36.2, iptables 1.8.9 (nf_tables)."""

from cutover.facts.firewall import Firewall
from cutover.facts.forwarding import Forwarding
from selftest.rows import printed

ACTIVE = """\
Status: active
Logging: on (low)
Default: deny (incoming), allow (outgoing), disabled (routed)
New profiles: skip

To                         Action      From
--                         ------      ----
"""

INPUT = """\
:ufw-after-input - [0:0]
:ufw-after-logging-input - [0:0]
:ufw-before-input - [0:0]
:ufw-before-logging-input - [0:0]
:ufw-logging-deny - [0:0]
:ufw-not-local - [0:0]
:ufw-reject-input - [0:0]
:ufw-skip-to-policy-input - [0:0]
:ufw-track-input - [0:0]
:ufw-user-input - [0:0]
:ufw-user-limit - [0:0]
:ufw-user-limit-accept - [0:0]
:ufw-user-logging-input - [0:0]
-A INPUT -j ufw-before-logging-input
-A INPUT -j ufw-before-input
-A INPUT -j ufw-after-input
-A INPUT -j ufw-after-logging-input
-A INPUT -j ufw-reject-input
-A INPUT -j ufw-track-input
-A FORWARD -p tcp -m tcp --dport 9999 -j ACCEPT
-A ufw-after-input -p udp -m udp --dport 137 -j ufw-skip-to-policy-input
-A ufw-after-input -p tcp -m tcp --dport 445 -j ufw-skip-to-policy-input
-A ufw-after-input -m addrtype --dst-type BROADCAST -j ufw-skip-to-policy-input
-A ufw-after-logging-input -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-before-input -i lo -j ACCEPT
"""

BEFORE = {
    "": """\
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p icmp -m icmp --icmp-type 3 -j ACCEPT
-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT
-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A ufw-before-input -d 239.255.255.250/32 -p udp -m udp --dport 1900 -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type MULTICAST -j RETURN
-A ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
-A ufw-not-local -j DROP
""",
    "6": """\
-A ufw-before-input -m rt --rt-type 0 -j DROP
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 129 -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j DROP
-A ufw-before-input -p ipv6-icmp -m icmp6 --icmpv6-type 133 -m hl --hl-eq 255 -j ACCEPT
-A ufw-before-input -s fe80::/10 -p ipv6-icmp -m icmp6 --icmpv6-type 130 -j ACCEPT
-A ufw-before-input -s fe80::/10 -d fe80::/10 -p udp -m udp --sport 547 --dport 546 -j ACCEPT
-A ufw-before-input -d ff02::fb/128 -p udp -m udp --dport 5353 -j ACCEPT
-A ufw-before-input -d ff02::f/128 -p udp -m udp --dport 1900 -j ACCEPT
-A ufw-before-input -j ufw-user-input
""",
}

REST = """\
-A ufw-logging-deny -m conntrack --ctstate INVALID -m limit --limit 3/min --limit-burst 10 -j RETURN
-A ufw-logging-deny -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "
-A ufw-skip-to-policy-input -j DROP
-A ufw-user-limit -m limit --limit 3/min -j LOG --log-prefix "[UFW LIMIT BLOCK] "
-A ufw-user-limit -j REJECT --reject-with icmp-port-unreachable
-A ufw-user-limit-accept -j ACCEPT
"""

PORTS = ("22/tcp", "80/tcp", "443/tcp")
OPEN = [f"-p tcp -m tcp --dport {port.partition('/')[0]} -j ACCEPT" for port in PORTS]

UFW_CONF = "# /etc/ufw/ufw.conf\n#\n\n# Set to yes to start on boot.\nENABLED=yes\n\nLOGLEVEL=low\n"
UFW_DEFAULT = '# /etc/default/ufw\n#\n\nIPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\nMANAGE_BUILTINS=no\n'


def rule(to, action="ALLOW IN", source="Anywhere", attribute="", comment=""):
    """One line of its table, as ufw writes it."""
    return f"{to:<26} {action:<12}{source:<26}{attribute}{comment and ' # ' + comment}\n"


def saved(*user, six="", first=(), last=(), chains=(), policy="DROP"):
    """The table filter, with those rules of ufw's own, and of another's in INPUT before and after ufw's."""
    head, jumps = INPUT.split("-A INPUT", 1)
    more = "".join(f":{chain} - [0:0]\n" for chain in chains)
    body = [f"-A ufw-user-input {one}\n" for one in user]
    text = head + more + "".join(f"{one}\n" for one in first) + "-A INPUT" + jumps + BEFORE[six] + REST
    text = text.replace("-A FORWARD", "".join(f"{one}\n" for one in last) + "-A FORWARD", 1) + "".join(body)
    policies = f":INPUT {policy} [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    return f"# Generated\n*filter\n{policies}{text.replace('ufw-', f'ufw{six}-')}COMMIT\n# Completed\n"


def nat(*rules, chains=("DOCKER",)):
    """The table nat with those rules."""
    names = "".join(f":{chain} - [0:0]\n" for chain in chains)
    return (
        f"*nat\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n{names}"
        + "".join(f"-A {one}\n" for one in rules)
        + "COMMIT\n"
    )


UP = {
    "ufw-status": ACTIVE
    + "".join(map(rule, PORTS))
    + "".join(rule(f"{port} (v6)", "ALLOW IN", "Anywhere (v6)") for port in PORTS),
    "ufw-conf": UFW_CONF,
    "ufw-default": UFW_DEFAULT,
    "ufw-enabled": "enabled\n",
    "iptables": saved(*OPEN),
    "ip6tables": saved(*OPEN, six="6"),
    "legacy-tables": "",
    "nft": "",
}


def told(changed):
    return printed(UP | {name.replace("_", "-"): answer for name, answer in changed.items()})


def read(**changed):
    return Firewall.read(told(changed))


def read_forwarding(**changed):
    return Forwarding.read(told(changed))
