"""Dialling a peer: connect to its address, speak its target's public name (SNI, Host, certificate name)."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Literal, NamedTuple

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from cutover.errors import ProbeError
from cutover.facts.http import Exchange
from cutover.inventory import Peer
from cutover.probes.connecting import now, unanswered
from cutover.probes.sent import MARK, count
from cutover.probes.trust import shared_tls_context
from cutover.probes.wire import Wire
from cutover.redact import redact

BODY_BYTES = 16 * 1024 * 1024  # read of an answer
BODY_KEPT = 4096  # characters kept of it


class Answer(NamedTuple):
    """What is kept of an answer, and its text for the probe to read."""

    exchange: Exchange
    text: str


class Dialler:
    """An HTTP client of one peer that verifies TLS, follows no redirect and ignores the environment.

    Each request has a connection of its own: an answer that nobody asked for is not taken for the next one.
    With ``keep`` they share one, which ``close`` ends. One thread at a time.
    """

    def __init__(self, peer: Peer, *, keep: bool = False) -> None:
        self.peer = peer
        self._wire = Wire(keep)
        self._session = _Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._session.trust_env = False
        self._session.headers.clear()
        self._session.headers.update({"Accept": "*/*", "Accept-Encoding": "identity"})
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Pinned(peer, self._wire))

    def __enter__(self) -> Dialler:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def connected(self) -> bool:
        """Whether the last request found a connection, and may so have been sent."""
        return self._wire.socket is not None

    def close(self) -> None:
        """End all connections."""
        self._session.close()

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        scheme: Literal["http", "https"] = "https",
        token: str = "",
        json: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        within: float | None = None,
    ) -> Answer:
        """One request, one answer, whatever its status: what is kept of it, and its text for the probe to read.

        The text is not redacted; what is kept is. ProbeError when no whole head of an answer came ``within`` so many
        seconds, ``answer_seconds`` unless told.
        """
        if scheme == "http" and (token or json):
            raise ValueError("what opens something goes over TLS only")
        within = within or self.peer.target.limits.answer_seconds
        url = self.peer.target.url(path, scheme)
        # Marked is what the site's own access log must hold: port 80's may be another, and on while this one is off.
        agent = f"cutover/{MARK}" if scheme == "https" else "cutover"
        sent = {"Host": url.split("/")[2], "User-Agent": agent, **(headers or {})}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        # Plain http and static files are the web server's own: the application hears nothing of them.
        heard = scheme == "https" and not path.startswith(self.peer.target.endpoints.static)
        count(self.peer.target.label, limited=heard)
        at, begun = now(), self._wire.begin()
        with self._deadline(within) as expired:
            try:
                answer = self._session.request(
                    method,
                    url,
                    headers=sent,
                    json=json,
                    stream=True,
                    allow_redirects=False,
                    timeout=(self.peer.target.limits.connect_seconds, within),
                )
                content, complete = _read(answer)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
                raise self._no_answer(method, url, error, within, expired.is_set()) from None
        ended = time.monotonic()
        text = content.decode("utf-8", "replace")
        exchange = Exchange(
            method=method,
            url=url,
            at=at,
            status=answer.status_code,
            headers=tuple(_header(key, value) for key, value in self._wire.headers()),
            body=kept(text),
            length=len(content),
            complete=complete and not expired.is_set(),
            seconds=ended - begun,
            surplus=self._wire.surplus,
            phases=self._wire.phases(begun, ended),
        )
        return Answer(exchange, text)

    @contextlib.contextmanager
    def _deadline(self, seconds: float) -> Iterator[threading.Event]:
        """Cut the connection when an answer takes too long: a socket's own timeout starts anew with each byte."""
        expired = threading.Event()

        def cut() -> None:
            expired.set()
            self._wire.cut()

        timer = threading.Timer(seconds, cut)
        timer.daemon = True
        timer.start()
        try:
            yield expired
        finally:
            timer.cancel()

    def _no_answer(self, method: str, url: str, error: Exception, within: float, expired: bool) -> ProbeError:
        limits = self.peer.target.limits
        chain = list(_chain(error))
        port = urllib3.util.parse_url(url).port or (443 if url.startswith("https") else 80)
        for cause in chain:
            # During the handshake; later, a broken record is one way of giving no HTTP answer.
            if isinstance(cause, ssl.SSLError) and not self._wire.socket:
                told = getattr(cause, "verify_message", "") or cause.reason or str(cause)
                return ProbeError(
                    f"{self.peer.address} (for {self.peer.target.host}): TLS failed: {told}; nothing was sent",
                    "see the checks of 12.certificate",
                )
            if isinstance(cause, ConnectionRefusedError):
                return unanswered(self.peer, port, cause)
        if any(isinstance(cause, urllib3.exceptions.ConnectTimeoutError) for cause in chain):
            return unanswered(self.peer, port, TimeoutError())
        if not self._wire.socket and any(isinstance(cause, TimeoutError) for cause in chain):
            return ProbeError(
                f"{self.peer.address} (for {self.peer.target.host}): no TLS handshake "
                f"within {limits.connect_seconds:g} s",
                "look at nginx's error log",
            )
        if expired or any(isinstance(cause, TimeoutError) for cause in chain):
            reason = f"did not finish its answer within {within:g} s"
            reason += ": its head never ended" if self._wire.lines else ""
        else:
            reason = f"gave no HTTP answer ({' '.join(redact(str(chain[-1])).split())[:120]})"
        return ProbeError(f"{self.peer.address}: {method} {url} {reason}", "look at nginx's error log")


class _Session(requests.Session):
    """Never looks where a redirect leads: requests would read its whole body, decoded, to be ready for it."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Pinned(HTTPAdapter):
    """Opens every connection to the peer's address, under the target's name."""

    def __init__(self, peer: Peer, wire: Wire) -> None:
        limits = peer.target.limits
        common: dict[str, Any] = {
            "host": peer.address,
            "maxsize": 1,
            "retries": False,
            "timeout": urllib3.Timeout(connect=limits.connect_seconds, read=limits.answer_seconds),
        }
        context = shared_tls_context(peer.target)
        self._http = urllib3.HTTPConnectionPool(port=peer.target.ports.http, **common)
        self._https = urllib3.HTTPSConnectionPool(
            port=peer.target.ports.https, ssl_context=context, server_hostname=peer.target.host, **common
        )
        self._http.ConnectionCls = wire.connections(HTTPConnection)
        self._https.ConnectionCls = wire.connections(HTTPSConnection)
        super().__init__(max_retries=0)

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, *_: object, **__: object
    ) -> urllib3.HTTPConnectionPool:
        return self._https if str(request.url).startswith("https://") else self._http

    def cert_verify(self, *_: object, **__: object) -> None:
        """Leave the pool's own context alone: requests would add its own list of authorities to it."""

    def close(self) -> None:
        self._http.close()
        self._https.close()
        super().close()


def _read(answer: requests.Response) -> tuple[bytes, bool]:
    content = bytearray()
    try:
        for block in answer.raw.stream(16384, decode_content=False):
            content.extend(block)
            if len(content) > BODY_BYTES:
                answer.close()
                return bytes(content[:BODY_BYTES]), False
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        answer.close()
        return bytes(content), False
    answer.raw.release_conn()
    return bytes(content), True


def kept(text: str) -> str:
    """What is kept of a body. It is cut afterwards: half of a secret is not recognised as one."""
    return redact(text[: 2 * BODY_KEPT])[:BODY_KEPT]


def _header(key: str, value: str) -> tuple[str, str]:
    # The value alone, then after its name, which makes a cookie or a credential of it.
    key = redact(key)[:256]
    return key, redact(f"{key}: {redact(value)}").removeprefix(f"{key}: ")[:4096]


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    pending = [error]
    while pending:
        error = pending.pop()
        if id(error) in seen:
            continue
        seen.add(id(error))
        yield error
        inner = (error.__cause__, error.__context__, getattr(error, "reason", None), *error.args)
        pending.extend(cause for cause in inner if isinstance(cause, BaseException))
