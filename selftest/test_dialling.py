"""The HTTP client of a peer: whom it dials, whom it trusts, what it sends and what it keeps, against real servers."""

import contextlib
import socket

import pytest

from cutover.errors import ProbeError
from cutover.inventory import Peer, Target
from cutover.inventory import Ports as PromisedPorts
from cutover.probes import dialling
from cutover.probes.dialling import Dialler
from cutover.redact import hide
from selftest.pki import head_of, make, server_context, tcp
from selftest.rows import HOST

ROOT = make("Made-up root", authority=True)
ROGUE = make("Rogue root", authority=True)
TOKEN = "planted-token-0123456789"  # noqa: S105
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Site:
    """A TLS server that answers each request with the next of ``answers``, the last one for ever."""

    def __init__(self, folder):
        self.folder = folder
        self.answers = [OK]
        self.heads = []
        self.names = []
        self.connections = 0

    def run(self, *chain):
        (self.folder / "root.pem").write_bytes(ROOT.pem)
        context = server_context(self.folder, chain)
        context.sni_callback = lambda _, name, __: self.names.append(name)

        def serve(client):
            self.connections += 1
            with context.wrap_socket(client, server_side=True) as tls:
                while head := head_of(tls):
                    self.heads.append(head.decode())
                    tls.sendall(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])

        return tcp(serve)

    def peer(self, port):
        return Peer(Target(host=HOST, ca=self.folder / "root.pem", ports=PromisedPorts(https=port)), "127.0.0.1")


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


@contextlib.contextmanager
def dialled(site, *chain):
    with site.run(*(chain or (make(HOST, ROOT, names=[HOST]),))) as port, Dialler(site.peer(port)) as dialler:
        yield dialler


def field(head, name):
    return [line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith(f"{name}: ")]


def answer(*lines, body=b"", status="200 OK"):
    head = [f"HTTP/1.1 {status}".encode(), *lines, b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*head, b"", body])


def test_the_address_is_dialled_and_the_public_name_is_spoken(site):
    with dialled(site) as dialler:
        exchange, text = dialler.ask("/a?b=%E6%A9%8B")
        port = dialler.peer.target.ports.https
    assert site.names == [HOST]
    assert site.heads[0].startswith("GET /a?b=%E6%A9%8B HTTP/1.1\r\n")
    assert field(site.heads[0], "host") == [f"{HOST}:{port}"]
    assert exchange.url == f"https://{HOST}:{port}/a?b=%E6%A9%8B"
    assert (exchange.status, exchange.body, exchange.length, exchange.complete, text) == (200, "{}", 2, True, "{}")
    assert not field(site.heads[0], "authorization")


def test_a_scheme_s_own_port_is_not_spoken():
    dialler = Dialler(Peer(Target(host=HOST), "127.0.0.1"))
    assert dialler.peer.target.url("/x") == f"https://{HOST}/x"
    assert dialler.peer.target.url("/x", "http") == f"http://{HOST}/x"


@pytest.fixture
def crooked_environment(tmp_path, monkeypatch):
    """What an operator's shell may hold: another authority, a dead proxy, a .netrc for the host."""
    bundle = tmp_path / "rogue.pem"
    bundle.write_bytes(ROGUE.pem)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(bundle))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    keys = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    with socket.socket() as dead:
        dead.bind(("127.0.0.1", 0))
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{dead.getsockname()[1]}")
            monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{dead.getsockname()[1]}")
        monkeypatch.setenv("NO_PROXY", "example.net")
        (tmp_path / ".netrc").write_text(
            f"machine {HOST} login netrc password netrc-secret\ndefault login x password y\n"
        )
        (tmp_path / ".netrc").chmod(0o600)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        yield
    assert not keys.exists()  # with what stands in it, who listened could read the password


@pytest.mark.usefixtures("crooked_environment")
@pytest.mark.parametrize("token", ["", TOKEN])
def test_the_environment_changes_no_request(site, token):
    with dialled(site) as dialler:
        assert dialler.ask("/", token=token).exchange.status == 200
    assert field(site.heads[0], "authorization") == ([f"Bearer {token}"] if token else [])


@pytest.mark.usefixtures("crooked_environment")
def test_the_environment_adds_no_authority(site):
    with dialled(site, make(HOST, ROGUE, names=[HOST])) as dialler, pytest.raises(ProbeError, match="TLS failed"):
        dialler.ask("/", token=TOKEN)
    assert site.heads == []


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (make(HOST, ROGUE, names=[HOST]), "unable to get local issuer certificate"),
        (make(HOST, names=[HOST]), "self-signed certificate"),
        (make(HOST, ROOT, names=["www.example.com"]), "Hostname mismatch"),
        pytest.param(
            make(HOST, ROOT),
            "Hostname mismatch",
        ),
        (make(HOST, ROOT, names=[HOST], end=-1), "certificate has expired"),
        (make(HOST, ROOT, names=[HOST], begin=1), "certificate is not yet valid"),
    ],
    ids=["unknown-root", "self-signed", "other-name", "no-name", "expired", "early"],
)
def test_nothing_is_sent_to_a_peer_that_is_not_verified(site, server, told):
    with dialled(site, server) as dialler, pytest.raises(ProbeError) as caught:
        dialler.ask("/login", method="POST", token=TOKEN, json={"password": "planted"})
    assert told in caught.value.cause
    assert caught.value.cause.endswith("; nothing was sent")
    assert site.heads == []
    assert site.connections == 1


@pytest.mark.parametrize("secret", [{"token": TOKEN}, {"json": {"password": "planted"}}], ids=["token", "password"])
def test_nothing_that_opens_something_goes_without_tls(site, secret):
    with dialled(site) as dialler, pytest.raises(ValueError, match="over TLS only"):
        dialler.ask("/", scheme="http", **secret)
    assert site.connections == 0


def test_another_target_s_authority_counts_for_nothing(site):
    """The clients of one target share what they trust, in any order of asking, with nobody else."""
    with site.run(make(HOST, ROOT, names=[HOST])) as port:
        rogue = site.folder / "rogue.pem"
        rogue.write_bytes(ROGUE.pem)
        trusting, other = site.peer(port), Target(host=HOST, ca=rogue, ports=PromisedPorts(https=port))
        for _ in range(2):
            with Dialler(trusting) as dialler:
                assert dialler.ask("/").exchange.status == 200
            with Dialler(Peer(other, "127.0.0.1")) as dialler, pytest.raises(ProbeError, match="TLS failed"):
                dialler.ask("/", token=TOKEN)
    assert [field(head, "authorization") for head in site.heads] == [[], []]


def test_a_redirect_is_not_followed(site):
    site.answers = [answer(b"Location: /elsewhere", status="302 Found"), OK]
    with dialled(site) as dialler:
        exchange = dialler.ask("/").exchange
    assert (exchange.status, exchange.location, len(site.heads)) == (302, "/elsewhere", 1)


def test_the_body_of_a_redirect_is_kept_like_any_other(site):
    site.answers = [answer(b"Location: /elsewhere", body=b"moved", status="301 Moved Permanently")]
    with dialled(site) as dialler:
        assert dialler.ask("/").exchange.body == "moved"


def test_a_redirect_to_no_url_is_a_fact(site):
    site.answers = [answer(b"Location: http://[::1", status="301 Moved Permanently")]
    with dialled(site) as dialler:
        assert dialler.ask("/").exchange.location == "http://[::1"


def test_one_connection_serves_many_requests(site):
    with site.run(make(HOST, ROOT, names=[HOST])) as port, Dialler(site.peer(port), keep=True) as dialler:
        assert [dialler.ask("/").exchange.status for _ in range(3)] == [200] * 3
    assert (len(site.heads), site.connections) == (3, 1)


def test_each_request_has_a_connection_of_its_own(site):
    with dialled(site) as dialler:
        assert [dialler.ask("/").exchange.status for _ in range(3)] == [200] * 3
    assert (len(site.heads), site.connections) == (3, 3)


def test_a_request_with_json_is_whole(site):
    with dialled(site) as dialler:
        dialler.ask("/login", method="POST", json={"username": "admin"})
    assert site.heads[0].startswith("POST /login HTTP/1.1\r\n")
    assert field(site.heads[0], "content-type") == ["application/json"]


def test_repeated_headers_are_kept_apart_in_their_order(site):
    site.answers = [answer(b"X-Frame-Options: SAMEORIGIN", b"Server: x", b"x-frame-options: DENY")]
    with dialled(site) as dialler:
        assert dialler.ask("/").exchange.values("X-FRAME-OPTIONS") == ("SAMEORIGIN", "DENY")


def test_what_is_kept_holds_no_secret_and_no_control_code(site):
    lines = (
        b"X-Echo: \x1b[31mred\x9b " + TOKEN.encode(),
        b"Set-Cookie: session=abcdef; Path=/",
        b"X-Debug: password=hunter2hunter2",
    )
    body = f'{{"token": "{TOKEN}", "again": "{TOKEN}", "word": "s3cret-word", "esc": "\x1b[2J"}}'
    site.answers = [answer(*lines, body=body.encode())]
    hide(TOKEN)
    hide("s3cret-word")
    with dialled(site) as dialler:
        exchange, text = dialler.ask("/", token=TOKEN)
    assert text == body
    kept = str(exchange) + str(exchange.evidence())
    for hidden in (TOKEN, "s3cret-word", "hunter2", "abcdef", "\x1b", "\x9b"):
        assert hidden not in kept
    assert exchange.values("X-Echo") == ("\\x1b[31mred\\x9b [redacted]",)
    assert exchange.values("Set-Cookie") == ("session=[redacted]; Path=/",)


def test_a_secret_at_the_end_of_what_is_kept_is_hidden_too(site):
    site.answers = [answer(body=b"- " * (dialling.BODY_KEPT // 2 - 5) + TOKEN.encode())]
    hide(TOKEN)
    with dialled(site) as dialler:
        assert "planted" not in dialler.ask("/", token=TOKEN).exchange.body


def test_a_cookie_is_not_sent_back(site):
    site.answers = [answer(b"Set-Cookie: session=abc; Path=/"), OK]
    with dialled(site) as dialler:
        dialler.ask("/")
        dialler.ask("/")
    assert not field(site.heads[1], "cookie")
