"""Visits one page, on a new TLS connection each time: what `ab -n N -c C` does, driven by locust.

By hand it is an ordinary locustfile, which goes on until it is stopped; its table tells failures by class:

    locust -f cutover/locustfile.py --headless --users 10 --spawn-rate 10 --host https://api.example.com

Driven by ``cutover.probes.load`` (CUTOVER_STAGE=stdin) it reads one line of JSON from standard input, makes
exactly as many requests as that asks for, writes a line of JSON for each, and ends. When standard input ends,
the driver is gone, and it ends at once.

It imports nothing of cutover and is never imported by it: locust patches the interpreter that imports it.
"""

from __future__ import annotations

import json
import os
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from itertools import count
from socket import gaierror

import gevent.socket
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.connectionpool import ConnectionPool
from geventhttpclient.response import HTTPConnectionClosed
from geventhttpclient.url import URL
from locust import FastHttpUser, task
from locust.contrib.fasthttp import ResponseContextManager
from locust.env import Environment
from locust.exception import StopUser

BODY_BYTES = 1024 * 1024  # a longer body is not read to its end and counts as wrong
CAUSE_CHARACTERS = 200
# `ab` does not ask for a compressed body, and the length told is the one that was sent.
HEADERS = {"User-Agent": "cutover (locust)", "Accept-Encoding": "identity", "Connection": "close"}


@dataclass(frozen=True)
class Stage:
    """What the driver asks for; the defaults are those of a run by hand.

    ``host`` is https://name or https://name:port. ``address`` is dialled, or when empty what DNS says of it.
    ``ca`` is trusted in place of the system's store. ``requests`` 0 has no end. ``connect_seconds`` bounds
    the connection and the handshake each, ``answer_seconds`` the request as a whole.
    """

    host: str | None = None
    path: str = "/"
    address: str = ""
    ca: str = ""
    requests: int = 0
    connect_seconds: float = 5.0
    answer_seconds: float = 30.0
    samples: str = os.devnull


DRIVEN = os.environ.get("CUTOVER_STAGE") == "stdin"
STAGE = Stage(**json.loads(sys.stdin.readline())) if DRIVEN else Stage()

# One for all users: to read the trust store takes longer than many a request. Not create_default_context, which
# is stricter in some Pythons than in others: cutover.probes.trust makes the same one.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.minimum_version, TLS.maximum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED
TLS.set_ciphers("DEFAULT:@SECLEVEL=2")
if STAGE.ca:
    TLS.load_verify_locations(STAGE.ca)
else:
    TLS.load_default_certs()


class Failed(OSError):
    """A request that went wrong, with its class."""

    def __init__(self, failure: str, cause: str) -> None:
        super().__init__(cause)
        self.failure = failure


@contextmanager
def phase(failure: str) -> Iterator[None]:
    """Give what goes wrong inside, or takes longer than a connection may, the class ``failure``."""
    try:
        with gevent.Timeout(STAGE.connect_seconds, Failed(failure, f"not done in {STAGE.connect_seconds:g} s")):
            yield
    except Failed:
        raise
    except OSError as error:
        raise Failed("dns" if isinstance(error, gaierror) else failure, str(error)) from error


class Line(ConnectionPool):
    """The one connection of one request, to the declared address and under the name of the URL."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port, host, port, size=1)
        # When a server hangs up, geventhttpclient asks again, `size` + 1 times: load that nobody would count.
        self.size = -1

    def _create_socket(self) -> gevent.socket.socket:
        with phase("connect"):
            plain = gevent.socket.create_connection((STAGE.address or self._connection_host, self._connection_port))
        with phase("tls"):
            return TLS.wrap_socket(plain, server_hostname=self._connection_host)


class Lines(HTTPClientPool):
    """Where a user's requests take their connection from; after ``close`` the next one is a new one."""

    def __init__(self) -> None:
        super().__init__(ssl_context_factory=lambda cafile: TLS)

    def get_client(self, url: str | URL) -> HTTPClient:
        """The client of the URL's host, which has one connection."""
        client = super().get_client(url)
        if not isinstance(client._connection_pool, Line):
            client._connection_pool = Line(client.host, client.port or 443)
        return client


class Samples:
    """Hands out the stage's requests, and writes down what came of each."""

    def __init__(self, stage: Stage) -> None:
        self.wanted = stage.requests
        self.left = iter(range(stage.requests)) if stage.requests else count()
        self.ended = 0
        self.began: float | None = None
        self.file = open(stage.samples, "w", encoding="ascii", buffering=1)  # noqa: SIM115 - as long as the process

    def begin(self) -> float:
        """Take one request and tell the time; StopUser when there is none left."""
        if next(self.left, None) is None:
            raise StopUser
        now = time.monotonic()
        if self.began is None:
            self.began = now
        return now

    def end(self) -> bool:
        """Give back what ``begin`` took; whether it was the stage's last request."""
        self.ended += 1
        return self.ended == self.wanted

    def write(self, began: float, seconds: float, status: int, length: int, failure: str, cause: str) -> None:
        """Write one line: the fields of ``cutover.facts.load.Sample``, and the cause of its failure."""
        assert self.began is not None
        sample = {
            "started": round(began - self.began, 6),
            "seconds": round(seconds, 6),
            "status": status,
            "length": length,
            "failure": failure,
        }
        print(json.dumps([sample, cause]), file=self.file)


SAMPLES = Samples(STAGE)


class Visitor(FastHttpUser):
    """One of the many that ask for the page at the same time."""

    host = STAGE.host

    def __init__(self, environment: Environment) -> None:
        self.lines = self.client_pool = Lines()
        super().__init__(environment)
        # To geventhttpclient any other status is an error, for which it reads the whole body and decodes it.
        self.client.client.valid_response_codes = frozenset(range(1000))  # type: ignore[misc]
        # Each request is a stranger's, as those of `ab` are.
        self.client.cookiejar.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    @task
    def visit(self) -> None:
        """Ask for the page once, and end the stage with its last request, whatever came of that."""
        began = SAMPLES.begin()
        try:
            self.ask(began)
        finally:
            self.lines.close()
            if SAMPLES.end():
                gevent.spawn(self.environment.runner.quit)

    def ask(self, began: float) -> None:
        """Ask for the page, read all of it, write down what came."""
        limit = Failed("timeout", f"not answered in {STAGE.answer_seconds:g} s")
        with (
            gevent.Timeout(STAGE.answer_seconds, limit),
            self.client.get(
                STAGE.path, headers=HEADERS, stream=True, allow_redirects=False, catch_response=True
            ) as response,
        ):
            length, error = read(response)
            seconds = time.monotonic() - began
            failure, cause = judge(response.status_code, error)
            # locust's own clock stops before the body of a stream.
            response.request_meta.update(response_time=seconds * 1000, response_length=length)
            if failure:
                response.failure(f"{failure}: {cause}")
            else:
                response.success()
        SAMPLES.write(began, seconds, response.status_code, length, failure, cause)


def read(response: ResponseContextManager) -> tuple[int, Exception | None]:
    """Read the body; return how many bytes came, and what went wrong, then or before."""
    error: Exception | None = getattr(response, "error", None)
    if error:
        return 0, error
    try:
        length = len(response.read(BODY_BYTES + 1))
    except Exception as error:
        # What came before the error is kept by the response.
        return len(response.read()), error
    if length > BODY_BYTES:
        return length, Failed("wrong-body", f"longer than {BODY_BYTES} bytes")
    return length, None


def judge(status: int, error: Exception | None) -> tuple[str, str]:
    """The class of a request's failure and its cause; both are empty when there is none."""
    cause = str(error or f"status {status}")[:CAUSE_CHARACTERS]
    if isinstance(error, Failed) and error.failure == "timeout":
        return "timeout", cause
    match status:
        case 0:
            return transport(error), cause
        case 429:
            return "429", cause
        case _ if 400 <= status <= 599:
            return f"{status // 100}xx", cause
        case _ if not 200 <= status <= 299:
            return "other", cause
    return ("wrong-body", cause) if error else ("", "")


def transport(error: Exception | None) -> str:
    """The class of a failure before there was an answer."""
    match error:
        case Failed():
            return error.failure
        case HTTPConnectionClosed() | ConnectionError() | ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return "reset"
        case ssl.SSLError():
            # With TLS 1.3 a server refuses a client after the client's part of the handshake.
            return "tls"
    return "other"


def end_with_driver() -> None:
    """End the process when standard input does; nothing more is ever sent on it."""
    gevent.socket.wait_read(sys.stdin.fileno())
    os._exit(1)


if DRIVEN:
    gevent.spawn(end_with_driver)
