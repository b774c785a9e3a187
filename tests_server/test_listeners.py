"""Section 3: what listens, whether or not the firewall lets anybody reach it."""

from cutover.check import control, promised, seen
from cutover.facts.listeners import Listeners
from cutover.facts.packets import each_port
from cutover.inventory import Target

# A client that waits for its server's answers: DHCP, DHCPv6, NTP.
CLIENTS = {"68/udp", "546/udp", "123/udp"}


@control("3.firewall")
def test_nothing_else_listens(listeners: Listeners, target: Target) -> None:
    """The firewall is one mistake away from being off; what listens on loopback only stays closed then.

    Mend: bind it to 127.0.0.1, or sudo systemctl disable --now it; sudo ss -ltunp tells which program it is
    """
    promises = {f"{port}/tcp" for port in target.ports.open} | each_port(target.ports.allowed)
    if target.metrics:
        promises.add(f"{target.metrics.port}/tcp")
    others = {
        f"{one.port} on {one.address}" + (f" ({one.program})" if one.program else "")
        for one in listeners.exposed
        if one.port not in promises | CLIENTS
    }
    assert seen(others, where="ss -ltunp") == promised(set(), f"nothing but {', '.join(sorted(promises))}")
