"""Section 3: the firewall as the host itself has it. How a stranger finds it: tests_network/test_ports.py."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.firewall import Family, Firewall
from cutover.facts.forwarding import Forwarding
from cutover.facts.packets import meant, promises
from cutover.inventory import Target

FAMILIES = pytest.mark.parametrize("family", ["ipv4", "ipv6"])


@control("3.firewall")
def test_firewall_is_active(firewall: Firewall) -> None:
    """Without it, whatever listens is open to the world.

    Mend: sudo ufw enable
    """
    state = "active" if firewall.active else "inactive"
    assert seen(state, where="ufw status") == promised("active")


@control("3.firewall")
def test_firewall_is_active_after_a_boot(firewall: Firewall) -> None:
    """ufw starts at boot only when its own file and systemd both say so.

    Mend: sudo ufw enable && sudo systemctl enable ufw
    """
    state = {"/etc/ufw/ufw.conf": firewall.enabled_in_conf, "systemd unit": firewall.enabled_at_boot}
    assert seen(state) == promised(dict.fromkeys(state, True))


@control("3.firewall")
@FAMILIES
def test_what_no_rule_names_is_dropped(firewall: Firewall, family: Family) -> None:
    """The packet filter is asked beside ufw, because another tool may have replaced its policy.

    Mend: sudo ufw default deny incoming && sudo ufw reload
    """
    state = {"ufw": firewall.default_incoming, "packet filter": firewall.filter_policies[family].lower()}
    where = f"ufw status verbose, ip{'' if family == 'ipv4' else '6'}tables-save"
    denied = state["ufw"] if state["ufw"] in ("deny", "reject") else "deny"
    assert seen(state, where=where) == promised({"ufw": denied, "packet filter": "drop"})


@control("3.firewall")
@FAMILIES
def test_allowed_is_exactly_what_was_promised(firewall: Firewall, target: Target, family: Family) -> None:
    """A port that is allowed and not promised opens the host; one that is promised and not allowed closes it.

    Rules are judged by what they let in, in their order: ufw's profiles "OpenSSH" and "Nginx Full" are the
    checklist's ports, LIMIT lets in too, and what an earlier DENY takes is not allowed. "ufw allow 22" opens 22/udp
    beside 22/tcp, which nobody promised.

    Mend: sudo ufw status numbered, then sudo ufw allow PORT/tcp or sudo ufw delete NUMBER
    """
    wanted = meant(target.ports.allowed_in(family))
    assert seen(firewall.allowed[family], where="ufw status verbose") == promised(wanted)


@control("3.firewall")
@FAMILIES
def test_packet_filter_lets_in_what_ufw_allows(firewall: Firewall, family: Family) -> None:
    """ufw tells its own rules only: not those of another tool, of /etc/ufw/before.rules, or typed in by hand.

    Mend: sudo iptables-save tells the rule; sudo iptables -D it, take it out of /etc/ufw/*.rules, then sudo ufw reload
    """
    where = f"ip{'' if family == 'ipv4' else '6'}tables-save, nft list ruleset"
    assert seen(firewall.filter_accepts[family], where=where) == promised(firewall.allowed[family])


@control("3.firewall")
@FAMILIES
def test_nothing_is_forwarded_past_ufw(forwarding: Forwarding, target: Target, family: Family) -> None:
    """Docker publishes a container's port in front of ufw: the world reaches it, whatever ufw's rules say.

    Mend: docker run -p 127.0.0.1:PORT:PORT; sudo iptables-save -t nat, sudo nft list ruleset tell what else forwards
    """
    wanted = promises(target.ports.allowed_in(family))
    others = {str(one) for one in forwarding.forwards[family] if not any(port.covers(one.packets) for port in wanted)}
    where = f"ip{'' if family == 'ipv4' else '6'}tables-save -t nat, nft list ruleset"
    assert seen(others, where=where) == promised(set(), "no port but those the firewall promises to open")


@control("3.firewall")
def test_firewall_manages_ipv6(firewall: Firewall) -> None:
    """With IPV6=no its rules hold for IPv4 only, and it does not tell.

    Mend: IPV6=yes in /etc/default/ufw, then sudo ufw reload
    """
    state = "IPV6=yes" if firewall.manages_ipv6 else "IPV6=no"
    assert seen(state, where="/etc/default/ufw") == promised("IPV6=yes")
