"""A client's greeting of TLS 1.2, byte by byte: what a server chooses of all that clients once had.

No library of today offers RC4 or 3DES any more, and which suites a server takes does not tell which it prefers.
"""

from __future__ import annotations

import os
import socket
import struct
import time

from cutover.errors import ProbeError
from cutover.facts.tls import Negotiated
from cutover.inventory import Peer
from cutover.probes.connecting import connect, unanswered

# The best first, as a client of those days would: with one of the last, the server wanted it so.
SUITES = {
    0xC02B: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    0xC02F: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    0xC02C: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    0xC030: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    0xCCA9: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    0xCCA8: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    0x009E: "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
    0x009F: "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
    0xC023: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    0xC027: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    0xC009: "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    0xC013: "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    0xC00A: "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    0xC014: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    0x0033: "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
    0x0039: "TLS_DHE_RSA_WITH_AES_256_CBC_SHA",
    0x009C: "TLS_RSA_WITH_AES_128_GCM_SHA256",
    0x009D: "TLS_RSA_WITH_AES_256_GCM_SHA384",
    0x003C: "TLS_RSA_WITH_AES_128_CBC_SHA256",
    0x003D: "TLS_RSA_WITH_AES_256_CBC_SHA256",
    0x002F: "TLS_RSA_WITH_AES_128_CBC_SHA",
    0x0035: "TLS_RSA_WITH_AES_256_CBC_SHA",
    0xC008: "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA",
    0xC012: "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    0x0016: "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA",
    0x000A: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    0xC007: "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    0xC011: "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    0x0005: "TLS_RSA_WITH_RC4_128_SHA",
    0x0004: "TLS_RSA_WITH_RC4_128_MD5",
}
SCSV = 0x00FF  # RFC 5746: the empty renegotiation_info
VERSION_NAMES = {0x0300: "SSL 3.0", 0x0301: "TLS 1.0", 0x0302: "TLS 1.1", 0x0303: "TLS 1.2"}
TLS_1_2 = 0x0303
GROUPS = (29, 23, 24, 25)  # x25519, secp256r1, secp384r1, secp521r1
SCHEMES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0603, 0x0806, 0x0601, 0x0203, 0x0201, 0x0202)

HANDSHAKE, ALERT = 22, 21
SERVER_HELLO = 2
RECORD_BYTES = 2**14 + 2048  # RFC 5246 section 6.2.3


def choice(peer: Peer) -> Negotiated | None:
    """What the server chooses; None when it wants none of it. ProbeError when it does not speak TLS at all."""
    seconds = peer.target.limits.answer_seconds
    what = f"{peer.address} (for {peer.target.host})"
    advice = "look at nginx's error log"
    try:
        with connect(peer, peer.target.ports.https) as plain:
            plain.sendall(_greeting(peer.target.host))
            return _answer(_Reader(plain, time.monotonic() + seconds))
    except TimeoutError:
        raise ProbeError(f"{what}: no TLS handshake within {seconds:g} s", advice) from None
    except ConnectionResetError:
        return None
    except OSError as error:
        raise unanswered(peer, peer.target.ports.https, error) from None
    except ValueError:
        raise ProbeError(f"{what} does not speak TLS on port {peer.target.ports.https}", advice) from None


def _greeting(host: str) -> bytes:
    suites = b"".join(struct.pack(">H", code) for code in (*SUITES, SCSV))
    name = host.encode()
    extensions = [
        (0, struct.pack(">HBH", len(name) + 3, 0, len(name)) + name),
        (10, struct.pack(f">H{len(GROUPS)}H", 2 * len(GROUPS), *GROUPS)),
        (11, b"\x01\x00"),  # points are sent uncompressed
        (13, struct.pack(f">H{len(SCHEMES)}H", 2 * len(SCHEMES), *SCHEMES)),
    ]
    told = b"".join(struct.pack(">HH", kind, len(body)) + body for kind, body in extensions)
    hello = struct.pack(">H", TLS_1_2) + os.urandom(32) + b"\x00"
    hello += struct.pack(">H", len(suites)) + suites + b"\x01\x00" + struct.pack(">H", len(told)) + told
    message = b"\x01" + struct.pack(">I", len(hello))[1:] + hello
    return struct.pack(">BHH", HANDSHAKE, 0x0301, len(message)) + message


class _Reader:
    """Reads exactly so many bytes, all of them before the deadline."""

    def __init__(self, plain: socket.socket, deadline: float) -> None:
        self._plain, self._deadline = plain, deadline

    def take(self, count: int) -> bytes:
        """So many bytes; ConnectionResetError when it ends before, whatever way it ends."""
        read = bytearray()
        while len(read) < count:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._plain.settimeout(left)
            block = self._plain.recv(count - len(read))
            if not block:
                raise ConnectionResetError
            read += block
        return bytes(read)


def _answer(reader: _Reader) -> Negotiated | None:
    """A ServerHello is a choice, an alert none; ValueError for anything else."""
    kind, major, _, length = struct.unpack(">BBBH", reader.take(5))
    if kind not in (HANDSHAKE, ALERT) or major != 3 or not 0 < length <= RECORD_BYTES:
        raise ValueError("no record of TLS")
    if kind == ALERT:
        return None
    body = reader.take(length)
    if len(body) < 39 or body[0] != SERVER_HELLO:
        raise ValueError("no ServerHello")
    version, session_length = struct.unpack(">H32xB", body[4:39])
    code = body[39 + session_length : 41 + session_length]
    suite = SUITES.get(int.from_bytes(code)) if len(code) == 2 else None
    if suite is None or version not in VERSION_NAMES:
        raise ValueError("chose what was not offered")
    return Negotiated(VERSION_NAMES[version], suite)
