"""What the driver asks of locust's processes, read from standard input; and the TLS context they all use."""

from __future__ import annotations

import json
import os
import ssl
import sys
from dataclasses import dataclass
from functools import cache

import gevent
import gevent.socket


@dataclass(frozen=True)
class Stage:
    """One stage; the defaults are those of a run by hand, which goes on until it is stopped.

    ``host`` is https://name or https://name:port. ``address`` is dialled, or when empty what DNS says of it.
    ``ca`` is trusted in place of the system's store. ``pages`` are what the page looked like when all was quiet.

    ``users`` ask at a time, until ``requests`` are answered or ``seconds`` are over; 0 is no bound. With a
    ``rate`` it is an open model: request number k is due k / ``rate`` seconds after the first, whatever became
    of those before. ``kept`` connections serve many requests. ``connect_seconds`` bounds the connection and the
    handshake each, ``answer_seconds`` the request as a whole.

    ``stop_share`` ends the stage early when more than this share of the last answers are 5xx, or none; 0 never.
    ``workers`` processes share it. ``samples`` is the file that the driver reads, line by line.
    """

    host: str | None = None
    path: str = "/"
    address: str = ""
    ca: str = ""
    pages: tuple[str, ...] = ()
    users: int = 1
    requests: int = 0
    seconds: float = 0.0
    rate: float = 0.0
    kept: bool = False
    connect_seconds: float = 5.0
    answer_seconds: float = 30.0
    stop_share: float = 0.0
    workers: int = 1
    samples: str = os.devnull

    @property
    def users_each(self) -> int:
        """How many users each worker starts; those beyond ``users`` in all have nothing to do."""
        return -(-self.users // self.workers)


DRIVEN = os.environ.get("CUTOVER_STAGE") == "stdin"


def _read() -> Stage:
    told = json.loads(sys.stdin.readline())
    return Stage(**{**told, "pages": tuple(told["pages"])})


STAGE = _read() if DRIVEN else Stage()


@cache
def tls() -> ssl.SSLContext:
    """One for all users: to read the trust store takes longer than many a request."""
    # Not create_default_context, which is stricter in some Pythons than in others: cutover.probes.trust makes the
    # same one.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=2")
    context.hostname_checks_common_name = False
    if STAGE.ca:
        context.load_verify_locations(STAGE.ca)
    else:
        context.load_default_certs()
    return context


def _end_with_driver() -> None:
    """End the process when standard input does; nothing more is ever sent on it."""
    gevent.socket.wait_read(sys.stdin.fileno())
    os._exit(1)


if DRIVEN:
    gevent.spawn(_end_with_driver)
