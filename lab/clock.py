"""The lab's time server: SNTP (RFC 4330) with the machine's own clock, as nobody in the lab reaches the internet."""

from __future__ import annotations

import socket
import struct
import sys
import time
from pathlib import Path

from lab.machine import Daemon, wait_for
from lab.network import TIME, inside

_DAEMON = Daemon("clock")
_PORT = 123
_SINCE_1900 = 2_208_988_800  # seconds from the epoch of NTP to Unix's
_CLIENT, _SERVER = 3, 4


def start() -> None:
    """Tell the time to whoever asks."""
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r}); from lab.clock import serve; serve()"
    _DAEMON.start([*inside(TIME.namespace), sys.executable, "-c", code])
    wait_for("the time server", _answers, 10)


def stop() -> None:
    _DAEMON.stop()


def is_up() -> bool:
    return _DAEMON.pid is not None


def serve() -> None:
    """Answer each request; whatever is none is left alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((TIME.ipv4, _PORT))
        while True:
            request, client = server.recvfrom(512)
            received = _now()
            if len(request) >= 48 and request[0] & 7 == _CLIENT:
                server.sendto(answer(request, received), client)


def answer(request: bytes, received: int) -> bytes:
    """Version and origin are the request's; stratum 1, a microsecond precise, by a clock of its own."""
    first = request[0] & 0b111000 | _SERVER
    head = struct.pack("!BBbbII4s", first, 1, request[2], -20, 0, 0, b"LOCL")
    return head + struct.pack("!Q", received) + request[40:48] + struct.pack("!QQ", received, _now())


def _now() -> int:
    """The machine's time as NTP's fixed-point number."""
    seconds, rest = divmod(time.time_ns(), 10**9)
    return (seconds + _SINCE_1900 << 32) + (rest << 32) // 10**9


def _answers() -> bool:
    _DAEMON.require()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1)
        client.sendto(bytes([0b100_011]) + bytes(47), (TIME.ipv4, _PORT))
        try:
            return len(client.recv(512)) == 48
        except OSError:
            return False
