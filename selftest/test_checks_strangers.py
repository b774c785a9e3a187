"""The checks of what lets a stranger in, or tells him anything, each on facts that keep and that break the promise."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest

from cutover.facts.cors import STRANGER, Cors
from cutover.facts.detours import STRANGER as OTHER
from cutover.facts.detours import Detours
from cutover.facts.forgeries import Forgeries, WrongPassword
from cutover.facts.http import Http
from cutover.facts.private_paths import Found, PrivatePaths
from cutover.probes import forgeries as probe
from selftest.rows import AT, HOST, exchange, fails, judge, passes
from tests_network import test_families as families
from tests_network import test_redirect as redirects
from tests_security import test_cors as cors
from tests_security import test_exposure as exposure
from tests_security import test_tokens as tokens

OWN = "https://app.example.com"


def answered(status=401, **by_what):
    told = {"no_token": status, "alg_none": status} | by_what
    return Forgeries({what.replace("_", " "): exchange(code, path="/me") for what, code in told.items()}, "")


def of_tokens():
    check, promised = tokens.test_no_forged_token_is_taken, "each refused with 401"
    yield passes("401", check, forgeries=answered())
    yield passes("422", check, forgeries=answered(alg_none=422))
    for status in (200, 403, 500, 302):
        seen = f"alg none: {status}"
        yield fails(str(status), check, promised, seen, forgeries=answered(alg_none=status))
    check, promised = tokens.test_token_is_not_signed_with_a_key_that_everybody_knows, "a key of its own"
    yield passes("own", check, forgeries=answered())
    yield fails("known", check, promised, "changeme", forgeries=replace(answered(), known_key="changeme"))
    check = tokens.test_wrong_password_is_refused
    yield passes("401", check, wrong_password=WrongPassword(exchange(401)))
    for status in (200, 500, 302):
        yield fails(str(status), check, "401", str(status), wrong_password=WrongPassword(exchange(status)))


def found(status=404, content_type="text/html", length=100, *, like_missing=False, listing=False):
    return Found(f"https://{HOST}/", AT, status, content_type, length, like_missing, listing)


def shown(**paths):
    own = {"/": found(200), "/static/": found(403), "/.env": found()}
    return PrivatePaths(own | paths)


def of_exposure():
    check, promised = exposure.test_nothing_private_is_served, "none of the private files and pages"
    yield passes("nothing", check, private_paths=shown())
    yield passes("front-page-for-all", check, private_paths=shown(**{"/.env": found(200, like_missing=True)}))
    yield fails(
        "file",
        check,
        promised,
        "/.env: 200, no content type, 9 bytes",
        private_paths=shown(**{"/.env": found(200, "", 9)}),
    )
    yield fails(
        "part", check, promised, "/.env: 206, text/html, 100 bytes", private_paths=shown(**{"/.env": found(206)})
    )
    check = exposure.test_no_directory_is_listed
    yield passes("none", check, private_paths=shown())
    yield fails("one", check, "none", "/static/", private_paths=shown(**{"/static/": found(200, listing=True)}))
    check, promised = exposure.test_errors_tell_nothing_of_the_source, "no trace of the source in any answer"
    yield passes("plain", check, http=Http({"404": replace(exchange(404), body="no such page: line 3")}))
    for body, seen in (
        ("<pre>Traceback (most recent call last):", "Traceback (most recent call last)"),
        ('File "/srv/app/views.py", line 17, in me', 'File "/srv/app/views.py", line 17'),
        ("psycopg2.OperationalError", "psycopg2."),
    ):
        yield fails(seen[:9], check, promised, f"404: {seen}", http=Http({"404": replace(exchange(404), body=body)}))
    check = exposure.test_body_of_more_than_10m_is_refused
    yield passes("413", check, http=Http({"413": exchange(413)}))
    yield fails("405", check, "413", "405", http=Http({"413": exchange(405)}))
    yield fails("waits", check, "413", "no answer: it waits for the body", http=Http({}))


def lets(own=OWN, stranger="", null=""):
    def answer(value):
        return exchange(headers=[("Access-Control-Allow-Origin", value)] if value else [])

    answers = {OWN: answer(own), STRANGER: answer(stranger), "null": answer(null)}
    return Cors(answers, answers)


def of_cors():
    check, promised = cors.test_no_other_origin_may_read, "none that was not declared"
    yield passes("nobody", check, cors=lets())
    yield passes("always-its-own", check, cors=lets(stranger=OWN, null=OWN))
    yield fails("all", check, promised, f"{STRANGER}: *", cors=lets(stranger="*"))
    yield fails("reflected", check, promised, f"{STRANGER}: {STRANGER}", cors=lets(stranger=STRANGER))
    yield fails("null", check, promised, "null: null", cors=lets(null="null"))
    half = Cors(lets().preflight, lets(stranger="*").request)
    yield fails("request-alone", check, promised, f"{STRANGER}: * | nobody", cors=half)
    check = cors.test_declared_origins_may_read
    yield passes("itself", check, cors_of_declared=lets())
    yield fails("nobody", check, f"{OWN}: {OWN}", f"{OWN}: nobody", cors_of_declared=lets(own=""))
    yield fails("all", check, f"{OWN}: {OWN}", f"{OWN}: *", cors_of_declared=lets(own="*"))


def led(host="", challenge=404):
    claimed = exchange(301, headers=[("Location", f"https://{host}/")]) if host else None
    return Detours({"Host": claimed, "X-Forwarded-Host": exchange(301)}, exchange(challenge))


def of_detours():
    check, promised = redirects.test_redirect_leads_nowhere_else, "no host that was claimed"
    yield passes("nowhere", check, detours=led())
    yield passes("own", check, detours=led(HOST))
    yield fails("claimed", check, promised, f"Host: {OTHER}", detours=led(OTHER))
    yield fails("below", check, promised, f"Host: www.{OTHER}", detours=led(f"www.{OTHER}"))
    check = redirects.test_challenge_is_not_redirected
    yield passes("404", check, detours=led())
    for status in (301, 200, 403):
        yield fails(str(status), check, "404", str(status), detours=led(challenge=status))


def of_families():
    check = families.test_both_families_answer_alike
    here = Http({"/": exchange(headers=[("Date", "now"), ("Server", "nginx")])})
    yield passes("alike", check, http=here, http_of_other_family=here)
    later = Http({"/": exchange(headers=[("Server", "nginx"), ("Date", "later")])})
    yield passes("later", check, http=here, http_of_other_family=later)
    counted, more = (Http({"/": exchange(), "metrics": exchange(headers=[("Server", told)])}) for told in ("1", "2"))
    yield passes("metrics", check, http=counted, http_of_other_family=more)
    bare = Http({"/": exchange(404, headers=[("Date", "now")])})
    form = "content-type: application/json"
    yield fails(
        "another-host", check, f"/: 404; 100 bytes; {form}", f"/: 200; 100 bytes; {form}; server: nginx",
        http=here, http_of_other_family=bare,
    )  # fmt: skip


ROWS = [*of_tokens(), *of_exposure(), *of_cors(), *of_detours(), *of_families()]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure


def coded(part):
    return urlsafe_b64encode(part).decode().rstrip("=")


def signed(claims, key, algorithm="HS256"):
    head = ".".join(coded(json.dumps(part).encode()) for part in ({"alg": algorithm, "typ": "JWT"}, claims))
    return f"{head}.{coded(hmac.new(key.encode(), head.encode(), hashlib.sha256).digest())}"


TOKEN = signed({"sub": "admin", "type": "access"}, "a key that nobody knows")


def test_every_forgery_of_a_json_web_token_is_another_one():
    forged = dict(probe._forged(TOKEN, "refresh"))
    assert set(forged) == {
        "no token", "no such token", "alg none", "alg None", "no signature", "broken signature",
        "another's signature", "another user's claims", "refresh token",
    }  # fmt: skip
    assert len({*forged.values(), TOKEN}) == len(forged) + 1
    assert forged["alg none"].endswith(".")
    assert forged["another user's claims"].split(".")[2] == TOKEN.split(".")[2]


@pytest.mark.parametrize("token", ["abcdefghijkl", "a.b.c", "é", "..", "eyJhbGciOiJub25lIn0..x", "[1].[2].[3]"])
def test_a_token_of_another_kind_is_broken_as_it_is(token):
    forged = dict(probe._forged(token, ""))
    assert set(forged) == {"no token", "no such token", "broken token"}
    assert token not in forged.values()


@pytest.mark.parametrize(
    ("token", "key"),
    [
        (TOKEN, ""),
        (signed({}, "changeme"), "changeme"),
        (signed({}, ""), "the empty key"),
        (signed({}, "changeme", algorithm="HS512"), ""),
        ("opaque", ""),
    ],
)
def test_known_key(token, key):
    assert probe._known_key(token) == key
