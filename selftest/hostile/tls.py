"""TCP and TLS: ports that take no connection, handshakes that do not end, certificates that mean ill."""

import contextlib
import socket
import ssl
import struct
import time

from selftest.hostile.http import whole
from selftest.hostile.table import ENTRY, ESCAPES, MARKUP, Table
from selftest.pki import head_of, make, server_context
from selftest.rows import HOST

TLS = Table()
ROOT = make("Hostile root", authority=True, begin=-900, end=900)
TRUST = "chain_leads_to_a_trusted_root"
NAME = "certificate_is_for_this_name"


def presenting(folder, chain):
    """What serves one page under this chain of certificates."""
    context = server_context(folder, chain)

    def serve(client):
        with contextlib.suppress(OSError, ssl.SSLError), context.wrap_socket(client, server_side=True) as secure:
            head_of(secure)
            secure.sendall(whole(b"ok"))

    return serve


@TLS.case("error", "no TLS handshake")
def speaks_http(client):
    """Speaks plain HTTP on the port of TLS."""
    client.recv(4096)
    client.sendall(f"HTTP/1.1 400 {MARKUP}{ESCAPES}\r\n\r\n".encode())


@TLS.case("error", "no TLS handshake")
def tls_hangs_up(client):
    """Takes the greeting and closes the connection."""
    client.recv(4096)


@TLS.case("error", "no TLS handshake")
def resets(client):
    """Takes the greeting and resets the connection."""
    client.recv(4096)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@TLS.case("error", "did not answer")
def tls_silent(client):
    """Takes the greeting and says nothing."""
    client.recv(4096)
    time.sleep(20)


@TLS.case("error", "did not answer")
def dripping_handshake(client):
    """Sends a record a byte at a time."""
    client.recv(4096)
    for byte in b"\x16\x03\x03\x40\x00" + bytes(1000):
        client.sendall(bytes([byte]))
        time.sleep(0.2)


@TLS.case("error", "127.0.0.1 (for api.example.com)")
def endless_records(client):
    """Sends record after record of a handshake that is none."""
    client.recv(4096)
    for _ in range(2**12):
        client.sendall(b"\x16\x03\x03\x40\x00" + bytes(2**14))


@TLS.case("error", "does not speak TLS")
def record_too_long(client):
    """Announces a record of 64 KB."""
    client.recv(4096)
    client.sendall(b"\x16\x03\x03\xff\xff" + bytes(70_000))


@TLS.case("error", "no TLS handshake")
def alert(client):
    """Refuses each handshake with an alert."""
    client.recv(4096)
    client.sendall(b"\x15\x03\x03\x00\x02\x02\x28")


@TLS.case("error", "does not speak TLS")
def chooses_the_future(client):
    """Chooses a version and a suite that nobody offered."""
    client.recv(4096)
    body = struct.pack(">H", 0x0399) + bytes(32) + b"\x00" + struct.pack(">HB", 0xFFFF, 0)
    client.sendall(struct.pack(">BHH", 22, 0x0303, len(body) + 4) + b"\x02" + struct.pack(">I", len(body))[1:] + body)


def chains():
    """The cases that differ by their certificates alone: name → chain."""
    shown = f"{MARKUP} {ESCAPES} password={ENTRY}"[:64]
    long = [make(f"Link {number}", ROOT, authority=True) for number in range(30)]
    return {
        "markup-in-subject": [make(shown, ROOT, names=[HOST])],
        "secrets-in-subject": [make(f"DB_PASSWORD={ENTRY}", ROOT, names=[f"password={ENTRY}.example.com"])],
        "escapes-in-names": [make(HOST, ROOT, names=["\x1b[31m.example.com", f"{MARKUP}.example.com"])],
        "issuer-with-escapes": [make(HOST, make(shown, None, authority=True), names=[HOST])],
        "a-thousand-names": [make(HOST, ROOT, names=[f"n{number}.example.org" for number in range(1000)])],
        "thirty-links": [make(HOST, ROOT, names=[HOST]), *long],
        "chain-in-a-circle": [make(HOST, ROOT, names=[HOST]), *([ROOT] * 12)],
        "place-of-issuer-with-secrets": [make(HOST, long[0], names=[HOST], at=f"http://u:{ENTRY}@ca.example.com/")],
    }


OF_CHAINS = {
    "markup-in-subject": ("passed", "", NAME),
    "secrets-in-subject": ("failed", "[redacted]", NAME),
    "escapes-in-names": ("failed", "\\x1b", NAME),
    "issuer-with-escapes": ("failed", "", TRUST),
    "a-thousand-names": ("failed", "n7.example.org", NAME),
    "thirty-links": ("failed", "Link 7", "chain_is_in_order"),
    "chain-in-a-circle": ("passed", "Hostile root", "chain_is_in_order"),
    "place-of-issuer-with-secrets": ("failed", "incomplete chain", TRUST),
}
