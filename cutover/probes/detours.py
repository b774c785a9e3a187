"""Asks over plain http in another host's name, and for a challenge of the certificate authority's."""

from __future__ import annotations

import secrets

from cutover.errors import ProbeError
from cutover.facts.detours import STRANGER, Detours
from cutover.facts.http import Exchange
from cutover.inventory import Peer
from cutover.probes.connecting import reach
from cutover.probes.dialling import Dialler


def probe(peer: Peer) -> Detours:
    """Ask; that a server gives no answer to a name it does not know is an answer too."""
    reach(peer, peer.target.ports.http)
    with Dialler(peer) as dialler:

        def claimed(header: str) -> Exchange | None:
            try:
                value = f"host={STRANGER}" if header == "Forwarded" else STRANGER
                return dialler.ask("/", scheme="http", headers={header: value}).exchange
            except ProbeError:
                return None

        claims = {header: claimed(header) for header in ("Host", "X-Forwarded-Host", "Forwarded")}
        path = f"/.well-known/acme-challenge/cutover-{secrets.token_hex(8)}"
        return Detours(claims, dialler.ask(path, scheme="http").exchange)
