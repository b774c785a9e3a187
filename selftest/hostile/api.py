"""JSON: applications that answer login, me and knowledge with what fools or floods a client. Each changes answers."""

import json

from selftest.application import KNOWLEDGE, LOGIN, ME, answer
from selftest.hostile.table import ENTRY, ESCAPES, JWT, MARKUP, PASSWORD, PLANTED, TOKEN, Table

API = Table()
LOGS_IN, IS_ME, LISTS = "login_gives_a_token", "me_is_who_logged_in", "knowledge_is_a_list_of_records"


@API.case("failed", "500", LOGS_IN)
def error_page_echoes_the_password(answers):
    """Shows the request, password and all, on its error page."""
    page = f"<pre>{MARKUP}{ESCAPES} username=admin password={PASSWORD} {json.dumps(PASSWORD)} {PLANTED}</pre>"
    answers[LOGIN] = answer(page.encode(), status="500 Oops")


@API.case("passed", "data.access_token", LOGS_IN)
def token_everywhere(answers):
    """Repeats the token in a header, in the message, in a page and for a user's name."""
    answers[LOGIN] = answer({"data": {"access_token": TOKEN}, "message": f"hello {TOKEN}"}, f"X-Token: {TOKEN}")
    answers[ME] = answer({"username": TOKEN, "you": {"token": TOKEN}}, f"Set-Cookie: t={TOKEN}")
    answers[""] = answer(f"{TOKEN} {TOKEN[::1]} {PASSWORD}".encode(), status="404 Not Found")


@API.case("failed", "token in no place", LOGS_IN)
def token_is_an_object(answers):
    """Has an object where the token is due."""
    answers[LOGIN] = answer({"access_token": {"token": JWT}})


@API.case("failed", "token in no place", LOGS_IN)
def token_with_line_breaks(answers):
    """Has a token that would add headers to the next request."""
    answers[LOGIN] = answer({"access_token": "abc\r\nX-Admin: yes\r\n\r\nGET / HTTP/1.1"})


@API.case("failed", "", "header_on_every_surface")
def token_of_a_megabyte(answers):
    """Has a token as long as a book."""
    answers[LOGIN] = answer({"access_token": "a" * 2**20})


@API.case("failed", "no JSON", LOGS_IN)
def nested_without_end(answers):
    """Opens a hundred thousand brackets."""
    answers[LOGIN] = answer(b'{"access_token":' + b"[" * 100_000)


@API.case("failed", "no JSON", LOGS_IN)
def number_of_many_digits(answers):
    """Has a number of 5000 digits beside the token."""
    answers[LOGIN] = answer(b'{"access_token": "abcdefgh", "expires_in": ' + b"9" * 5000 + b"}")


@API.case("failed", "error: <script>", LOGS_IN)
def says_no_with_a_token(answers):
    """Says that it failed, beside a token and markup."""
    answers[LOGIN] = answer({"access_token": TOKEN, "success": f"no {ESCAPES}", "error": MARKUP + ESCAPES})


@API.case("failed", "user ", IS_ME)
def user_with_escapes(answers):
    """Is called a script, in red, from right to left."""
    answers[ME] = answer({"username": f"admin{ESCAPES}{MARKUP}"})


@API.case("failed", "user ", IS_ME)
def user_with_secrets(answers):
    """Has an environment for a user's name."""
    answers[ME] = answer({"username": PLANTED, "error": f"password={ENTRY}"})


@API.case("failed", "are no objects", LISTS)
def records_that_are_numbers(answers):
    """Has a hundred thousand numbers where objects are due."""
    answers[KNOWLEDGE] = answer(b"[" + b"1," * 100_000 + b"1]")


@API.case("failed", "no list", LISTS)
def not_a_number(answers):
    """Has Infinity and NaN, which are no JSON, and an object of objects for a list."""
    answers[KNOWLEDGE] = answer(b'{"data": {"items": {"a": NaN, "b": -Infinity, "c": 1e999}}}')


@API.case("failed", "byte order mark", LISTS)
def byte_order_mark(answers):
    """Begins its list with a byte order mark."""
    answers[KNOWLEDGE] = answer(b"\xef\xbb\xbf" + json.dumps([{"id": 1}]).encode())


@API.case("failed", "401", LISTS)
def refuses_with_secrets(answers):
    """Refuses the token and shows it, with a challenge full of escapes."""
    told = f"WWW-Authenticate: Bearer realm={MARKUP} {TOKEN}"
    answers[KNOWLEDGE] = answer({"headers": f"Authorization: Bearer {TOKEN}", "env": PLANTED}, told, status="401 No")


@API.case("error", "429", "wrong_password_is_refused")
def too_many_requests(answers):
    """Lets nobody log in."""
    answers[LOGIN] = answer({"error": MARKUP}, "Retry-After: " + "9" * 400, status="429 Slow Down")
