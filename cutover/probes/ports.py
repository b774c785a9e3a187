"""TCP ports as a stranger finds them, all asked at once."""

from __future__ import annotations

import errno
import os
import socket

from cutover.errors import ProbeError, Unreachable
from cutover.facts.ports import Ports, State
from cutover.inventory import Peer
from cutover.probes.connecting import find, now
from cutover.probes.threads import side_by_side

# A port that is to be closed is not waited for as long as one that is to be open: two connections ask it at once, and
# each of them again after a second (RFC 6298). Four lost packets would take an open one for closed.
CLOSED_SECONDS = 1.5
CLOSED_ASKED = 2
# What this machine lacks or forbids says nothing of the host.
OURS = {
    *(errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EADDRINUSE),
    *(errno.EPERM, errno.EACCES),
}
RANK: tuple[State, ...] = ("filtered", "refused", "open")


def probe(peer: Peer) -> Ports:
    """Connect to every port that is promised open or closed; Unreachable when none of them answers, then or afterwards.

    A host that answers nowhere, or from some moment on, is no proof that its ports are closed.
    """
    find(peer)
    promised, limits = peer.target.ports, peer.target.limits
    asked = [(port, limits.connect_seconds) for port in promised.open]
    asked += [(port, min(CLOSED_SECONDS, limits.connect_seconds)) for port in promised.closed] * CLOSED_ASKED
    at = now()
    found = side_by_side(lambda each: _state(peer.address, *each), asked, at_once=len(asked))
    # Of several answers for one port, the one that tells most.
    told = sorted(zip((port for port, _ in asked), found, strict=True), key=lambda each: RANK.index(each[1]))
    states = dict(sorted(dict(told).items()))
    if set(states.values()) == {"filtered"}:
        raise Unreachable(
            f"{peer.address} (for {peer.target.host}) answers on none of {len(states)} ports "
            f"within {limits.connect_seconds:g} s",
            "is the host up, the address right, the network between open?",
        )
    answered = sorted((port for port in states if states[port] != "filtered"), key=lambda port: port != promised.https)
    if all(_state(peer.address, port, limits.connect_seconds) == "filtered" for port in answered):
        raise Unreachable(
            f"{peer.address} (for {peer.target.host}) answered on port {answered[0]} and then on none any more",
            "verify again when the host, and the network between, stay up",
        )
    return Ports(peer.address, at, states)


def _state(address: str, port: int, seconds: float) -> State:
    try:
        socket.create_connection((address, port), seconds).close()
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        if error.errno in OURS:
            cause = f"this machine cannot ask for port {port} of {address}: {os.strerror(error.errno)}"
            raise ProbeError(cause, "mend it here, then verify again") from None
        return "filtered"
    return "open"
