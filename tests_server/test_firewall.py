"""Section 3: the firewall as the host itself has it. How a stranger finds it: tests_network/test_ports.py."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.firewall import Family, Firewall, by_protocol
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
    """The packet filter is asked beside ufw, because another tool may have flushed or replaced its rules.

    Mend: sudo ufw default deny incoming && sudo ufw reload
    """
    state = {
        "ufw": firewall.default_incoming,
        "packet filter": firewall.filter_policies[family].lower(),
        "led through ufw": firewall.filter_hooked[family],
    }
    where = f"ufw status verbose, ip{'' if family == 'ipv4' else '6'}tables -S INPUT"
    denied = state["ufw"] if state["ufw"] in ("deny", "reject") else "deny"
    assert seen(state, where=where) == promised({"ufw": denied, "packet filter": "drop", "led through ufw": True})


@control("3.firewall")
@FAMILIES
def test_allowed_is_exactly_what_was_promised(firewall: Firewall, target: Target, family: Family) -> None:
    """A port that is allowed and not promised opens the host; one that is promised and not allowed closes it.

    Mend: sudo ufw status numbered, then sudo ufw allow PORT/tcp or sudo ufw delete NUMBER
    """
    assert seen(firewall.allowed[family], where="ufw status verbose") == promised(target.ports.allowed_in(family))


@control("3.firewall")
@FAMILIES
def test_packet_filter_holds_the_rules_of_ufw(firewall: Firewall, family: Family) -> None:
    """ufw tells what it once loaded; whoever flushed or edited the packet filter since did not tell ufw.

    Mend: sudo ufw reload
    """
    where = f"ip{'' if family == 'ipv4' else '6'}tables -S"
    assert seen(firewall.filter_accepts[family], where=where) == promised(by_protocol(firewall.allowed[family]))


@control("3.firewall")
def test_firewall_manages_ipv6(firewall: Firewall) -> None:
    """With IPV6=no its rules hold for IPv4 only, and it does not tell.

    Mend: IPV6=yes in /etc/default/ufw, then sudo ufw reload
    """
    state = "IPV6=yes" if firewall.manages_ipv6 else "IPV6=no"
    assert seen(state, where="/etc/default/ufw") == promised("IPV6=yes")
