"""Plain requests of a stranger, without credentials: every surface that carries headers, and plain http."""

from __future__ import annotations

from cutover.facts.http import REDIRECT_PATHS, Http
from cutover.inventory import Peer
from cutover.probes.dialling import Dialler, reach

MISSING = "/cutover-no-such-page"


def surfaces(peer: Peer) -> Http:
    """Ask each surface once over https."""
    reach(peer, peer.target.ports.https)
    endpoints = peer.target.endpoints
    paths = {
        "/": endpoints.root,
        "api without token": endpoints.knowledge,
        "404": MISSING,
        "static": endpoints.static,
        "404 of static": endpoints.static.rstrip("/") + MISSING,
    }
    if peer.target.metrics:
        paths["metrics"] = peer.target.metrics.path
    with Dialler(peer) as dialler:
        return Http({surface: dialler.ask(path).exchange for surface, path in paths.items()})


def redirects(peer: Peer) -> Http:
    """Ask over plain http, following nothing."""
    reach(peer, peer.target.ports.http)
    with Dialler(peer) as dialler:
        return Http({path: dialler.ask(path, scheme="http").exchange for path in REDIRECT_PATHS})
