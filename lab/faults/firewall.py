"""Defects of the firewall and of what listens behind it."""

from lab.faults import fault
from lab.faults.application import ENVIRONMENT, restart
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


@fault(fails={"all_other_ports_are_closed", "allowed_is_exactly_what_was_promised"})
def application_open_to_the_world(host: Host) -> None:
    """gunicorn on all addresses, and port 8000 allowed, to try the application without nginx."""
    host.run(f"sed -i 's/^MKS_GUNICORN_BIND=.*/MKS_GUNICORN_BIND=[::]:8000/' {ENVIRONMENT} && ufw allow 8000/tcp")
    restart(host)
