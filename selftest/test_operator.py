"""Who logs in, with what, and where: once a run, and nowhere but at a peer whose certificate verified."""

import os
import sys
import threading
import time

import pytest

from cutover.errors import NotDeclared, ProbeError, Unreachable
from cutover.facts.ports import Ports
from cutover.inventory import Credentials, Peer
from cutover.probes import survey
from cutover.probes.operator import Operator, password
from selftest.application import LOGIN, OWN, TOKEN, Application, answer
from selftest.pki import head_of, make, server_context, tcp
from selftest.rows import HOST

OTHER = "127.0.0.2"  # loopback too
GUARD_SECONDS = 30.0


@pytest.fixture
def application(tmp_path, monkeypatch):
    return Application(tmp_path, monkeypatch)


def logins(application):
    return [head.split()[1] for head in application.asked].count(LOGIN)


def at(peer, *addresses):
    return Operator(peer.target, tuple(Peer(peer.target, address, "" if address else "gone") for address in addresses))


def test_one_login_serves_all(application):
    with application.running() as peer:
        operator = at(peer, peer.address, OTHER)
        assert [operator.token(), operator.token()] == [TOKEN] * 2
    assert logins(application) == 1


@pytest.mark.parametrize("first", [(OTHER,), ("",), ("", OTHER)], ids=["refused", "unresolved", "both"])
def test_where_nothing_can_be_sent_the_next_address_is_tried(application, first):
    with application.running() as peer:
        assert at(peer, *first, peer.address).token() == TOKEN
    assert logins(application) == 1


def test_a_peer_whose_certificate_is_not_the_host_s_is_passed_over(application, tmp_path):
    (tmp_path / "other").mkdir()
    context = server_context(tmp_path / "other", [make(HOST, names=[HOST])])
    heard = []

    def serve(client):
        with context.wrap_socket(client, server_side=True) as tls:
            heard.append(head_of(tls))

    with application.running() as peer, tcp(serve, OTHER, peer.target.ports.https):
        assert at(peer, OTHER, peer.address).token() == TOKEN
    assert heard == []
    assert logins(application) == 1


def test_nothing_disturbs_a_login_whose_time_counts(application, monkeypatch):
    """Its answer waits until the ports were asked: they are beside it, and all else comes after."""
    asked, heard = threading.Event(), []

    def ask(peer):
        asked.set()
        return Ports(peer.address, "", {})

    monkeypatch.setitem(survey.PROBES, "ports", survey.PROBES["ports"]._replace(run=lambda peer, _: ask(peer)))

    def meanwhile():
        assert asked.wait(GUARD_SECONDS)
        time.sleep(0.3)  # in which the others would come
        heard.extend(application.asked)

    application.answers[LOGIN] = (b"", meanwhile, application.answers[LOGIN])
    application.look("http", "cors", "tls", "ports", "certificate", "login")
    assert [head.split()[1] for head in heard] == [LOGIN]
    assert len(application.asked) > 10


SENT = {"nothing": b"", "half a head": b"HTTP/1.1 200 OK\r\n"}


@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
def test_what_may_have_arrived_is_not_sent_again(application, tmp_path, sent):
    (tmp_path / "other").mkdir()
    context = server_context(tmp_path / "other", [OWN])

    def serve(client):
        with context.wrap_socket(client, server_side=True) as tls:
            head_of(tls)
            tls.sendall(sent)

    with application.running() as peer, tcp(serve, OTHER, peer.target.ports.https):
        operator = at(peer, OTHER, peer.address)
        for _ in range(2):
            with pytest.raises(ProbeError, match=f"{OTHER}: POST .* gave no HTTP answer"):
                operator.token()
    assert logins(application) == 0


def test_a_refused_login_is_not_tried_elsewhere(application):
    application.answers[LOGIN] = answer({"error": "no"}, status="401 Unauthorized")
    with application.running() as peer:
        assert at(peer, peer.address, peer.address).login().exchange.status == 401
    assert logins(application) == 1


def test_when_all_are_down_the_first_cause_is_told(application):
    with application.running() as peer, pytest.raises(Unreachable, match=f"{HOST}: gone"):
        at(peer, "", OTHER).login()


UNSET = "SELFTEST_NO_PASSWORD"


@pytest.mark.parametrize(
    ("declared", "told", "advice"),
    [
        (
            {"username": "ops"},
            "the inventory names the user ops and no password",
            "set CUTOVER_PASSWORD to it, or declare password_env or password_command under [target.credentials]",
        ),
        ({"password_env": UNSET}, f"the variable {UNSET}, which the inventory names, is not set", "set it for admin"),
        ({"password_command": (sys.executable, "-c", "")}, ".*: exit status 0, 0 characters", ""),
    ],
    ids=["username", "variable", "command"],
)
def test_a_password_that_is_missing(monkeypatch, declared, told, advice):
    monkeypatch.delenv("CUTOVER_PASSWORD", raising=False)
    with pytest.raises(ProbeError, match=told) as caught:
        password(Credentials(**declared))
    assert caught.value.advice == advice


def test_credentials_that_nobody_declared(monkeypatch):
    monkeypatch.delenv("CUTOVER_PASSWORD", raising=False)
    with pytest.raises(NotDeclared, match="no credentials: set CUTOVER_PASSWORD to the password of admin"):
        password(Credentials())


def test_a_password_that_is_no_text_is_sent_and_hidden(application, monkeypatch):
    monkeypatch.setenv("SELFTEST_PASSWORD", os.fsdecode(b"\xff\xfe-Zq7vXw2Kp9"))
    with application.running() as peer:
        assert at(peer, peer.address).token() == TOKEN
