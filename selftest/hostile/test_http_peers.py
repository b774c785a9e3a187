"""Servers that mean ill, or are ill: each answer ends in a bounded fact or in a ProbeError with a cause."""

import contextlib
import socket
import threading
import time

import pytest

from cutover.errors import ProbeError, Unreachable
from cutover.inventory import Limits, Peer, Target
from cutover.inventory import Ports as PromisedPorts
from cutover.probes import dialling, ports
from cutover.probes.connecting import reach
from cutover.probes.dialling import Dialler
from selftest.pki import head_of, make, server_context, tcp
from selftest.rows import HOST

ROOT = make("Made-up root", authority=True)
GUARD_SECONDS = 30.0
BODY_BYTES = 10_000
OK = b"HTTP/1.1 200 OK\r\n"
HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
NEVER_ENDED = "gave no HTTP answer (the head of the answer never ended)"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LONGER_SECONDS = 2.5  # than the limits below, so that what breaks them is told from what keeps them by its cause
LIMITS = Limits(connect_seconds=1.0, answer_seconds=1.0)


def slowly(client, octets):
    for octet in octets:
        client.sendall(bytes([octet]))
        time.sleep(0.15)


def endlessly(client, block):
    while True:
        client.sendall(block)


def after(head, send=None):
    """A server that reads a request, sends ``head``, and goes on with ``send``."""

    def serve(client):
        head_of(client)
        client.sendall(head)
        if send:
            send(client)

    return serve


def peer(port, limits=LIMITS, **more):
    return Peer(Target(host=HOST, limits=limits, ports=PromisedPorts(http=port, https=port), **more), "127.0.0.1")


def ask(serve, scheme="http", **more):
    begun = time.monotonic()
    with tcp(serve) as port, Dialler(peer(port, **more)) as dialler:
        try:
            return dialler.ask("/", scheme=scheme).exchange
        finally:
            assert time.monotonic() - begun < GUARD_SECONDS


@pytest.mark.parametrize(
    ("serve", "cause"),
    [
        (after(OK, lambda client: endlessly(client, b"X-More: 1\r\n")), "gave no HTTP answer"),
        (after(OK + b"X-Long: ", lambda client: endlessly(client, b"a " * 999)), "gave no HTTP answer"),
        (after(b"HTTP/1.1 ", lambda client: endlessly(client, b"2" * 999)), "gave no HTTP answer"),
        (after(b"", lambda client: slowly(client, OK + b"X-Slow: 1\r\n" * 99)), "did not finish its answer within 1 s"),
        (after(b"", lambda client: time.sleep(20)), "did not finish its answer within 1 s"),
        (
            after(b"", lambda client: endlessly(client, b"HTTP/1.1 100 Continue\r\n\r\n")),
            "more than 10 interim answers",
        ),
        (
            after(b"", lambda client: endlessly(client, b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")),
            "more than 10 interim answers",
        ),
        (after(HINTS), "gave no HTTP answer"),
        (after(OK), NEVER_ENDED),
        (after(OK + b"Content-Length: 2\r\n"), NEVER_ENDED),
        (after(OK + b"Content-Length: 2\r\nX-Half: "), NEVER_ENDED),
        (after(HINTS + OK + b"Content-Length: 2\r\n"), NEVER_ENDED),
        (after(OK, lambda client: slowly(client, b"X: 1\r\n" * 99)), "within 1 s: its head never ended"),
        (after(OK + b"X: 1\r\n", lambda client: time.sleep(20)), "within 1 s: its head never ended"),
        (after(b""), "gave no HTTP answer"),
        (after(b"\r\n\r\n"), "gave no HTTP answer"),
        (after(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), "gave no HTTP answer"),
        (after(b"\x16\x03\x03\x00\x02\x02\x28\r\n"), "gave no HTTP answer"),
        (after(b"\x00\xff" * 500), "gave no HTTP answer"),
        (after(OK[:9]), NEVER_ENDED),
        (after(OK + b"Content-Length: 5, 6\r\n\r\n12345"), "gave no HTTP answer"),
    ],
    ids=[
        "endless-headers",
        "endless-header",
        "endless-status",
        "slow-header",
        "silent",
        "continue-for-ever",
        "hints-for-ever",
        "hints-alone",
        "status-alone",
        "ends-in-head",
        "ends-in-field",
        "ends-in-second-head",
        "drips-in-head",
        "waits-in-head",
        "empty",
        "blank",
        "ssh",
        "tls-alert",
        "garbage",
        "half-a-status",
        "two-lengths",
    ],
)
def test_no_whole_head_is_a_probe_error(serve, cause):
    with pytest.raises(ProbeError) as caught:
        ask(serve)
    assert cause in caught.value.cause
    assert caught.value.cause.startswith(f"127.0.0.1: GET http://{HOST}:")


def test_a_cause_is_one_line():
    with pytest.raises(ProbeError) as caught:
        ask(after(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"))
    assert "\n" not in caught.value.cause


@pytest.mark.parametrize(
    ("serve", "length"),
    [
        (after(OK + b"Content-Length: 9\r\n\r\n12345"), 5),
        (after(OK + b"Content-Length: 9\r\n\r\n"), 0),
        (after(CHUNKED + b"5\r\n12345\r\n"), 5),
        (after(CHUNKED + b"zz\r\n"), 0),
        pytest.param(
            after(CHUNKED + b"-5\r\n12345\r\n0\r\n\r\n"),
            0,
        ),
        (after(OK + b"\r\n", lambda client: endlessly(client, b"x " * 999)), BODY_BYTES),
        (after(OK + b"Content-Length: 99999999\r\n\r\n", lambda client: endlessly(client, b"x " * 999)), BODY_BYTES),
        (after(CHUNKED, lambda client: endlessly(client, b"4\r\nx x \r\n")), BODY_BYTES),
    ],
    ids=["cut", "nothing", "cut-chunks", "no-chunk", "negative-chunk", "endless", "too-long", "endless-chunks"],
)
def test_a_body_that_is_not_whole_is_told_as_such(serve, length, monkeypatch):
    monkeypatch.setattr(dialling, "BODY_BYTES", BODY_BYTES)
    exchange = ask(serve)
    assert (exchange.status, exchange.complete, exchange.length) == (200, False, length)


@pytest.mark.parametrize(
    "serve",
    [
        after(OK + b"Content-Length: 20\r\n\r\n", lambda client: slowly(client, b"x" * 20)),
        pytest.param(
            after(OK + b"\r\n", lambda client: slowly(client, b"x" * 20)),
        ),
        pytest.param(
            after(OK + b"Connection: close\r\nContent-Length: 20\r\n\r\n", lambda client: slowly(client, b"x" * 20)),
        ),
        after(CHUNKED, lambda client: slowly(client, b"1\r\nx\r\n" * 20)),
        after(CHUNKED + b"0\r\n", lambda client: slowly(client, b"X: 1\r\n" * 20)),
    ],
    ids=["length", "to-the-end", "closing", "chunks", "trailers"],
)
def test_a_body_that_drips_ends_with_the_limit(serve):
    exchange = ask(serve)
    assert (exchange.status, exchange.complete) == (200, False)
    assert exchange.length < 16


def test_the_endless_body_of_a_redirect_is_bounded(monkeypatch):
    monkeypatch.setattr(dialling, "BODY_BYTES", BODY_BYTES)
    head = b"HTTP/1.1 301 Moved Permanently\r\nLocation: /elsewhere\r\n\r\n"

    def send(client):
        for _ in range(50):
            client.sendall(b"x " * 500)
            time.sleep(0.01)

    assert ask(after(head, send)).length == BODY_BYTES


def test_a_very_long_word_costs_no_time():
    assert ask(after(OK + b"X-Long: " + b"x" * 60_000 + b"\r\nContent-Length: 0\r\n\r\n")).status == 200


def test_a_body_that_is_no_text_is_kept_as_far_as_it_is():
    exchange = ask(after(OK + b"Content-Length: 8\r\n\r\na\xff\xfe\x00\xc3\xa9\xe6\x9f"))
    assert (exchange.body, exchange.length, exchange.complete) == ("a\ufffd\ufffd\\x00é\ufffd", 8, True)


def test_a_compressed_body_is_not_blown_up():
    exchange = ask(after(OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"))
    assert (exchange.length, exchange.complete) == (4, True)


def test_plain_http_on_the_port_of_tls_is_a_probe_error():
    with pytest.raises(ProbeError, match=r"TLS failed: .*; nothing was sent"):
        ask(lambda client: (client.recv(4096), client.sendall(OK + b"Content-Length: 0\r\n\r\n")), scheme="https")


@pytest.mark.parametrize("limits", [LIMITS, Limits(connect_seconds=1.0, answer_seconds=20.0)], ids=["both", "connect"])
def test_a_handshake_that_never_comes_ends_with_the_limit(limits):
    with pytest.raises(ProbeError) as caught:
        ask(lambda client: (client.recv(4096), time.sleep(LONGER_SECONDS)), scheme="https", limits=limits)
    assert "within 1 s" in caught.value.cause


def test_tls_that_breaks_after_the_request_is_not_told_as_nothing_sent(tmp_path):
    (tmp_path / "root.pem").write_bytes(ROOT.pem)
    context = server_context(tmp_path, [make(HOST, ROOT, names=[HOST])])

    def serve(client):
        with context.wrap_socket(client, server_side=True) as tls:
            head_of(tls)
            socket.socket.sendall(tls, b"HTTP/1.1 200 OK\r\n\r\n")  # past the encryption

    with pytest.raises(ProbeError) as caught:
        ask(serve, scheme="https", ca=tmp_path / "root.pem")
    assert "nothing was sent" not in caught.value.cause


@pytest.mark.parametrize(
    "look",
    [
        lambda peer, port: reach(peer, port),
        pytest.param(
            lambda peer, _: Dialler(peer).ask("/", scheme="http"),
        ),
        pytest.param(
            lambda peer, _: Dialler(peer).ask("/"),
        ),
    ],
    ids=["reach", "http", "https"],
)
def test_a_refused_port_is_a_probe_error_with_advice(look):
    with tcp(lambda client: None) as port:
        pass
    with pytest.raises(ProbeError) as caught:
        look(peer(port), port)
    assert caught.value.cause == f"127.0.0.1 (for {HOST}) refuses connections on port {port}"
    assert "systemctl status nginx" in caught.value.advice


@pytest.fixture
def deaf_port():
    """A port whose queue of connections is full, until the listener goes away."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as waiting:
        port = listener.getsockname()[1]
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        closing = threading.Timer(LONGER_SECONDS, listener.close)
        closing.start()
        yield port, closing
        closing.join()


def test_a_port_that_does_not_answer_is_unreachable(deaf_port):
    port, closing = deaf_port
    with pytest.raises(Unreachable, match=f"did not answer on port {port} within 1 s"):
        reach(peer(port), port)
    assert closing.is_alive()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_port_that_does_not_answer_a_request_is_unreachable(deaf_port, scheme):
    port, closing = deaf_port
    with pytest.raises(Unreachable, match=f"did not answer on port {port} within 1 s"):
        Dialler(peer(port)).ask("/", scheme=scheme)
    assert closing.is_alive()


def test_a_peer_without_address_is_unreachable_for_its_own_reason():
    nowhere = Peer(Target(host=HOST), "", "the name does not exist in DNS")
    with pytest.raises(Unreachable, match=f"{HOST}: the name does not exist in DNS"):
        reach(nowhere, 443)


@pytest.mark.parametrize("look", [lambda peer: reach(peer, 443), ports.probe], ids=["reach", "ports"])
def test_a_machine_without_a_route_is_not_the_host_s_defect(look):
    # There is no link to it by way of loopback, on any machine.
    with pytest.raises(Unreachable) as caught:
        look(Peer(Target(host=HOST), "fe80::1%lo"))
    assert caught.value.cause == f"this machine has no route to the IPv6 address fe80::1%lo (for {HOST})"
    assert "--address" in caught.value.advice


def test_ports_without_an_address_are_not_asked_of_this_machine():
    with pytest.raises(Unreachable, match=f"{HOST}: no such name"):
        ports.probe(Peer(Target(host=HOST), "", "no such name"))
