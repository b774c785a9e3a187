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


@fault(fails={"firewall_is_active_after_a_boot"})
def ufw_off_by_a_second_line(host: Host) -> None:
    """ufw.conf is read from the top, and the last word counts."""
    host.run("echo ENABLED=no >>/etc/ufw/ufw.conf")


@fault(fails={"allowed_is_exactly_what_was_promised"})
def port_without_a_protocol(host: Host) -> None:
    """ "ufw allow 22" in place of 22/tcp opens it for UDP as well."""
    host.run("ufw allow 22 && ufw delete allow 22/tcp")


@fault(
    fails={"allowed_is_exactly_what_was_promised", "promised_ports_are_open"},
    errors={
        "answers_do_not_tell_a_version",
        "challenge_is_not_redirected",
        "header_on_the_redirect",
        "http_is_redirected_with_301",
        "redirect_keeps_host_path_and_query",
        "redirect_leads_nowhere_else",
    },
)
def port_shadowed(host: Host) -> None:
    """Who shut out port 80 once, before the rule that allows it: the first rule counts."""
    host.run("ufw insert 1 deny 80")


@fault(fails={"packet_filter_lets_in_what_ufw_allows"})
def rule_past_ufw(host: Host) -> None:
    """Typed into the packet filter for a quick trial: ufw does not tell of it."""
    host.run("ip6tables -I ufw6-user-input -p tcp --dport 9200 -j ACCEPT")


@fault(fails={"packet_filter_lets_in_what_ufw_allows"})
def accepted_before_ufw_is_asked(host: Host) -> None:
    """One line in front of ufw's own, and its rules are never reached for it."""
    host.run("iptables -I INPUT -p tcp --dport 9200 -j ACCEPT")


@fault(fails={"packet_filter_lets_in_what_ufw_allows"})
def accepted_in_a_chain_of_ones_own(host: Host) -> None:
    """What ufw has let through to the end of INPUT, another tool's chain lets in."""
    host.run("iptables -N monitoring && iptables -A monitoring -p tcp --dport 9200 -j ACCEPT")
    host.run("iptables -A INPUT -p tcp -j monitoring")


@fault(fails={"packet_filter_lets_in_what_ufw_allows"})
def accepted_in_before_rules(host: Host) -> None:
    """The file is made to be edited, and ufw loads it at every boot, but does not tell of it."""
    line = "-A ufw-before-input -p tcp --dport 9200 -j ACCEPT"
    host.run(f"sed -i '/ufw-before-input -i lo/a {line}' /etc/ufw/before.rules && ufw reload")


@fault(fails={"packet_filter_lets_in_what_ufw_allows"})
def accepted_by_nft(host: Host) -> None:
    """The other tool for the same packet filter: iptables tells the first as a drop of all TCP, before the second."""
    host.run("nft add rule ip filter INPUT tcp dport { 23, 25 } drop")
    host.run("nft add rule ip filter INPUT tcp dport 9200 accept")


@fault(
    errors={
        "firewall_is_active",
        "firewall_is_active_after_a_boot",
        "what_no_rule_names_is_dropped",
        "allowed_is_exactly_what_was_promised",
        "packet_filter_lets_in_what_ufw_allows",
        "firewall_manages_ipv6",
    }
)
def rule_that_iptables_cannot_tell(host: Host) -> None:
    """In nft's own words, which iptables-save leaves out."""
    host.run("nft insert rule ip6 filter INPUT ct state new tcp dport 9200 accept")


@fault(fails={"nothing_is_forwarded_past_ufw"})
def container_published(host: Host) -> None:
    """docker run -p 8080:80: these are the rules it writes, and "ufw status" tells nothing of them."""
    host.run("""
    iptables -t nat -N DOCKER
    iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
    iptables -t nat -A DOCKER -i docker0 -j RETURN
    iptables -t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
    """)


@fault(fails={"nothing_is_forwarded_past_ufw"})
def redirected_by_nft(host: Host) -> None:
    """A second port for ssh, in a table of nft's own: ufw is asked about port 22, which it allows."""
    host.run("""
    nft add table inet second
    nft 'add chain inet second ports { type nat hook prerouting priority -100; }'
    nft add rule inet second ports tcp dport 2200 redirect to :22
    """)


@fault(
    fails={
        "firewall_manages_ipv6",
        "allowed_is_exactly_what_was_promised",
        "packet_filter_lets_in_what_ufw_allows",
    }
)
def ipv6_forgotten(host: Host) -> None:
    """Switched off in /etc/default/ufw on a host that has IPv6."""
    host.run("sed -i 's/^IPV6=.*/IPV6=no/' /etc/default/ufw")


@fault(fails={"nothing_else_listens"})
def something_else_listens(host: Host) -> None:
    """Started to hand over a file; the firewall hides it for now."""
    host.run("systemd-run --quiet --unit=hand-over python3 -m http.server 9200 && sleep 1")
