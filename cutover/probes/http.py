"""Plain requests of a stranger: every surface that carries headers, and the redirects."""

from __future__ import annotations

from cutover.facts.http import REDIRECT_PATHS, Http
from cutover.inventory import Peer
from cutover.probes.dialling import Dialler, reach

MISSING = "/cutover-no-such-page"


def probe(peer: Peer) -> Http:
    """Ask each surface once, without credentials."""
    reach(peer)
    endpoints = peer.target.endpoints
    with Dialler(peer) as dialler:
        redirects = {path: dialler.ask(path, scheme="http").exchange for path in REDIRECT_PATHS}
        surfaces = {
            "/": dialler.ask(endpoints.root).exchange,
            "static": dialler.ask(endpoints.static).exchange,
            "api without token": dialler.ask(endpoints.knowledge).exchange,
            "404": dialler.ask(MISSING).exchange,
            "404 of static": dialler.ask(endpoints.static.rstrip("/") + MISSING).exchange,
            "redirect": redirects["/"],
        }
    return Http(surfaces, redirects)
