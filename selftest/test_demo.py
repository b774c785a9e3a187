"""The demo site keeps the promises it is judged by, and leaves nothing behind."""

import http.client
import json
import os
import signal
import socket
import ssl
import stat
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from cutover import demo
from cutover.demo.site import BODY_LIMIT, HEADERS, HSTS, POLICY
from cutover.errors import ProbeError

ROOT = Path(__file__).parents[1]
GONE_SECONDS = 15.0  # hang guard


@dataclass
class Seen:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def ask(target, method, path, body=None, headers=None, *, tls=True, address="127.0.0.1"):
    """One request on a connection of its own; verifies the certificate with the root alone."""
    port = target.ports.https if tls else target.ports.http
    with closing(http.client.HTTPConnection(target.host, port, timeout=20)) as connection:
        connection.sock = socket.create_connection((address, port), timeout=20)
        if tls:
            context = ssl.create_default_context(cafile=str(target.ca))
            connection.sock = context.wrap_socket(connection.sock, server_hostname=target.host)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return Seen(answer.status, answer.headers, answer.read())


def login(target, password):
    return ask(target, "POST", "/api/v1/auth/login", json.dumps({"username": "admin", "password": password}))


def refused(port, address="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as client:
        client.settimeout(5)
        try:
            client.connect((address, port))
        except ConnectionRefusedError:
            return True
        return False


def wait_until(condition):
    deadline = time.monotonic() + GONE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def site():
    with demo.running() as site:
        yield site


@pytest.fixture(scope="module")
def session(site):
    return login(site, os.environ[demo.PASSWORD_VARIABLE]).json["data"]


@pytest.fixture(scope="module")
def bearer(session):
    return {"Authorization": f"Bearer {session['access_token']}"}


def test_target_describes_the_site(site):
    assert (site.host, site.label, site.server) == ("demo.example.test", "demo", None)
    assert site.credentials.password_env == demo.PASSWORD_VARIABLE
    assert len({*site.ports.open, *site.ports.closed}) == 4


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", ["/", "/api/v1/knowledge?page=2&q=%E6%A9%8B", "/.well-known/other"])
def test_http_moves_every_path_to_https(site, method, path):
    seen = ask(site, method, path, tls=False)
    assert (seen.status, seen.headers["Location"]) == (
        301,
        f"https://{site.host}:{site.ports.https}{path}",
    )


def test_acme_challenges_are_not_redirected(site):
    seen = ask(site, "GET", "/.well-known/acme-challenge/token", tls=False)
    assert (seen.status, seen.headers["Location"]) == (404, None)


SURFACES = [
    ("GET", "/", 200),
    ("HEAD", "/", 200),
    ("GET", "/static/demo.css", 200),
    ("GET", "/static/", 404),
    ("GET", "/static/none.css", 404),
    ("GET", "/none", 404),
    ("GET", "/api/v1/auth/me", 401),
    ("GET", "/api/v1/knowledge", 401),
    ("GET", "/api/v1/auth/login", 405),
    ("POST", "/api/v1/knowledge", 405),
    ("DELETE", "/", 405),
    ("OPTIONS", "/", 405),
    ("BREW", "/", 501),
    ("GET", "no-path", 400),
]


@pytest.mark.parametrize(("method", "path", "status"), SURFACES)
@pytest.mark.parametrize("tls", [True, False], ids=["https", "http"])
def test_every_surface_has_each_header_once(site, method, path, status, tls):
    seen = ask(site, method, path, tls=tls)
    promised = HEADERS | (HSTS | POLICY if tls else {})
    assert seen.status == (status if tls or status in (400, 501) else 301)
    assert {name: seen.headers.get_all(name) for name in HEADERS | HSTS} == {
        name: [promised[name]] if name in promised else None for name in HEADERS | HSTS
    }
    assert max(Counter(name.lower() for name, _ in seen.headers.items()).values()) == 1
    assert seen.headers["Server"] == "cutover-demo"
    assert seen.headers["Content-Type"].endswith("; charset=utf-8")
    if method == "HEAD":
        assert seen.body == b""
        assert int(seen.headers["Content-Length"]) > 0
    else:
        assert int(seen.headers["Content-Length"]) == len(seen.body)


@pytest.mark.parametrize("request_line", [b"\x16\x03\x01", b"GET /" + b"a" * 2**16 + b" HTTP/1.1"])
def test_what_is_no_request_is_answered_with_headers_too(site, request_line):
    with socket.create_connection(("127.0.0.1", site.ports.http), timeout=20) as client:
        client.sendall(request_line + b"\r\n\r\n")
        head = client.makefile("rb").read().partition(b"\r\n\r\n")[0].decode().splitlines()
    assert head[0].split()[1] in ("400", "414")
    assert {f"{name}: {value}" for name, value in HEADERS.items()} <= set(head)


def test_login_leads_to_me_and_knowledge(site, session, bearer):
    assert session["user"]["username"] == "admin"
    assert session["expires_in"] > 0
    assert ask(site, "GET", "/api/v1/auth/me", headers=bearer).json["data"]["username"] == "admin"
    knowledge = ask(site, "GET", "/api/v1/knowledge?page=1", headers=bearer).json
    assert knowledge["success"] is True
    assert len(knowledge["data"]) == knowledge["pagination"]["total"] == site.limits.knowledge_records == 12


@pytest.mark.parametrize(
    "shape", ["Bearer {refresh_token}", "Bearer {access_token}x", "Basic {access_token}", "Bearer "]
)
def test_other_tokens_are_refused(site, session, shape):
    seen = ask(site, "GET", "/api/v1/knowledge", headers={"Authorization": shape.format(**session)})
    assert (seen.status, seen.json["success"]) == (401, False)
    assert seen.headers["WWW-Authenticate"] == "Bearer"


def test_wrong_logins_are_refused_and_the_sixth_in_a_minute_has_to_wait():
    with demo.running() as site:
        assert login(site, "wrong").status == 401
        for body in ("{", "[]", '{"username": "admin"}', '{"username": 1, "password": 2}'):
            assert ask(site, "POST", "/api/v1/auth/login", body).status == 400
        seen = login(site, os.environ[demo.PASSWORD_VARIABLE])
        assert seen.status == 429
        assert 0 < int(seen.headers["Retry-After"]) <= 61
        assert seen.headers.get_all("X-Frame-Options") == ["SAMEORIGIN"]


@pytest.mark.parametrize(("size", "status"), [(BODY_LIMIT, 404), (BODY_LIMIT + 1, 413)])
def test_a_body_over_the_limit_is_refused(site, size, status):
    assert ask(site, "POST", "/none", bytes(size)).status == status


def test_a_connection_stays_open_between_requests(site):
    context = ssl.create_default_context(cafile=str(site.ca))
    raw = socket.create_connection(("127.0.0.1", site.ports.https), timeout=20)
    with context.wrap_socket(raw, server_hostname=site.host) as client:
        for _ in range(3):
            client.sendall(b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert b"Connection: keep-alive\r\n" in client.recv(2**16)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
@pytest.mark.parametrize(
    ("version", "outcome"),
    [("TLSv1_1", "TLSV1_ALERT_PROTOCOL_VERSION"), ("TLSv1_2", "TLSv1.2"), ("TLSv1_3", "TLSv1.3")],
)
def test_tls_is_1_2_or_newer(site, version, outcome):
    context = ssl.create_default_context(cafile=str(site.ca))
    context.set_ciphers("DEFAULT@SECLEVEL=0")  # or this client would not even offer 1.1
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with socket.create_connection(("127.0.0.1", site.ports.https), timeout=20) as raw:
        try:
            with context.wrap_socket(raw, server_hostname=site.host) as client:
                seen = client.version()
        except ssl.SSLError as error:
            seen = error.reason
    assert seen == outcome


def test_a_hundred_requests_ten_at_a_time_are_all_answered(site):
    with ThreadPoolExecutor(10) as pool:
        seen = Counter(pool.map(lambda _: ask(site, "GET", "/").status, range(100)))
    assert seen == {200: 100}


def test_every_address_answers_on_the_same_ports(site):
    for address in map(str, site.addresses):
        assert ask(site, "GET", "/", address=address).status == 200
        assert ask(site, "GET", "/", address=address, tls=False).status == 301
        with socket.create_connection((address, site.ports.ssh), timeout=20) as client:
            assert client.makefile("rb").read() == b"SSH-2.0-cutover-demo\r\n"
        assert refused(site.ports.closed[0], address)


def test_nobody_else_can_take_the_closed_port(site):
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", site.ports.closed[0]))


def test_the_password_is_in_the_environment_for_the_run_and_in_no_argument_list(monkeypatch):
    monkeypatch.setenv(demo.PASSWORD_VARIABLE, "before")
    with demo.running() as site:
        password = os.environ[demo.PASSWORD_VARIABLE]
        assert stat.S_IMODE(site.ca.parent.stat().st_mode) == 0o700
        command_lines = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command_lines.append(process.read_bytes())
            except OSError:  # it ended meanwhile
                continue
        assert any(b"cutover.demo.site" in line for line in command_lines)
        assert not any(password.encode() in line for line in command_lines)
    assert os.environ[demo.PASSWORD_VARIABLE] == "before"
    assert not site.ca.parent.exists()
    assert refused(site.ports.https)


@pytest.mark.parametrize("ending", ["end of input", "SIGTERM"])
def test_it_ends_and_cleans_up(ending):
    with subprocess.Popen(
        [sys.executable, "-m", "cutover.demo.site"],
        cwd=ROOT,
        env=os.environ | {demo.PASSWORD_VARIABLE: "secret"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as site:
        ca = Path(json.loads(site.stdout.readline())["ca"])
        assert ca.exists()
        if ending == "SIGTERM":
            site.send_signal(signal.SIGTERM)
            site.wait(GONE_SECONDS)
        assert site.communicate(timeout=GONE_SECONDS) == (b"", b"")
    assert site.returncode == 0
    assert not ca.parent.exists()


def test_it_dies_with_a_parent_that_is_killed():
    parent = (
        "import time; from cutover import demo\n"
        "with demo.running() as site:\n"
        "    print(site.ca, site.ports.https, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], cwd=ROOT, stdout=subprocess.PIPE, text=True) as killed:
        ca, port = killed.stdout.readline().split()
        assert not refused(int(port))
        killed.kill()
    wait_until(lambda: refused(int(port)) and not Path(ca).parent.exists())


def test_a_site_that_cannot_start_is_told_with_its_own_words(monkeypatch):
    monkeypatch.setattr(demo.secrets, "token_urlsafe", lambda _: "")
    with (
        pytest.raises(ProbeError, match="ended before it was ready: CUTOVER_DEMO_PASSWORD is not set"),
        demo.running(),
    ):
        pass
