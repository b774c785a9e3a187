"""Defects of the firewall and of what listens behind it."""

from lab.faults import fault
from lab.faults.application import ENVIRONMENT, restart
from lab.faults.environment import CHECK
from lab.host import Host


@fault(
    fails={
        "firewall_is_active",
        "firewall_is_active_after_a_boot",
        "what_no_rule_names_is_dropped",
        "allowed_is_exactly_what_was_promised",
    }
)
def ufw_off(host: Host) -> None:
    """Switched off to look for a fault, and forgotten."""
    host.run("ufw disable")


@fault(
    fails={
        "all_other_ports_are_closed",
        "allowed_is_exactly_what_was_promised",
        "nothing_else_listens",
        "bind_is_on_loopback",
        *CHECK,
    }
)
def application_open_to_the_world(host: Host) -> None:
    """gunicorn on all addresses, and port 8000 allowed, to try the application without nginx."""
    host.run(f"sed -i 's/^MKS_GUNICORN_BIND=.*/MKS_GUNICORN_BIND=[::]:8000/' {ENVIRONMENT} && ufw allow 8000/tcp")
    restart(host)


@fault(fails={"packet_filter_holds_the_rules_of_ufw"})
def rule_past_ufw(host: Host) -> None:
    """Typed into the packet filter for a quick trial: ufw does not tell of it."""
    host.run("ip6tables -I ufw6-user-input -p tcp --dport 9200 -j ACCEPT")


@fault(fails={"what_no_rule_names_is_dropped"})
def accepted_before_ufw_is_asked(host: Host) -> None:
    """One line in front of ufw's own, and its rules are never reached for it."""
    host.run("iptables -I INPUT -p tcp --dport 9200 -j ACCEPT")


@fault(
    fails={
        "firewall_manages_ipv6",
        "allowed_is_exactly_what_was_promised",
        "packet_filter_holds_the_rules_of_ufw",
    }
)
def ipv6_forgotten(host: Host) -> None:
    """Switched off in /etc/default/ufw on a host that has IPv6."""
    host.run("sed -i 's/^IPV6=.*/IPV6=no/' /etc/default/ufw")


@fault(fails={"nothing_else_listens"})
def something_else_listens(host: Host) -> None:
    """Started to hand over a file; the firewall hides it for now."""
    host.run("systemd-run --quiet --unit=hand-over python3 -m http.server 9200 && sleep 1")
