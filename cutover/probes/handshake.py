"""A TLS handshake that ends in time, however slowly the peer's bytes come."""

from __future__ import annotations

import select
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cutover.inventory import Peer
from cutover.probes.connecting import connect


@contextmanager
def handshake(peer: Peer, context: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """The connection after its handshake; TimeoutError when that is not done within ``answer_seconds``.

    A socket's own timeout starts anew with each byte.
    """
    deadline = time.monotonic() + peer.target.limits.answer_seconds
    with (
        connect(peer, peer.target.ports.https) as plain,
        context.wrap_socket(plain, server_hostname=peer.target.host, do_handshake_on_connect=False) as secure,
    ):
        secure.settimeout(0)
        while True:
            try:
                secure.do_handshake()
                break
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wanted:
                reading = isinstance(wanted, ssl.SSLWantReadError)
            left = deadline - time.monotonic()
            if left <= 0 or not any(select.select([secure] if reading else [], [] if reading else [secure], [], left)):
                raise TimeoutError
        yield secure
