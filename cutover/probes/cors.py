"""Asks as a browser asks for a page of another origin."""

from __future__ import annotations

from cutover.facts.cors import NOWHERE, STRANGER, Cors
from cutover.inventory import Peer
from cutover.probes.connecting import reach
from cutover.probes.dialling import Dialler


def probe(peer: Peer) -> Cors:
    """Ask for each declared origin, for one that nobody declared, and for a page without one."""
    reach(peer, peer.target.ports.https)
    declared = peer.target.server.cors_origins if peer.target.server else ()
    path = peer.target.endpoints.knowledge
    question = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    with Dialler(peer) as dialler:
        origins = (*declared, STRANGER, NOWHERE)
        preflight = {
            origin: dialler.ask(path, method="OPTIONS", headers={"Origin": origin} | question).exchange
            for origin in origins
        }
        return Cors(preflight, {origin: dialler.ask(path, headers={"Origin": origin}).exchange for origin in origins})
