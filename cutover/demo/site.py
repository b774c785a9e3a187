"""The demo site: ``python -m cutover.demo.site``, a host on loopback that keeps the checklist's promises.

Prints one line of JSON when it is ready (ports, addresses, the CA's file) and serves until its standard input
ends, so that it cannot outlive its parent, however that ends.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import re
import select
import signal
import socket
import ssl
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import BaseRequestHandler, BaseServer, ThreadingTCPServer
from threading import Thread

import trustme

from cutover.demo import HOST, PASSWORD_VARIABLE
from cutover.demo.app import Answer, App, Reply, Request, problem, text

# Headers, ciphers and body limit are those of the nginx template in the checklist's section 7.
HEADERS = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
HSTS = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}
POLICY = {"Content-Security-Policy": "default-src 'self'"}  # beyond the checklist
CIPHERS = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305"
BODY_LIMIT = 10 * 2**20  # bytes
IDLE_SECONDS = 60.0
LINGER_SECONDS = 2.0

CERTIFICATE_LIFETIME = timedelta(days=90)


def redirect(https_port: int, request: Request) -> Answer:
    """Everything moves to https, but for what a certificate authority asks (section 7)."""
    if request.target.startswith("/.well-known/acme-challenge/"):
        return problem(HTTPStatus.NOT_FOUND)
    location = f"https://{HOST}:{https_port}{request.target}"
    return text("plain", "Moved Permanently\n", {"Location": location})._replace(status=HTTPStatus.MOVED_PERMANENTLY)


class Handler(BaseHTTPRequestHandler):
    """One HTTP connection: limits, the headers of every answer, one way to answer."""

    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"  # the base's HTTP/0.9 would answer garbage without any header
    disable_nagle_algorithm = True  # headers and body are two writes; the second must not wait for an ACK
    timeout = IDLE_SECONDS

    def __init__(
        self,
        reply: Reply,
        promised: dict[str, str],
        connection: socket.socket,
        peer: object,
        server: BaseServer,
    ) -> None:
        self._reply, self._promised = reply, promised
        super().__init__(connection, peer, server)

    def setup(self) -> None:
        """Shake hands here, in the connection's own thread: a slow peer must not hold up the others."""
        if isinstance(self.request, ssl.SSLSocket):
            self.request.settimeout(self.timeout)
            self.request.do_handshake()
        super().setup()

    def version_string(self) -> str:
        """Name the server without its version."""
        return "cutover-demo"

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged: what is worth telling stands in the suite's own evidence."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what cannot be read like everything else, with all headers."""
        self.close_connection = True
        self._send(problem(HTTPStatus(code)))

    def handle_expect_100(self) -> bool:
        """Refuse a body before it is sent."""
        return not self._refused() and super().handle_expect_100()

    def do_GET(self) -> None:
        """Answer any method: which are allowed is for the application to say."""
        if not self._refused():
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            authorization = self.headers.get("Authorization", "")
            self._send(self._reply(Request(self.command, self._target(), authorization, body)))

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = do_GET

    def _target(self) -> str:
        """Path and query, also of a request in absolute form; empty when there are none."""
        target = re.fullmatch(r"(?:https?://[^/?#]*)?(/[!-~]*)", self.path)
        return target[1] if target else ""

    def _refused(self) -> bool:
        """Answer a request that will not be read, and tell that it was answered."""
        length = ",".join(self.headers.get_all("Content-Length", ["0"]))
        if "Transfer-Encoding" in self.headers:
            status = HTTPStatus.LENGTH_REQUIRED
        elif not re.fullmatch(r"[0-9]{1,18}", length) or not self._target():
            status = HTTPStatus.BAD_REQUEST
        elif int(length) > BODY_LIMIT:
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        else:
            return False
        self.send_error(status)
        # Closing on unread bytes resets the connection, and the client would lose this answer to it.
        self.connection.settimeout(LINGER_SECONDS)
        unread = 4 * BODY_LIMIT
        with suppress(OSError):
            while unread > 0 and (chunk := self.connection.recv(2**16)):
                unread -= len(chunk)
        return True

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in (self._promised | answer.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        # Also when it stays open: HTTP/1.0 clients, ab among them, believe only what they are told.
        self.send_header("Connection", "close" if self.close_connection else "keep-alive")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)


class Banner(BaseRequestHandler):
    """The ssh port as a stranger sees it: the line that starts the protocol (RFC 4253 section 4.2)."""

    def handle(self) -> None:
        """Say who is there."""
        self.request.sendall(b"SSH-2.0-cutover-demo\r\n")


class Listener(ThreadingTCPServer):
    """Serves one port of one address, bound already, with a thread for each connection."""

    daemon_threads = True
    request_queue_size = 128  # the base's 5 keeps clients waiting as soon as ten arrive at once

    def __init__(
        self,
        bound: socket.socket,
        handler: Callable[..., BaseRequestHandler],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(bound.getsockname()[:2], handler, bind_and_activate=False)
        self.socket.close()
        self.socket, self._tls = bound, tls
        self.server_activate()
        Thread(target=self.serve_forever, daemon=True).start()

    def get_request(self) -> tuple[socket.socket, object]:
        """Accept, and leave the handshake to the connection's own thread."""
        connection, peer = self.socket.accept()
        if self._tls:
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, peer

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        """End TLS before TCP, so that a peer can tell the end from a cut; its own goodbye is not awaited."""
        if isinstance(request, ssl.SSLSocket):
            with suppress(OSError, ValueError):
                request.settimeout(0)
                request.unwrap()
        super().shutdown_request(request)

    def handle_error(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """A client that leaves or fails its handshake is no defect of the site; all else is told."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def _certified(ca_file: Path) -> ssl.SSLContext:
    """TLS for a leaf below an intermediate below a new root, whose certificate goes into the file."""
    root = trustme.CA(organization_name="cutover demo")
    root.cert_pem.write_to_path(str(ca_file))
    start = datetime.now(UTC) - timedelta(days=1)  # clocks of containers and of their hosts may differ
    leaf = root.create_child_ca().issue_cert(HOST, not_before=start, not_after=start + CERTIFICATE_LIFETIME)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    leaf.configure_cert(context)
    return context


def _claim(addresses: Iterable[str]) -> list[socket.socket]:
    """Bind one free port, the same on every address."""
    while True:
        claimed: list[socket.socket] = []
        port = 0
        try:
            for address in addresses:
                claimed.append(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET))
                claimed[-1].bind((address, port))
                port = claimed[-1].getsockname()[1]
        except OSError as error:
            for taken in claimed:
                taken.close()
            if error.errno != errno.EADDRINUSE:
                raise
        else:
            return claimed


def main() -> None:
    """Serve until standard input ends or a signal says so."""
    # A signal that comes just before the wait below would not end it, but for what it leaves in this pipe.
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for ending in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, lambda *_: sys.exit(0))
    password = os.environ.get(PASSWORD_VARIABLE)
    if not password:
        sys.exit(f"{PASSWORD_VARIABLE} is not set")
    with tempfile.TemporaryDirectory(prefix="cutover-demo-") as folder:
        ca_file = Path(folder) / "ca.pem"
        tls = _certified(ca_file)
        addresses = ["127.0.0.1"]
        with suppress(OSError):
            _claim(["::1"])[0].close()
            addresses.append("::1")
        sockets = {name: _claim(addresses) for name in ("https", "http", "ssh", "closed")}
        ports = {name: claimed[0].getsockname()[1] for name, claimed in sockets.items()}
        secure = functools.partial(Handler, App(password).reply, HEADERS | HSTS | POLICY)
        # HSTS has no place on plain http (RFC 6797 section 7.2).
        plain = functools.partial(Handler, functools.partial(redirect, ports["https"]), HEADERS)
        for https, http, ssh in zip(sockets["https"], sockets["http"], sockets["ssh"], strict=True):
            Listener(https, secure, tls)
            Listener(http, plain)
            Listener(ssh, Banner)
        print(json.dumps({**ports, "addresses": addresses, "ca": str(ca_file)}), flush=True)
        waiting = [sys.stdin.fileno(), woken]
        while select.select(waiting, [], [])[0] == waiting[:1] and os.read(waiting[0], 2**16):
            pass


if __name__ == "__main__":
    main()
