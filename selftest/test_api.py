"""What login, me and knowledge are taken to say: real answers over TLS, and the verdicts on them."""

import json
import threading
from base64 import b64encode
from urllib.parse import quote

import pytest

from cutover import redact as redaction
from cutover.inventory import Target
from cutover.probes import http, operator
from cutover.probes.survey import PROBES
from selftest.application import KNOWLEDGE, LOGIN, ME, PASSWORD, TOKEN, Application, answer
from selftest.rows import HOST, Row, judge
from tests_network import test_endpoints as endpoints

TARGET = Target(host=HOST)


@pytest.fixture
def application(tmp_path, monkeypatch):
    return Application(tmp_path, monkeypatch)


def judged(application):
    """What is seen instead of what was promised, by path; nothing when all is as promised."""
    login, api = application.look("login", "api")
    rows = {
        LOGIN: Row(endpoints.test_login_gives_a_token, {"login": login, "target": TARGET}, None),
        ME: Row(endpoints.test_me_is_who_logged_in, {"api": api, "target": TARGET}, None),
        KNOWLEDGE: Row(endpoints.test_knowledge_is_a_list_of_records, {"api": api, "target": TARGET}, None),
    }
    return {path: told[1] for path, row in rows.items() if (told := judge(row))}


# The body for each path in words that may stand around what is looked for, all in vain.
HARMLESS = {
    "nothing": {},
    "success": {"success": True},
    "no error": {"error": None, "errors": []},
    "empty error": {"error": ""},
    "status": {"status": "success"},
    "status of a user": {"status": "active"},
}
WANTED = {
    LOGIN: ({"access_token": TOKEN}, "token in data.access_token", "token in access_token"),
    ME: ({"username": "admin"}, "user admin", "user admin"),
    KNOWLEDGE: ({"items": [{"id": 1}, {"id": 2}]}, "2 records", "2 records"),
}


@pytest.mark.parametrize("around", HARMLESS.values(), ids=HARMLESS)
def test_words_that_deny_nothing(application, around):
    for path, (wanted, _, _) in WANTED.items():
        application.answers[path] = answer(around | {"data": around | wanted})
    assert judged(application) == {}


DENIALS = {
    "success": ({"success": False}, "success: false"),
    "success of nothing": ({"success": None}, "success: null"),
    "success as text": ({"success": "false"}, "success: false"),
    "error": ({"error": "database is gone"}, "error: database is gone"),
    "errors": ({"errors": [{"code": 7}]}, 'errors: [{"code": 7}]'),
    "status": ({"status": "error"}, "status: error"),
    "JSend": ({"status": "fail"}, "status: fail"),
    "first of two": ({"success": False, "error": "x"}, "success: false"),
    "bell": ({"error": "ring\x07\nring"}, "error: ring\\x07 ring"),
    "long": ({"error": "x" * 9999}, "error: " + "x" * 80),
}


@pytest.mark.parametrize("path", WANTED)
@pytest.mark.parametrize(("words", "told"), DENIALS.values(), ids=DENIALS)
def test_an_answer_that_denies_itself_is_none(application, path, words, told):
    wanted, nested, flat = WANTED[path]
    for body, found in ((words | wanted, flat), ({"data": words | wanted}, nested)):
        application.answers[path] = answer(body)
        assert judged(application) == {path: f"200, application/json, {found}, {told}"}


@pytest.mark.parametrize("path", WANTED)
def test_a_denial_tells_no_secret(application, path):
    application.answers[path] = answer({"error": f"not {TOKEN} again"} | WANTED[path][0])
    assert judged(application)[path].endswith(", error: not [redacted] again")


NO_RECORDS = {
    "numbers": ([1, 2, 3], "3 of 3 are no objects"),
    "texts": (["a"], "1 of 1 are no objects"),
    "one nothing": ([{"id": 1}, None], "1 of 2 are no objects"),
    "lists": ([[{"id": 1}]], "1 of 1 are no objects"),
}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(("records", "told"), NO_RECORDS.values(), ids=NO_RECORDS)
def test_records_are_objects(application, records, told, wrapped):
    application.answers[KNOWLEDGE] = answer({"data": {"items": records}} if wrapped else records)
    assert judged(application) == {KNOWLEDGE: f"200, application/json, {told}"}


@pytest.mark.parametrize("path", WANTED)
def test_a_byte_order_mark_is_told(application, path):
    wanted, _, flat = WANTED[path]
    application.answers[path] = answer(b"\xef\xbb\xbf" + json.dumps(wanted).encode())
    assert judged(application) == {path: f"200, application/json, {flat}, a byte order mark before the JSON"}


@pytest.mark.parametrize("path", [ME, KNOWLEDGE])
@pytest.mark.parametrize("body", [b"", b"<p>Sorry</p>", b"{", b"[" * 99_999], ids=["empty", "html", "half", "deep"])
def test_a_body_that_is_no_json_is_told(application, path, body):
    application.answers[path] = answer(body)
    assert judged(application)[path].endswith(", no JSON")


@pytest.mark.parametrize("path", WANTED)
def test_a_body_that_was_cut_short_is_told(application, path):
    wanted, _, flat = WANTED[path]
    body = json.dumps(wanted).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body) + 9}\r\n\r\n"
    application.answers[path] = head.encode() + body
    assert judged(application) == {path: f"200, application/json, {flat}, cut short"}


def test_a_page_for_strangers_that_shows_the_secrets_tells_none_of_them(application):
    page = f"you are {PASSWORD}, {quote(PASSWORD)}, {b64encode(PASSWORD.encode()).decode()} {TOKEN}"
    application.answers["/"] = answer(page.encode(), f"X-Echo: {TOKEN}", f"Set-Cookie: a={TOKEN[:5]}; Path=/")
    _, http = application.look("login", "http")
    found = http.answers["/"]
    assert found.body == "you are [redacted], [redacted], [redacted] [redacted]"
    assert found.values("X-Echo") == ("[redacted]",)
    assert found.values("Set-Cookie") == ("a=[redacted]; Path=/",)


def test_a_secret_that_becomes_known_later_is_hidden_in_what_was_read_before(application, monkeypatch):
    application.answers["/"] = answer(f"the last token was {TOKEN}".encode())
    monkeypatch.setattr(redaction, "_forms_in_use", ())
    known, let_in = threading.Event(), operator.hide

    def hide(secret):
        # Not before the other probe has read the page.
        if secret == TOKEN:
            known.wait(10)
        let_in(secret)

    def surfaces(peer):
        facts = http.surfaces(peer)
        assert TOKEN in facts.answers["/"].body
        known.set()
        return facts

    monkeypatch.setattr(operator, "hide", hide)
    monkeypatch.setitem(PROBES, "http", PROBES["http"]._replace(run=lambda peer, _: surfaces(peer)))
    api, found = application.look("api", "http")
    assert api.me.status == 200
    assert found.answers["/"].body == "the last token was [redacted]"


def test_a_password_that_is_the_user_s_name_hides_no_name(application, monkeypatch):
    monkeypatch.setattr(redaction, "_forms_in_use", ())
    monkeypatch.setenv("SELFTEST_PASSWORD", "admin")
    assert judged(application) == {}
