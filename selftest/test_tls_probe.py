"""The TLS probe against servers on loopback: honest ones, and ones that send anything but TLS."""

import os
import ssl
import struct
import sys
import threading
import time

import pytest

from cutover.errors import ProbeError, Unreachable
from cutover.facts.certificate import Key
from cutover.facts.grade import rate
from cutover.facts.tls import Negotiated
from cutover.inventory import Limits, Peer, Target
from cutover.inventory import Ports as PromisedPorts
from cutover.probes import hello, sslyze, tls
from selftest.pki import head_of, make, server_context, tcp
from selftest.rows import HOST

ROOT = make("Made-up root", authority=True, begin=-900, end=900)
GUARD_SECONDS = 30.0


def peer(port, **limits):
    target = Target(host=HOST, ports=PromisedPorts(https=port), limits=Limits(**limits))
    return Peer(target, "127.0.0.1")


def ready():
    """Nothing is waited for."""


def serving(folder, ciphers="", first=ssl.TLSVersion.TLSv1_2, last=ssl.TLSVersion.TLSv1_3, rsa_bits=0):
    """A server of this TLS that answers one request."""
    context = server_context(folder, [make(HOST, ROOT, names=[HOST], rsa_bits=rsa_bits)])
    context.minimum_version, context.maximum_version = first, last
    context.set_alpn_protocols(["h2"])
    if ciphers:
        context.set_ciphers(ciphers)

    def serve(client):
        with context.wrap_socket(client, server_side=True) as secure:
            head_of(secure)

    return tcp(serve)


def test_a_real_scan(tmp_path):
    with serving(tmp_path, "ECDHE+AESGCM:ECDHE+CHACHA20") as port:
        seen = tls.probe(peer(port), ready)
    assert seen.offered == ("TLS 1.2", "TLS 1.3")
    assert {suite.name for suite in seen.suites("TLS 1.3")} == {
        "TLS_AES_128_GCM_SHA256",
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
    }
    assert all(suite.ephemeral and suite.authenticated for suite in seen.suites())
    assert seen.scan.keys == (Key("EC", 256),)
    assert seen.modern is not None
    assert (seen.modern.version, seen.modern.protocol) == ("TLSv1.3", "h2")
    # OpenSSL's order, which this server insists on.
    assert seen.generic == Negotiated("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")
    grade = rate(seen, None, ("max-age=31536000",))
    assert (grade.told, grade.unknown) == ("A+", ("the certificate",))


def test_nothing_of_the_environment_counts(tmp_path, monkeypatch):
    fake = tmp_path / "sslyze"
    fake.mkdir()
    (fake / "__main__.py").write_text("print('not me')")
    (fake / "__init__.py").touch()
    (tmp_path / "openssl.cnf").write_text("openssl_conf = no such section\n[")
    monkeypatch.chdir(tmp_path)
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("OPENSSL_CONF", str(tmp_path / "openssl.cnf"))
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    with serving(tmp_path) as port:
        assert sslyze.scan(peer(port), ready)[1].suites["TLS 1.3"]


@pytest.mark.parametrize(
    ("how", "chosen"),
    [
        ({"ciphers": "ECDHE+AES256"}, ("TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")),
        ({"ciphers": "AES128-SHA", "rsa_bits": 2048}, ("TLS 1.2", "TLS_RSA_WITH_AES_128_CBC_SHA")),
        ({"first": ssl.TLSVersion.TLSv1_3}, None),
    ],
    ids=["ecdsa", "rsa", "tls-1.3-only"],
)
def test_what_a_client_of_yesterday_gets(tmp_path, how, chosen):
    with serving(tmp_path, **how) as port:
        assert hello.choice(peer(port)) == (chosen and Negotiated(*chosen))


def server_hello(suite, version=0x0303):
    body = struct.pack(">H", version) + bytes(32) + b"\x20" + bytes(32) + struct.pack(">HB", suite, 0)
    return struct.pack(">BHH", 22, 0x0303, len(body) + 4) + b"\x02" + struct.pack(">I", len(body))[1:] + body


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        (server_hello(0x0005), Negotiated("TLS 1.2", "TLS_RSA_WITH_RC4_128_SHA")),
        (server_hello(0x000A, 0x0301), Negotiated("TLS 1.0", "TLS_RSA_WITH_3DES_EDE_CBC_SHA")),
        (server_hello(0x0035, 0x0300), Negotiated("SSL 3.0", "TLS_RSA_WITH_AES_256_CBC_SHA")),
        (b"\x15\x03\x03\x00\x02\x02\x28", None),
        (b"", None),
        (b"\x16\x03\x03", None),
    ],
    ids=["rc4", "3des-in-tls-1.0", "ssl-3.0", "alert", "hangs-up", "hangs-up-within-a-record"],
)
def test_a_choice_is_read(answer, chosen):
    with tcp(lambda client: (client.recv(4096), client.sendall(answer))) as port:
        assert hello.choice(peer(port)) == chosen


def trickle(client):
    client.recv(4096)
    for byte in server_hello(0x0005):
        client.sendall(bytes([byte]))
        time.sleep(0.2)


def sends(answer):
    return lambda client: (client.recv(4096), client.sendall(answer))


@pytest.mark.parametrize(
    ("serve", "cause"),
    [
        (sends(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "does not speak TLS on port"),
        (sends(b"SSH-2.0-OpenSSH_9.2\r\n"), "does not speak TLS on port"),
        (sends(bytes(2000)), "does not speak TLS on port"),
        (sends(b"\x16\x03\x03\xff\xff" + bytes(70_000)), "does not speak TLS on port"),
        (sends(b"\x16\x03\x03\x00\x02\x02\x00"), "does not speak TLS on port"),
        (sends(server_hello(0x1301)), "does not speak TLS on port"),
        (sends(server_hello(0x0005, 0x0304)), "does not speak TLS on port"),
        (lambda client: (client.recv(4096), time.sleep(20)), "no TLS handshake within 1 s"),
        (trickle, "no TLS handshake within 1 s"),
    ],
    ids=["http", "ssh", "zeros", "long-record", "short-hello", "not-offered", "tls-1.3-in-1.2", "silent", "trickle"],
)
def test_a_peer_without_tls_is_told_before_any_scan(serve, cause, monkeypatch):
    monkeypatch.setattr(sslyze, "read", None)
    with tcp(serve) as port:
        begun = time.monotonic()
        with pytest.raises(ProbeError, match=cause):
            tls.probe(peer(port, connect_seconds=1.0, answer_seconds=1.0), ready)
        assert time.monotonic() - begun < GUARD_SECONDS


def test_a_refused_port_and_a_peer_without_an_address():
    with tcp(lambda client: None) as port:
        pass
    with pytest.raises(ProbeError, match=f"refuses connections on port {port}"):
        tls.probe(peer(port), ready)
    with pytest.raises(Unreachable):
        tls.probe(Peer(Target(host=HOST), "", "no record"), ready)


def flood(client):
    client.recv(4096)
    record = b"\x16\x03\x03\x40\x00" + bytes(2**14)
    for _ in range(2**12):
        client.sendall(record)


@pytest.mark.parametrize(
    "serve",
    [flood, sends(server_hello(0x0005)), sends(b"\x15\x03\x03\x00\x02\x02\x28"), lambda client: None],
    ids=["flood", "hello-and-no-more", "alert", "hangs-up"],
)
def test_sslyze_itself_finds_nothing_to_scan(serve):
    with tcp(serve) as port, pytest.raises(ProbeError, match=r"127\.0\.0\.1: sslyze could not connect: "):
        sslyze.scan(peer(port), ready)


@pytest.mark.parametrize("others", [0, os.cpu_count() or 1], ids=["at-once", "all-are-busy"])
def test_nothing_is_touched_before_its_turn(tmp_path, others, monkeypatch):
    """Neither by a program that started early, nor ever when its turn did not come."""
    monkeypatch.setattr(sslyze, "_AT_ONCE", threading.BoundedSemaphore(os.cpu_count() or 1))
    touched = threading.Event()
    with tcp(lambda client: touched.set()) as port:

        def refuses():
            for _ in range(others):
                sslyze._AT_ONCE.release()
            # Longer than the program takes to start, on a fast machine at least.
            assert not touched.wait(1.0)
            raise ProbeError("not today")

        for _ in range(others):
            sslyze._AT_ONCE.acquire()
        with pytest.raises(ProbeError, match="not today"):
            sslyze.scan(peer(port), refuses)
        assert not touched.is_set()
    with serving(tmp_path) as port:
        begun, scan = sslyze.scan(peer(port), lambda: "begun")
    assert begun == "begun"
    assert scan.suites["TLS 1.3"]


def program(tmp_path, body):
    file = tmp_path / "python"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return str(file)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        ("echo 'No module named sslyze' >&2; exit 1", "sslyze ended with status 1: No module named sslyze"),
        ("kill -9 $$", "sslyze ended with status -9"),
        ("echo '{}'", "sslyze answered in an unknown form"),
        ("exit 0", "sslyze answered in an unknown form"),
        ("cat /dev/zero", "sslyze printed more than 8388608 bytes"),
        ("exec sleep 600", "sslyze did not end within 1 s"),
    ],
    ids=["missing", "killed", "nothing-told", "nothing-printed", "floods", "hangs"],
)
def test_an_sslyze_that_does_not_do_its_work(tmp_path, monkeypatch, body, cause):
    monkeypatch.setattr(sys, "executable", program(tmp_path, body))
    monkeypatch.setattr(sslyze, "SCAN_SECONDS", 1.0 if "sleep" in body else GUARD_SECONDS)
    with pytest.raises(ProbeError) as caught:
        sslyze.scan(peer(443), ready)
    assert cause in caught.value.cause


def test_the_address_is_pinned_and_the_name_is_the_hosts(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", program(tmp_path, 'for word; do :; done; cat "${word#*=}" >&2; exit 3'))
    for address, told in (("192.0.2.1", "{192.0.2.1}"), ("2001:db8::1", "{[2001:db8::1]}")):
        with pytest.raises(ProbeError) as caught:
            sslyze.scan(Peer(Target(host=HOST), address), ready)
        assert f"{HOST}:443{told}" in caught.value.cause
