"""TCP ports as a stranger finds them, all asked at once."""

from __future__ import annotations

from cutover.errors import Unreachable
from cutover.facts.ports import Ports, State
from cutover.inventory import Peer
from cutover.probes.dialling import connect, find, now
from cutover.probes.threads import side_by_side


def probe(peer: Peer) -> Ports:
    """Connect to every port that is promised open or closed; Unreachable when none of them answers.

    A host that answers nowhere is no proof that its ports are closed.
    """
    find(peer)
    wanted = sorted({*peer.target.ports.open, *peer.target.ports.closed})
    at = now()
    found = side_by_side(lambda port: _state(peer, port), wanted, at_once=len(wanted))
    states = dict(zip(wanted, found, strict=True))
    if set(states.values()) == {"filtered"}:
        seconds = peer.target.limits.connect_seconds
        raise Unreachable(
            f"{peer.address} (for {peer.target.host}) answers on none of {len(wanted)} ports within {seconds:g} s",
            "is the host up, the address right, the network between open?",
        )
    return Ports(peer.address, at, states)


def _state(peer: Peer, port: int) -> State:
    try:
        connect(peer, port).close()
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "filtered"
    return "open"
