"""The load probe against small TLS servers that are known to be healthy, or known to be broken in one way."""

import json
import os
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

import pytest
import trustme
from pydantic import TypeAdapter

from cutover.errors import ProbeError, Unreachable
from cutover.facts.load import Load, Sample
from cutover.inventory import Peer, Target
from cutover.probes import load, locust, process

NAME = "load.example.test"
PATIENCE = 60.0  # seconds: a hang guard, for a machine that is busy with other things
READ_BYTES = 1024 * 1024


class Server(socketserver.ThreadingTCPServer):
    """Answers request n (from 0) with the bytes ``answer(n)``, or with nothing for as long as the client waits."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, certificate, answer, keep=False):
        super().__init__(("127.0.0.1", 0), Connection)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self.context)
        self.context.sni_callback = lambda _tls, name, _context: self.names.append(name)
        self.answer, self.turn, self.keep = answer, count(), keep
        self.connections, self.names, self.asked = [], [], []
        self.left_waiting, self.hung_up = threading.Event(), threading.Event()


class Connection(socketserver.BaseRequestHandler):
    def handle(self):
        server = self.server
        server.connections.append(self.client_address)
        try:
            with server.context.wrap_socket(self.request, server_side=True) as tls:
                while request := read_head(tls):
                    server.asked.append(request)
                    answer = server.answer(next(server.turn))
                    if answer is None:
                        server.left_waiting.set()
                        continue
                    tls.sendall(answer)
                    if not server.keep or not answer:
                        return
        except OSError:
            pass  # the facts of the client tell
        if server.left_waiting.is_set():
            server.hung_up.set()


def read_head(tls):
    head = b""
    while b"\r\n\r\n" not in head:
        block = tls.recv(4096)
        if not block:
            return ""
        head += block
    return head.decode()


@contextmanager
def serving(certificate, answer, keep=False):
    with Server(certificate, answer, keep) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def target_row(sock, ca, **limits):
    limits = {"connect_seconds": PATIENCE, "answer_seconds": PATIENCE, **limits}
    return {"host": NAME, "ca": str(ca), "ports": {"https": sock.getsockname()[1]}, "limits": limits}


def peer_of(*args, **limits):
    return Peer(Target.model_validate_json(json.dumps(target_row(*args, **limits))), "127.0.0.1")


def reply(status, body=b"x" * 1234, length=None):
    head = f"HTTP/1.1 {status} So\r\nContent-Length: {len(body) if length is None else length}\r\n\r\n"
    return head.encode() + body


def chunked(body, end):
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n%b" % (len(body), body, end)


def own(authority):
    return authority.issue_cert(NAME)


# What a server answers to request n, its certificate, and the failures of 100 requests by class.
SERVERS = {
    "healthy": (lambda n: reply(200), own, {}),
    "all 503": (lambda n: reply(503), own, {"5xx": 100}),
    "one in fifty fails": (lambda n: reply(500 if n % 50 == 7 else 200), own, {"5xx": 2}),
    "429 after thirty": (lambda n: reply(200 if n < 30 else 429), own, {"429": 70}),
    "another's name": (lambda n: reply(200), lambda ca: ca.issue_cert("other.example.test"), {"tls": 100}),
    "unknown authority": (lambda n: reply(200), lambda _: own(trustme.CA()), {"tls": 100}),
}


@pytest.fixture(scope="module")
def runs(authority, ca, tmp_path_factory):
    """Each known server and the facts of it, taken in surroundings full of things that must not matter."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("locust.conf", ".locust.conf"):
        (elsewhere / name).write_text("host = https://127.0.0.1:1\n")
    (elsewhere / "pyproject.toml").write_text('[tool.locust]\nhost = "https://127.0.0.1:1"\n')
    (elsewhere / "json.py").write_text("raise SystemExit('a module of the current folder was imported')\n")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.chdir(elsewhere)
        patch.setenv("HOME", str(elsewhere))
        patch.setattr("tempfile.tempdir", str(elsewhere))
        for name in ("LOCUST_HOST", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            patch.setenv(name, "https://127.0.0.1:1")
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            patch.setenv(name, os.devnull)
        patch.setenv("LOCUST_PROCESSES", "2")
        up = (serving(certificate(authority), answer) for answer, certificate, _ in SERVERS.values())
        servers = [stack.enter_context(server) for server in up]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            facts = list(pool.map(load.measure, [peer_of(server.socket, ca) for server in servers]))
    assert not list(elsewhere.glob("cutover-load-*"))
    assert not {"locust", "gevent"} & set(sys.modules)
    return dict(zip(SERVERS, zip(servers, facts, strict=True), strict=True))


@pytest.mark.parametrize("name", SERVERS)
def test_known_server(runs, name):
    server, facts = runs[name]
    failures = SERVERS[name][2]
    assert facts.failures == failures
    assert len(facts.samples) == len(server.connections) == facts.requests == 100
    assert len(server.asked) == (0 if "tls" in failures else 100)
    assert set(facts.causes) == set(failures)
    for failure, many in failures.items():
        assert f"\n{many} {failure}, the first: {facts.causes[failure]}" in facts.evidence[0].answer


def test_healthy_server_sees_a_stranger_who_uses_the_public_name(runs):
    server, facts = runs["healthy"]
    port = server.server_address[1]
    assert {(sample.status, sample.length) for sample in facts.samples} == {(200, 1234)}
    assert set(server.names) == {NAME}
    assert {line for request in server.asked for line in request.splitlines()} == {
        "GET / HTTP/1.1",
        f"Host: {NAME}:{port}",
        "User-Agent: cutover (locust)",
        "Accept-Encoding: identity",
        "Connection: close",
        "",
    }
    assert facts.url == f"https://{NAME}:{port}/"
    assert 1 < facts.in_flight <= facts.concurrency == 10


def test_causes_of_a_refused_certificate(runs):
    assert f"certificate is not valid for '{NAME}'" in runs["another's name"][1].causes["tls"]
    assert "unable to get local issuer certificate" in runs["unknown authority"][1].causes["tls"]
    assert runs["all 503"][1].causes == {"5xx": "status 503"}


def test_facts_survive_being_saved(runs):
    facts = runs["429 after thirty"][1]
    adapter = TypeAdapter(Load)
    assert adapter.validate_json(adapter.dump_json(facts)) == facts


# An answer, and what is told of it: status, length, failure.
ANSWERS = (
    (reply(200, b"a" * 10), (200, 10, "")),
    (reply(201, b"a" * 11), (201, 11, "")),
    (b"HTTP/1.1 204 None\r\n\r\n", (204, 0, "")),
    (chunked(b"a" * 12, b"0\r\n\r\n"), (200, 12, "")),
    (b"HTTP/1.0 200 OK\r\n\r\n" + b"a" * 13, (200, 13, "")),
    (reply(200, b"a" * READ_BYTES), (200, READ_BYTES, "")),
    (reply(200, b"a" * (READ_BYTES + 1)), (200, READ_BYTES + 1, "wrong-body")),
    (reply(200, b"a" * 14, length=5000), (200, 14, "wrong-body")),
    (chunked(b"a" * 15, b""), (200, 15, "wrong-body")),
    (b"HTTP/1.1 302 Away\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n", (302, 0, "other")),
    (reply(404, b"\xff\xfe"), (404, 2, "4xx")),
    (reply(429, b"a" * 16), (429, 16, "429")),
    (reply(500, b"a" * 17), (500, 17, "5xx")),
    (reply(503, b"a" * 18, length=5000), (503, 18, "5xx")),
    (b"", (0, 0, "reset")),
    (b"SSH-2.0-OpenSSH_9.2\r\n", (0, 0, "other")),
    (None, (0, 0, "timeout")),
)


def test_each_answer_has_its_class(authority, ca):
    rounds = 2
    with serving(own(authority), lambda n: ANSWERS[n % len(ANSWERS)][0]) as server:
        facts = load.measure(peer_of(server.socket, ca, load_requests=rounds * len(ANSWERS), answer_seconds=3.0))
    told = Counter((sample.status, sample.length, sample.failure) for sample in facts.samples)
    assert told == Counter(dict.fromkeys([row for _, row in ANSWERS], rounds))
    assert len(server.connections) == facts.requests
    assert all(3.0 <= sample.seconds < PATIENCE for sample in facts.samples if sample.failure == "timeout")


def test_closed_port(ca):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        facts = load.measure(peer_of(bound, ca))
    assert facts.failures == {"connect": 100}
    assert "Connection refused" in facts.causes["connect"]


def test_a_killed_locust_is_no_smaller_load(authority, ca, monkeypatch):
    monkeypatch.setattr(process, "INTERRUPTED", threading.Event())

    def answer(n):
        if n == 20:
            process.stop()
        return reply(200)

    with serving(own(authority), answer) as server, pytest.raises(ProbeError) as caught:
        load.measure(peer_of(server.socket, ca))
    assert caught.value.cause.startswith(f"{NAME}@127.0.0.1: locust ended with status -9 after ")
    assert caught.value.cause.endswith(" of 100 requests")


def test_a_locust_that_hangs_is_killed(authority, ca, monkeypatch):
    monkeypatch.setattr(locust, "START_SECONDS", 0.01)
    with serving(own(authority), lambda n: None) as server, pytest.raises(ProbeError, match="and was killed"):
        load.measure(peer_of(server.socket, ca, answer_seconds=0.01))


def test_a_locust_that_cannot_start_tells_why(authority, ca, tmp_path):
    with (
        serving(own(authority), lambda n: None) as server,
        pytest.raises(ProbeError, match="status 1 after 0 of") as caught,
    ):
        load.measure(peer_of(server.socket, tmp_path / "missing.pem"))
    assert "No such file" in caught.value.advice


def test_an_address_is_needed():
    with pytest.raises(Unreachable, match=f"{NAME}: has no address"):
        load.probe(Peer(Target(host=NAME), "", "has no address"))


DRIVER = """
import sys
from cutover.inventory import Peer, Target
from cutover.probes import load
load.measure(Peer(Target.model_validate_json(sys.argv[1]), "127.0.0.1"))
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_the_load_ends_with_its_driver(authority, ca, end, tmp_path):
    with serving(own(authority), lambda n: None) as server:
        argv = [sys.executable, "-c", DRIVER, json.dumps(target_row(server.socket, ca))]
        home = Path(load.__file__).parents[2]
        surroundings = os.environ | {"TMPDIR": str(tmp_path)}
        with subprocess.Popen(argv, cwd=home, env=surroundings, stderr=subprocess.DEVNULL) as driver:
            assert server.left_waiting.wait(PATIENCE)
            driver.send_signal(end)
            assert server.hung_up.wait(PATIENCE / 4)


def test_times_of_a_stage():
    seconds = (0.1, 0.2, 0.3, 0.4)
    samples = tuple(Sample(0.0, value, 200, 0, "") for value in seconds)
    facts = Load("https://a/", "192.0.2.1", 4, 4, False, 0.5, samples, ())
    assert (facts.rate, facts.mean, facts.in_flight) == pytest.approx((8.0, 0.25, 4.0))
    assert [facts.quantile(share) for share in (0.25, 0.26, 0.5, 0.95, 1.0)] == [0.1, 0.2, 0.2, 0.4, 0.4]


def test_failures_are_counted_by_class():
    samples = tuple(Sample(0.0, 0.1, 0, 0, failure) for failure in ("tls", "", "429", "429"))
    assert Load("https://a/", "192.0.2.1", 4, 4, False, 0.1, samples, ()).failures == {"429": 2, "tls": 1}
