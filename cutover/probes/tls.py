"""What a peer's TLS offers: sslyze's scan, what an up-to-date client gets, and what one of TLS 1.2 gets."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from cutover.facts.tls import Negotiated, Tls
from cutover.inventory import Peer
from cutover.probes import hello, sslyze
from cutover.probes.connecting import now, reach
from cutover.probes.handshake import handshake
from cutover.probes.trust import client_context


def probe(peer: Peer, let_others_go_first: Callable[[], object]) -> Tls:
    """Greet first: what is no TLS, or comes a byte a second, need not be scanned to be known for it."""

    def greet() -> tuple[str, Negotiated | None]:
        let_others_go_first()
        reach(peer, peer.target.ports.https)
        return now(), hello.choice(peer)

    (at, generic), scan = sslyze.scan(peer, greet)
    return Tls(peer.target.host, peer.address, at, scan, _modern(peer), generic)


def _modern(peer: Peer) -> Negotiated | None:
    """What a client with today's defaults agrees on; the certificate is another probe's."""
    context = client_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    try:
        with handshake(peer, context) as secure:
            cipher = secure.cipher()
            return Negotiated(
                secure.version() or "", cipher[0] if cipher else "", secure.selected_alpn_protocol() or ""
            )
    except OSError:  # of the network, or of TLS
        return None
