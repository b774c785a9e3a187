"""Whom a run dials."""

from __future__ import annotations

from cutover import probes
from cutover.inventory import Peer, Target


def peers(target: Target) -> tuple[Peer, ...]:
    """One peer for each declared address; without any, one for each that the name has in DNS."""
    declared = tuple(Peer(target, address) for address in dict.fromkeys(map(str, target.addresses)))
    return declared or probes.names.peers(target)
