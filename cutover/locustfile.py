"""Visits one page: what `ab -n N -c C` does, with and without -k, and what it cannot, driven by locust.

By hand it is an ordinary locustfile, which goes on until it is stopped; its table tells failures by class:

    locust -f cutover/locustfile.py --headless --users 10 --spawn-rate 10 --host https://api.example.com

Driven by ``cutover.probes.locust`` (CUTOVER_STAGE=stdin) it reads one line of JSON from standard input, makes the
requests that this asks for, has a line of JSON written for each, and ends. When standard input ends, the driver is
gone, and it ends at once.

Its users speak HTTP with geventhttpclient, as FastHttpUser does, but below that one's client: which asks again when
a server hangs up, verifies nothing unless told, and takes three times the processor's time for a request.
"""

from __future__ import annotations

import ssl
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from socket import gaierror
from urllib.parse import urlsplit

import gevent
import gevent.socket
from gevent import monkey
from gevent.event import AsyncResult
from geventhttpclient.response import HTTPConnectionClosed, HTTPSocketResponse
from locust import User, task
from locust.env import Environment
from locust.exception import StopUser

from cutover.in_locust.page import Page
from cutover.in_locust.relay import RELAY
from cutover.in_locust.stage import DRIVEN, STAGE, tls

BODY_BYTES = 1024 * 1024  # a longer body is not read to its end and counts as wrong
BLOCK_BYTES = 64 * 1024
CAUSE_CHARACTERS = 200

select = monkey.get_original("select", "select")  # only ever asked, never waited for
PAGE = Page(STAGE.pages)
TLS = tls()  # now: a trust store that cannot be read ends locust, and is no failed request
NUMBERS = count()  # of this process's users


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


class Answer(HTTPSocketResponse):
    """An answer without its headers, which nobody asks for: to keep them takes as long as all else together."""

    def _on_header_field(self, string: str) -> None: ...

    def _on_header_value(self, string: str) -> None: ...


class Line:
    """A user's connection to the declared address, under the name of the URL; a new one whenever there is none."""

    def __init__(self, host: str) -> None:
        url = urlsplit(host)
        self._name, self._port = url.hostname or "", url.port or 443
        # `ab` does not ask for a compressed body, and the length told is the one that was sent.
        lines = [f"GET {STAGE.path} HTTP/1.1", f"Host: {url.netloc}", "User-Agent: cutover (locust)"]
        lines += ["Accept-Encoding: identity", *([] if STAGE.kept else ["Connection: close"]), "", ""]
        self._request = "\r\n".join(lines).encode()
        self._socket: ssl.SSLSocket | None = None

    def ask(self) -> Answer:
        """Send the request; return when the answer's head is there."""
        if self._socket and select([self._socket], [], [], 0)[0]:
            self.close()  # hung up while idle, as a server may
        if not self._socket:
            self._socket = self._connect()
        self._socket.sendall(self._request)
        return Answer(self._socket, block_size=BLOCK_BYTES)

    def _connect(self) -> ssl.SSLSocket:
        with phase("connect"):
            plain = gevent.socket.create_connection((STAGE.address or self._name, self._port))
            # As ab, wrk and browsers have it: else a kept connection waits for the peer's delayed acknowledgement.
            plain.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
        with phase("tls"):
            return TLS.wrap_socket(plain, server_hostname=self._name)

    def close(self) -> None:
        """The next request has a new connection."""
        if self._socket:
            self._socket.close()
            self._socket = None


class Closed:
    """The users' next starts: as soon as they have an answer, until there are no more requests or no more time."""

    def __init__(self) -> None:
        mine = range(RELAY.worker, STAGE.requests, STAGE.workers)
        self._left = iter(mine) if STAGE.requests else count()
        self._end = RELAY.went + STAGE.seconds if STAGE.seconds else float("inf")

    def take(self, first: bool) -> tuple[float, float] | None:
        """When the next request is due (monotonic), and how late this process is with it; None for no more."""
        now = time.monotonic()
        if RELAY.stopped or now >= self._end or next(self._left, None) is None:
            return None
        # All are let go at once, and begin one after the other.
        return (RELAY.went if first and DRIVEN else now), 0.0


class Open:
    """The users' next starts: when they are due, whatever became of the others.

    The user who was free last goes first, so that few connections are kept. When none is free, a start waits for
    one and counts from when it was due. What waited as long as for an answer is not sent any more, and timed out.
    """

    def __init__(self) -> None:
        self._due: deque[tuple[float, float]] = deque()
        self._free: list[AsyncResult] = []
        self._ended = False
        gevent.spawn(self._schedule)

    def _schedule(self) -> None:
        for number in range(RELAY.worker, STAGE.requests, STAGE.workers):
            due = RELAY.went + number / STAGE.rate
            gevent.sleep(max(0.0, due - time.monotonic()))
            if RELAY.stopped:
                break
            start = due, max(0.0, time.monotonic() - due)
            if self._free:
                self._free.pop().set(start)
            else:
                self._due.append(start)
        self._ended = True
        for user in self._free:
            user.set(None)

    def take(self, _first: bool) -> tuple[float, float] | None:
        """When the next request was due (monotonic), and how late this process was with it; None for no more."""
        while self._due and not RELAY.stopped:
            due, late = self._due.popleft()
            waited = time.monotonic() - due
            if waited < STAGE.answer_seconds:
                return due, late
            cause = f"not begun in {STAGE.answer_seconds:g} s: all users waited for answers"
            RELAY.sample(due - RELAY.went, waited, 0, 0, "timeout", cause, late)
        if self._ended or RELAY.stopped:
            return None
        mine = AsyncResult()
        self._free.append(mine)
        start: tuple[float, float] | None = mine.get()
        return start


class Visitors:
    """The users of this process: their work, made when they are let go, and how many still have some."""

    def __init__(self) -> None:
        self._work: Closed | Open | None = None
        self._busy = STAGE.users_each

    @property
    def work(self) -> Closed | Open:
        """What hands out the starts."""
        if self._work is None:
            self._work = Open() if STAGE.rate else Closed()
        return self._work

    def left(self) -> None:
        """A user has no more to do."""
        self._busy -= 1
        if not self._busy:
            RELAY.done()


VISITORS = Visitors()


class Visitor(User):
    """One of the many that ask for the page at the same time."""

    host = STAGE.host

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.line = Line(self.host or environment.host or "")
        self.number = next(NUMBERS)

    @task
    def visit(self) -> None:
        """Ask for the page while there is work; without a pause, as the others ask meanwhile."""
        RELAY.gate.wait()
        if not DRIVEN or self.number * STAGE.workers + RELAY.worker < STAGE.users:
            first = True
            while start := VISITORS.work.take(first):
                self.ask(*start)
                first = False
        VISITORS.left()
        raise StopUser

    def ask(self, due: float, late: float) -> None:
        """Ask for the page, read all of it, note what came."""
        status, body, error = 0, b"", None
        limit = Failed("timeout", f"not answered in {STAGE.answer_seconds:g} s")
        response: Answer | None = None
        try:
            with gevent.Timeout(STAGE.answer_seconds, limit):
                response = self.line.ask()
                status = response.get_code()
                body = response.read(BODY_BYTES + 1)
                if len(body) > BODY_BYTES:
                    raise Failed("wrong-body", f"longer than {BODY_BYTES} bytes")
        except Exception as caught:
            error = caught
            body = body or (response.read() if response else b"")  # what came before
        ended = time.monotonic()
        if error or not STAGE.kept or not response or response.should_close():
            self.line.close()
        if not error and 200 <= status <= 299 and (differs := PAGE.differs(body)):
            error = Failed("wrong-body", differs)
        failure, cause = judge(status, error)
        RELAY.sample(due - RELAY.went, ended - due, status, len(body), failure, cause, late)
        if not DRIVEN:
            self.tell(ended - due, len(body), f"{failure}: {cause}" if failure else "")

    def tell(self, seconds: float, length: int, cause: str) -> None:
        """Tell locust's own table, which nobody reads of a stage that is driven."""
        self.environment.events.request.fire(
            request_type="GET",
            name=STAGE.path,
            response_time=seconds * 1000,
            response_length=length,
            exception=Failed("", cause) if cause else None,
            context={},
        )


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
