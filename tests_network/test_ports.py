"""Section 3, from outside: which TCP ports answer a stranger."""

from cutover.check import control, promised, seen
from cutover.facts.ports import Ports
from cutover.inventory import Target


@control("3.firewall")
def test_promised_ports_are_open(ports: Ports, target: Target) -> None:
    """ssh for operations, 80 for the redirect and the certificate's renewal, 443 for users.

    Mend: sudo ufw allow PORT/tcp, and look whether the service listens: sudo ss -ltnp
    """
    wanted = set(target.ports.open)
    states = {port: ports.states[port] for port in sorted(wanted)}
    assert seen(states, where=ports.address) == promised(dict.fromkeys(states, "open"))


@control("3.firewall")
def test_all_other_ports_are_closed(ports: Ports, target: Target) -> None:
    """The application's and the database's ports speak without TLS: only the host itself may reach them.

    Mend: bind the service to 127.0.0.1 and remove its rule: sudo ufw status numbered, sudo ufw delete NUMBER
    """
    open_ = ports.in_state("open") & set(target.ports.closed)
    closed = ", ".join(map(str, target.ports.closed))
    assert seen(open_, where=ports.address) == promised(set(), f"none of {closed} open")
