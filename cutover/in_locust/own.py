"""Goes before a user's own locustfile (`locust -f own.py,theirs.py`): the same address, trust, end and samples.

The target's name leads to the declared address for whatever client its users take, SNI and Host stay those of the
URL. FastHttpUser verifies, with one context for all, and HttpUser by the same store, unless a class says otherwise.
Requests are told by locust's request event, what a task raises by its event for errors: what fires none is not seen.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import gevent
import gevent.socket
from geventhttpclient.connectionpool import ConnectionPool
from locust import FastHttpUser, events
from locust.clients import HttpSession

from cutover.in_locust.relay import RELAY, listen
from cutover.in_locust.stage import STAGE, tls

CAUSE_CHARACTERS = 200
NAME = urlsplit(STAGE.host or "").hostname

FastHttpUser.insecure = False
FastHttpUser.ssl_context_factory = staticmethod(tls)
tls()  # now: a trust store that cannot be read ends locust, and is no failed request

_make_session = HttpSession.__init__


def _session(self: HttpSession, *args: Any, **options: Any) -> None:  # noqa: ANN401
    _make_session(self, *args, **options)
    places = ssl.get_default_verify_paths()
    self.verify = STAGE.ca or next(filter(os.path.exists, (places.openssl_cafile, places.openssl_capath)), True)


HttpSession.__init__ = _session  # type: ignore[method-assign]

# When a server hangs up, geventhttpclient asks again, `size` + 1 times: load that nobody would count, and a fault.
_make_pool = ConnectionPool.__init__


def _pool(self: ConnectionPool, *args: Any, **options: Any) -> None:  # noqa: ANN401
    _make_pool(self, *args, **options)
    self.size = -1


ConnectionPool.__init__ = _pool  # type: ignore[method-assign]

_resolve = gevent.socket.getaddrinfo


def _pinned(host: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 - as getaddrinfo has them
    name = host.decode() if isinstance(host, bytes) else host
    return _resolve(STAGE.address if STAGE.address and name == NAME else host, *args, **options)


socket.getaddrinfo = gevent.socket.getaddrinfo = _pinned


class _Count:
    told = 0
    ended = False


def _go(**_: object) -> None:
    gevent.spawn(_end_in_time)


def _end_in_time() -> None:
    RELAY.gate.wait()
    mine = len(range(RELAY.worker, STAGE.requests, STAGE.workers))
    while not (RELAY.stopped or _Count.told >= mine or time.monotonic() - RELAY.went >= STAGE.seconds):
        gevent.sleep(0.05)
    _Count.ended = True
    RELAY.done()


def _told(
    response_time: float,
    response_length: int | None = None,
    response: Any = None,  # noqa: ANN401 - of whatever client
    exception: BaseException | None = None,
    **_: object,
) -> None:
    """Note a request that ended after all users were there, and before the stage's end."""
    if not RELAY.gate.is_set() or _Count.ended:
        return
    _Count.told += 1
    seconds = (response_time or 0) / 1000
    status = int(getattr(response, "status_code", 0) or 0)
    failure = _failure(status, exception) if exception else ""
    cause = " ".join(str(exception).split())[:CAUSE_CHARACTERS] if exception else ""
    started = time.monotonic() - RELAY.went - seconds
    RELAY.sample(started, seconds, status, int(response_length or 0), failure, cause)


def _raised(exception: BaseException, **_: object) -> None:
    """A task that raises has not done what it was to do, whatever its requests came to."""
    if RELAY.gate.is_set() and not _Count.ended:
        cause = f"its task raised {type(exception).__name__}: {exception}"
        RELAY.sample(time.monotonic() - RELAY.went, 0.0, 0, 0, "other", " ".join(cause.split())[:CAUSE_CHARACTERS])


def _failure(status: int, exception: BaseException) -> str:
    """The class of a failure; where there was an answer, its user found it wrong, whatever its status."""
    if status == 429:
        return "429"
    if status >= 400:
        return f"{min(status // 100, 5)}xx"
    if status:
        return "wrong-body"
    told, pending = f"{type(exception).__name__}: {exception}", exception.args
    for word, failure in (
        ("NameResolution", "dns"),
        ("gaierror", "dns"),
        ("ConnectTimeout", "connect"),
        ("refused", "connect"),
        ("CERTIFICATE", "tls"),
        ("SSLError", "tls"),
        ("SSL", "tls"),
        ("imeout", "timeout"),
        ("timed out", "timeout"),
        ("reset", "reset"),
        ("closed", "reset"),
        ("RemoteDisconnected", "reset"),
    ):
        if word in told or any(word in repr(part) for part in pending):
            return failure
    return "other"


listen(events.spawning_complete, _go)
listen(events.request, _told)
listen(events.user_error, _raised)
