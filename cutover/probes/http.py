"""Plain requests of a stranger, without credentials: every surface that carries headers, and plain http."""

from __future__ import annotations

import contextlib

from cutover.errors import ProbeError
from cutover.facts.http import REDIRECT_PATHS, Http
from cutover.inventory import Peer
from cutover.probes.connecting import reach
from cutover.probes.dialling import Dialler

MISSING = "/cutover-no-such-page"
PATIENCE = 5.0  # seconds
BODY_LIMIT = 10 * 2**20  # bytes, of the checklist's nginx template


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
        answers = {surface: dialler.ask(path).exchange for surface, path in paths.items()}
        answers["405"] = dialler.ask(endpoints.root, method="DELETE").exchange
        # Announced and never sent: whoever would take it waits for it.
        announced = {"Content-Length": str(BODY_LIMIT + 1), "Content-Type": "application/octet-stream"}
        with contextlib.suppress(ProbeError):
            answers["413"] = dialler.ask(endpoints.root, method="POST", headers=announced, within=PATIENCE).exchange
    return Http(answers)


def redirects(peer: Peer) -> Http:
    """Ask over plain http, following nothing."""
    reach(peer, peer.target.ports.http)
    with Dialler(peer) as dialler:
        return Http({path: dialler.ask(path, scheme="http").exchange for path in REDIRECT_PATHS})
