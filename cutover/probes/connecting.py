"""TCP connections to a peer's address, and what it means when there is none."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

from cutover.addresses import has_route
from cutover.errors import ProbeError, Unreachable
from cutover.inventory import Peer


def now() -> str:
    """The operator's clock, ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def connect(peer: Peer, port: int) -> socket.socket:
    """A TCP connection to the peer; OSError as the system has it."""
    return socket.create_connection((peer.address, port), peer.target.limits.connect_seconds)


def find(peer: Peer) -> None:
    """Raise Unreachable when there is nothing to dial, or no way to it: then nothing is said of the host."""
    if not peer.address:
        raise Unreachable(f"{peer.target.host}: {peer.problem}", "look at the name's DNS records, or --address")
    if not has_route(peer.address):
        family = "IPv6" if peer.family == "ipv6" else "IPv4"
        raise Unreachable(
            f"this machine has no route to the {family} address {peer.address} (for {peer.target.host})",
            f"verify from a machine that has {family}, or name the addresses to dial: --address",
        )


def reach(peer: Peer, port: int) -> None:
    """Raise ProbeError, the one cause of all that depends on it, when the peer's port does not answer."""
    find(peer)
    try:
        connect(peer, port).close()
    except OSError as error:
        raise unanswered(peer, port, error) from None


def unanswered(peer: Peer, port: int, error: OSError) -> ProbeError:
    """What a failed connect means, in one sentence that is the same for everyone who suffers from it."""
    what = f"{peer.address} (for {peer.target.host})"
    if isinstance(error, ConnectionRefusedError):
        return ProbeError(f"{what} refuses connections on port {port}", "start nginx: sudo systemctl status nginx")
    if isinstance(error, TimeoutError):
        reason = f"did not answer on port {port} within {peer.target.limits.connect_seconds:g} s"
    else:
        reason = f"cannot be reached on port {port}: {error.strerror or error}"
    # Behind a silent port 80 there may be a host that serves https: its response times and load are its own affair.
    silent = Unreachable if port == peer.target.ports.https else ProbeError
    return silent(f"{what} {reason}", "is the host up, the address right, the firewall open?")
