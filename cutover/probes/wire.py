"""One connection at a time, byte by byte: where an answer's head ends, what stood in it, what came after its body.

Python's own client takes a head that was cut off for a whole one, an interim answer (1xx) for the final one,
and what is left over for the answer to the next request.
"""

from __future__ import annotations

import contextlib
import io
import socket
import time
from http.client import HTTPException, HTTPResponse
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection

from cutover.facts.http import Phases

INTERIM = 10  # answers that are none yet, before the final one


class Unended(HTTPException):
    """The connection ended within a line."""


class Wire:
    """What is known of the connection in use, and of the last answer on it.

    ``keep`` tells whether the next request may use the same connection: an answer that comes late is then the
    next one's. ``surplus`` tells of bytes after the end of the answer, of which nobody knows what they answer.
    """

    def __init__(self, keep: bool) -> None:
        self.keep = keep
        self.socket: socket.socket | None = None
        self.in_head = False
        self.lines: list[bytes] = []
        self.surplus = False
        self._connect = self._tls = self._answered = 0.0

    def connections(self, kind: type[HTTPConnection | HTTPSConnection]) -> Any:  # noqa: ANN401 - urllib3 wants a class
        """A connection class whose instances tell this object what comes."""
        wire = self

        class Told(kind):  # type: ignore[misc, valid-type]
            @staticmethod
            def response_class(sock: socket.socket, *args: Any, **kwargs: Any) -> _Response:  # noqa: ANN401
                return _Response(wire, sock, *args, **kwargs)

            def _new_conn(self) -> socket.socket:
                begun = time.monotonic()
                plain: socket.socket = super()._new_conn()
                wire._connect = time.monotonic() - begun
                return plain

            def connect(self) -> None:
                wire.socket = None
                begun = time.monotonic()
                super().connect()
                wire._tls = time.monotonic() - begun - wire._connect if kind is HTTPSConnection else 0.0
                wire.socket = self.sock  # which outlives the connection while its answer is read

        return Told

    def begin(self) -> float:
        """Begin to time a request; return when, by the monotonic clock."""
        self._connect = self._tls = 0.0
        self._answered = begun = time.monotonic()
        return begun

    def phases(self, begun: float, ended: float) -> Phases:
        """Where the time of the request went that began and ended then."""
        connected = begun + self._connect + self._tls
        return Phases(self._connect, self._tls, max(0.0, self._answered - connected), ended - self._answered)

    def cut(self) -> None:
        """End the connection at once, from any thread: whoever reads from it finds its end."""
        if self.socket:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def headers(self) -> list[tuple[str, str]]:
        """The last answer's fields as they were sent, in order; a line that is no field has an empty value."""
        fields: list[tuple[str, str]] = []
        for line in self.lines[1:-1]:
            text = line.decode("latin-1").rstrip("\r\n")
            if text.startswith((" ", "\t")) and fields:
                # The one before goes on (RFC 9112 section 5.2).
                name, value = fields.pop()
                fields.append((name, value + " " + text.strip(" \t")))
            else:
                name, _, value = text.partition(":")
                fields.append((name, value.strip(" \t")))
        return fields


class _Response(HTTPResponse):
    """An answer that passes over the interim ones before it, and keeps its connection only where that is wanted."""

    def __init__(self, wire: Wire, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(sock, *args, **kwargs)
        self._wire = wire
        self.fp = _Reader(wire, sock, self.fp.detach())

    def begin(self) -> None:
        """Read heads up to the final one."""
        self._wire.in_head = True
        super().begin()
        while 100 <= self.status < 200 and self.status != 101:
            self.headers = self.msg = None  # type: ignore[assignment] # as before the first
            super().begin()
        self._wire.in_head = False
        self.will_close = self.will_close or not self._wire.keep


class _Reader(io.BufferedReader):
    """Reads a connection for one answer: tells the lines of its head, and at its end what is left over."""

    def __init__(self, wire: Wire, sock: socket.socket, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self._wire, self._socket = wire, sock
        self._heads = 0
        wire.lines, wire.surplus = [], False

    def readline(self, size: int | None = -1) -> bytes:
        """A line; Unended when the connection ended within it, but for the first of a head: that is no answer."""
        line = super().readline(size)
        lines = self._wire.lines
        if self._wire.in_head:
            if not lines or lines[-1] in (b"\r\n", b"\n"):
                self._heads += 1
                if self._heads > INTERIM + 1:
                    raise HTTPException(f"more than {INTERIM} interim answers")
                lines.clear()
                self._wire._answered = time.monotonic()
            if line:
                lines.append(line)
        if not line.endswith(b"\n") and len(line) != size and (lines or not self._wire.in_head):
            raise Unended("the head of the answer never ended" if self._wire.in_head else "it ended within a line")
        return line

    def close(self) -> None:
        """End the answer; its connection too when something nobody asked for is left over."""
        if not self.closed and self._left_over():
            self._wire.surplus = True
            self._wire.cut()
        super().close()

    def _left_over(self) -> bool:
        """Whether more has come already."""
        before = self._socket.gettimeout()
        try:
            self._socket.settimeout(0)
            return bool(self.peek(1))
        except (OSError, ValueError):  # nothing yet, or no connection any more
            return False
        finally:
            with contextlib.suppress(OSError):
                self._socket.settimeout(before)
