"""TCP ports as a stranger finds them, all asked at once."""

from __future__ import annotations

import errno
import os
import socket
import time

from cutover.errors import ProbeError, Unreachable
from cutover.facts.ports import Ports, State
from cutover.inventory import Peer
from cutover.probes.connecting import find, now
from cutover.probes.threads import side_by_side

# A port that is to be closed is not waited for as long as one that is to be open: it is asked up to four times, and
# each time waited for three times as long as the slowest port took that answered, whatever the distance. Two ask by
# turns, half a wait apart. All four packets have to be lost for an open one to be taken for closed; a refusal is asked
# for once more, and open counts.
CLOSED_ASKED_EACH = 2
CLOSED_SECONDS = 0.2  # beside the way's
CLOSED_ROUND_TRIPS = 3
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
    at = now()
    states, slowest = _open(peer)
    patience = min(limits.connect_seconds, CLOSED_SECONDS + CLOSED_ROUND_TRIPS * slowest)
    closed = [port for port in promised.closed if port not in states]
    found = side_by_side(lambda port: _closed(peer.address, port, patience), closed, at_once=len(closed))
    states = dict(sorted({**states, **dict(zip(closed, found, strict=True))}.items()))
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


def _open(peer: Peer) -> tuple[dict[int, State], float]:
    """Those promised open, all asked at once, and the seconds that the slowest took that answered."""
    slowest = [0.0]

    def ask(port: int) -> State:
        begun = time.monotonic()
        state = _state(peer.address, port, peer.target.limits.connect_seconds)
        if state != "filtered":
            slowest.append(time.monotonic() - begun)
        return state

    ports = peer.target.ports.open
    found = side_by_side(ask, ports, at_once=len(ports))
    return dict(zip(ports, found, strict=True)), max(slowest)


def _closed(address: str, port: int, seconds: float) -> State:
    """Of several answers, the one that tells most."""
    told: list[State] = []

    def ask(first: float) -> None:
        time.sleep(first)
        for _ in range(CLOSED_ASKED_EACH):
            if "open" not in told and told.count("refused") < 2:
                told.append(_state(address, port, seconds))

    side_by_side(ask, (0.0, seconds / 2))
    return max(told, key=RANK.index)


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
