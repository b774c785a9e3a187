"""Which bytes answer which request, and which fields stood in a head: against servers that confuse both."""

import pytest

from cutover.inventory import Limits, Peer, Target
from cutover.inventory import Ports as PromisedPorts
from cutover.probes.dialling import Dialler
from selftest.application import KNOWLEDGE, ME, Application, answer
from selftest.pki import head_of, tcp
from selftest.rows import HOST

HINTS = b"HTTP/1.1 103 Early Hints\r\nX-Frame-Options: DENY\r\nContent-Length: 7\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


def asked(answers, *, keep=False, count=1):
    """What ``count`` requests over plain http bring of a server that answers with one after the other."""
    answers = list(answers)
    connections = []

    def serve(client):
        connections.append(client)
        while head_of(client):
            client.sendall(answers.pop(0) if len(answers) > 1 else answers[0])

    with tcp(serve) as port:
        limits = Limits(connect_seconds=5.0, answer_seconds=5.0)
        peer = Peer(Target(host=HOST, limits=limits, ports=PromisedPorts(http=port, https=port)), "127.0.0.1")
        with Dialler(peer, keep=keep) as dialler:
            found = [dialler.ask("/", scheme="http").exchange for _ in range(count)]
    return found, len(connections)


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("before", [HINTS, CONTINUE, HINTS * 3 + CONTINUE * 4 + HINTS * 3], ids=["103", "100", "ten"])
def test_an_interim_answer_is_not_the_answer(before, keep):
    found, _ = asked([before + answer(b"one", "X-Own: 1"), before + answer(b"two")], keep=keep, count=2)
    assert [(each.status, each.body, each.flaw) for each in found] == [(200, "one", ""), (200, "two", "")]
    assert found[0].values("X-Frame-Options") == ()
    assert found[0].values("X-Own") == ("1",)


def test_a_switch_of_protocols_that_nobody_asked_for_is_told():
    (found,), _ = asked([b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" + answer(b"x")])
    assert (found.status, found.flaw) == (101, "more came than it announced")


SURPLUS = {
    "second answer": answer(b"one") + answer(b"never asked for"),
    "longer than announced": OK + b"Content-Length: 3\r\n\r\none and more",
    "after chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n" + answer(b"x"),
    "newline": answer(b"one") + b"\r\n",
}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("sent", SURPLUS.values(), ids=SURPLUS)
def test_what_nobody_asked_for_is_told_and_answers_nothing(sent, keep):
    found, connections = asked([sent, answer(b"two")], keep=keep, count=2)
    assert [(each.body, each.flaw) for each in found] == [("one", "more came than it announced"), ("two", "")]
    assert connections == 2


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_a_body_where_there_can_be_none_is_told(status):
    (found,), _ = asked([answer(b"one", status=status)])
    assert (found.length, found.flaw) == (0, "more came than it announced")


WHOLE = {
    "length": answer(b"one"),
    "closing": answer(b"one", "Connection: close"),
    "chunks": OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\nX-Trailer: 1\r\n\r\n",
    "empty": answer(b""),
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
}


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("sent", WHOLE.values(), ids=WHOLE)
def test_a_whole_answer_has_no_flaw(sent, keep):
    found, _ = asked([sent], keep=keep, count=2)
    assert [each.flaw for each in found] == ["", ""]


def test_over_tls_too(tmp_path, monkeypatch):
    application = Application(tmp_path, monkeypatch)
    application.answers["/"] = answer(b"one") + answer(b"never asked for")
    application.answers[ME] = answer({"username": "admin"}) + answer({"username": "root"})
    application.answers[KNOWLEDGE] = HINTS + application.answers[KNOWLEDGE]
    http, api = application.look("http", "api")
    assert (http.answers["/"].body, http.answers["/"].flaw) == ("one", "more came than it announced")
    asked_elsewhere = [each for each in http.answers.values() if each.url != http.answers["/"].url]
    assert [each.flaw for each in asked_elsewhere] == [""] * 4
    assert [each.status for each in asked_elsewhere] == [200, 404, 404, 404]
    assert (api.username, api.me.flaw) == ("admin", "more came than it announced")
    assert (api.records, api.knowledge.flaw, api.knowledge.values("X-Frame-Options")) == (2, "", ())


# Lines of a head, and the fields they are.
FIELDS = {
    "order and repetition": (
        ["Server: a", "X-Frame-Options: DENY", "server: b"],
        [("Server", "a"), ("X-Frame-Options", "DENY"), ("server", "b")],
    ),
    "blanks around": (["Server:nginx", "X-A: \t b c \t"], [("Server", "nginx"), ("X-A", "b c")]),
    "nothing": (["Server:"], [("Server", "")]),
    "colons": (["Location: http://a:80/"], [("Location", "http://a:80/")]),
    "folded": (["X-A: one", "\t two", "  three", "X-B: 4"], [("X-A", "one two three"), ("X-B", "4")]),
    "blank before the colon": (["X-A : one", "X-B: 2"], [("X-A ", "one"), ("X-B", "2")]),
    "no field": (["nonsense", "X-B: 2"], [("nonsense", ""), ("X-B", "2")]),
    "no name": ([": one", "X-B: 2"], [("", "one"), ("X-B", "2")]),
    "NUL": (["X-A: one\0two", "X\0B: 2"], [("X-A", "one\\x00two"), ("X\\x00B", "2")]),
    # A client that ends a line there sees a second field.
    "bare CR": (["X-A: one\rX-Frame-Options: SAMEORIGIN"], [("X-A", "one\\x0dX-Frame-Options: SAMEORIGIN")]),
    "latin": (["X-A: caf\xe9"], [("X-A", "caf\xe9")]),
}


@pytest.mark.parametrize(("lines", "fields"), FIELDS.values(), ids=FIELDS)
def test_fields_are_as_they_were_sent(lines, fields):
    (found,), _ = asked([answer(b"", *lines)])
    assert list(found.headers[2:]) == fields


def test_lines_that_end_with_a_newline_alone_are_lines():
    (found,), _ = asked([b"HTTP/1.1 200 OK\nX-A: 1\nContent-Length: 2\n\nok"])
    assert (found.headers, found.body) == ((("X-A", "1"), ("Content-Length", "2")), "ok")


def test_a_first_line_that_goes_on_goes_on_from_nothing():
    (found,), _ = asked([b"HTTP/1.1 200 OK\r\n X-A: 1\r\nContent-Length: 0\r\n\r\n"])
    assert found.headers == ((" X-A", "1"), ("Content-Length", "0"))
