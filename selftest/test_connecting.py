"""What a failed connect says of a host: that one port is silent is not that nobody is there."""

import pytest

from cutover.errors import ProbeError, Unreachable
from cutover.inventory import Peer, Ports, Target
from cutover.probes.connecting import unanswered
from selftest.rows import HOST

PEER = Peer(Target(host=HOST, ports=Ports(https=8443)), "127.0.0.1")
FAILED = {
    "https is silent": (8443, TimeoutError(), Unreachable, "did not answer on port 8443 within 5 s"),
    "no way to it": (8443, OSError(113, "No route to host"), Unreachable, "on port 8443: No route to host"),
    "http is silent": (80, TimeoutError(), ProbeError, "did not answer on port 80 within 5 s"),
    "https is refused": (8443, ConnectionRefusedError(), ProbeError, "refuses connections on port 8443"),
}


@pytest.mark.parametrize(("port", "error", "kind", "told"), FAILED.values(), ids=FAILED)
def test_what_a_failed_connect_means(port, error, kind, told):
    """Of an Unreachable, the later stages take it that they need not dial https again."""
    meant = unanswered(PEER, port, error)
    assert type(meant) is kind
    assert meant.cause.startswith(f"127.0.0.1 (for {HOST}) ")
    assert meant.cause.endswith(told)
