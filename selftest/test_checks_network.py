"""The checks of tests_network, each with facts that keep the promise and facts that break it."""

from dataclasses import replace

import pytest

from cutover.facts.api import Api, Login
from cutover.facts.http import REDIRECT_PATHS, Http
from cutover.facts.ports import Ports
from cutover.inventory import Credentials, Limits, Target
from cutover.inventory import Ports as PromisedPorts
from selftest.rows import AT, HOST, TARGET, exchange, fails, judge, passes
from tests_network import test_endpoints as endpoints
from tests_network import test_ports as ports
from tests_network import test_redirect as redirects

HTML = "text/html; charset=utf-8"
MORE = "more came than it announced"
STATES = dict.fromkeys(TARGET.ports.open, "open") | dict.fromkeys(TARGET.ports.closed, "filtered")
OTHER_PORTS = Target(host=HOST, ports=PromisedPorts(https=8443, http=8080))
MANY = Target(host=HOST, limits=Limits(knowledge_records=500))
NONE = Target(host=HOST, limits=Limits(knowledge_records=0))
OPERATOR = Target(host=HOST, credentials=Credentials(username="operator"))


def front(answer):
    return Http({"/": answer})


def api(me=None, username="admin", knowledge=None, records=3, **more):
    return Api(me or exchange(path="/me"), username, knowledge or exchange(path="/knowledge"), records, **more)


def of_front_page():
    check, promised = endpoints.test_front_page_answers, "200 with HTML or JSON"
    yield passes("html", check, http=front(exchange(content_type=HTML)))
    yield passes("json", check, http=front(exchange(content_type="Application/JSON")))
    for case, answer, seen in (
        ("502", exchange(502, HTML), "502, text/html, 100 bytes"),
        ("204", exchange(204, ""), "204, no content type, 100 bytes"),
        ("301", exchange(301, HTML), "301, text/html, 100 bytes"),
        ("plain", exchange(content_type="text/plain"), "200, text/plain, 100 bytes"),
        (
            "two-types",
            exchange(content_type=HTML, headers=(("content-type", "text/plain"),)),
            "200, text/html | text/plain, 100 bytes",
        ),
        ("octets", exchange(content_type=""), "200, no content type, 100 bytes"),
        ("cut", exchange(content_type=HTML, complete=False), "200, text/html, 100 bytes, cut short"),
        ("more", exchange(content_type=HTML, surplus=True), f"200, text/html, 100 bytes, {MORE}"),
    ):
        yield fails(case, check, promised, seen, http=front(answer))
    yield fails(
        "empty",
        check,
        promised,
        "200, text/html, 0 bytes",
        http=front(exchange(content_type=HTML, length=0)),
    )


def of_login():
    check = endpoints.test_login_gives_a_token
    promised = "200 with a token in access_token or data.access_token"
    for place in TARGET.endpoints.token_in:
        yield passes(place, check, login=Login(exchange(), place), target=TARGET)
    for case, login, seen in (
        ("no-token", Login(exchange(), ""), "200, application/json, token in no place"),
        ("401", Login(exchange(401), ""), "401, application/json, token in no place"),
        ("429", Login(exchange(429, ""), ""), "429, no content type, token in no place"),
        ("html", Login(exchange(content_type=HTML), ""), "200, text/html, token in no place"),
        ("201", Login(exchange(201), "access_token"), "201, application/json, token in access_token"),
        (
            "cut",
            Login(exchange(complete=False), "access_token"),
            "200, application/json, token in access_token, cut short",
        ),
        (
            "more",
            Login(exchange(surplus=True), "access_token"),
            f"200, application/json, token in access_token, {MORE}",
        ),
        (
            "denied",
            Login(exchange(), "access_token", "success: false"),
            "200, application/json, token in access_token, success: false",
        ),
    ):
        yield fails(case, check, promised, seen, login=login, target=TARGET)


def of_me():
    check, promised = endpoints.test_me_is_who_logged_in, "200 with JSON, user admin"
    yield passes("admin", check, api=api(), target=TARGET)
    yield passes("operator", check, api=api(username="operator"), target=OPERATOR)
    for case, facts, seen in (
        ("other", api(username="root"), "200, application/json, user root"),
        ("nobody", api(username=None), "200, application/json, user nowhere"),
        ("500", api(exchange(500)), "500, application/json, user admin"),
        ("html", api(exchange(content_type=HTML), None), "200, text/html, user nowhere"),
        ("case", api(username="Admin"), "200, application/json, user Admin"),
        ("cut", api(exchange(complete=False)), "200, application/json, user admin, cut short"),
        ("more", api(exchange(surplus=True)), f"200, application/json, user admin, {MORE}"),
        ("denied", api(me_objection="error: gone"), "200, application/json, user admin, error: gone"),
    ):
        yield fails(case, check, promised, seen, api=facts, target=TARGET)
    promised, seen = "200 with JSON, user operator", "200, application/json, user admin"
    yield fails("operator", check, promised, seen, api=api(), target=OPERATOR)


def of_knowledge():
    check, promised = endpoints.test_knowledge_is_a_list_of_records, "200 with JSON, at least 1 records"
    yield passes("one", check, api=api(records=1), target=TARGET)
    yield passes("500", check, api=api(records=500), target=MANY)
    yield passes("none-promised", check, api=api(records=0), target=NONE)
    for case, facts, seen in (
        ("empty", api(records=0), "200, application/json, 0 records"),
        ("object", api(records=None), "200, application/json, no list"),
        ("html", api(knowledge=exchange(content_type=HTML), records=None), "200, text/html, no list"),
        ("html-list", api(knowledge=exchange(content_type=HTML)), "200, text/html, 3 records"),
        ("503", api(knowledge=exchange(503)), "503, application/json, 3 records"),
        ("no-objects", api(no_objects=2), "200, application/json, 2 of 3 are no objects"),
        (
            "denied",
            api(knowledge_objection="success: false"),
            "200, application/json, 3 records, success: false",
        ),
    ):
        yield fails(case, check, promised, seen, api=facts, target=TARGET)
    least = "200 with JSON, at least 500 records"
    yield fails("499", check, least, "200, application/json, 499 records", api=api(records=499), target=MANY)
    least = "200 with JSON, at least 0 records"
    yield fails("no-list", check, least, "200, application/json, no list", api=api(records=None), target=NONE)
    cut = api(knowledge=exchange(complete=False))
    yield fails("cut", check, promised, "200, application/json, 3 records, cut short", api=cut, target=TARGET)
    more = api(knowledge=exchange(surplus=True))
    yield fails("more", check, promised, f"200, application/json, 3 records, {MORE}", api=more, target=TARGET)

    check = endpoints.test_knowledge_is_refused_without_a_token
    for status in (200, 301, 403, 404, 429, 502):
        yield fails(str(status), check, "401", str(status), http=Http({"api without token": exchange(status)}))
    yield passes("401", check, http=Http({"api without token": exchange(401)}))


def of_ports():
    check = ports.test_promised_ports_are_open
    yield passes("all", check, ports=Ports("192.0.2.1", AT, STATES), target=TARGET)
    for port, state in ((22, "filtered"), (80, "refused"), (443, "refused")):
        found = Ports("192.0.2.1", AT, STATES | {port: state})
        yield fails(f"{port}-{state}", check, f"{port}: open", f"{port}: {state}", ports=found, target=TARGET)

    check = ports.test_all_other_ports_are_closed
    promised = "none of 8000, 5432, 3306, 6379, 9090, 9100, 11211, 27017 open"
    yield passes("filtered", check, ports=Ports("192.0.2.1", AT, STATES), target=TARGET)
    refused = dict.fromkeys(TARGET.ports.closed, "refused")
    yield passes("refused", check, ports=Ports("192.0.2.1", AT, STATES | refused), target=TARGET)
    for port in TARGET.ports.closed:
        found = Ports("192.0.2.1", AT, STATES | {port: "open"})
        yield fails(f"{port}-open", check, promised, str(port), ports=found, target=TARGET)
    two = Ports("2001:db8::1", AT, STATES | {8000: "open", 5432: "open"})
    yield fails("two-open", check, promised, "5432, 8000", ports=two, target=TARGET)


def of_redirect():
    for path in REDIRECT_PATHS:
        moved = exchange(301, headers=(("location", f"https://{HOST}{path}"),), path=path)

        def led(status=301, *to, path=path):
            return Http({path: exchange(status, headers=tuple(("Location", where) for where in to))})

        check = redirects.test_http_is_redirected_with_301
        yield passes("301", check, redirect=Http({path: moved}), path=path)
        for status in (200, 302, 303, 307, 308, 404):
            yield fails(str(status), check, "301", str(status), redirect=led(status), path=path)

        check, good = redirects.test_redirect_keeps_host_path_and_query, f"https://{HOST}{path}"
        yield passes("kept", check, redirect=Http({path: moved}), target=TARGET, path=path)
        other = f"https://{HOST}:8443{path}"
        yield passes("port", check, redirect=led(301, other), target=OTHER_PORTS, path=path)
        yield fails("port-lost", check, other, good, redirect=led(301, good), target=OTHER_PORTS, path=path)
        for case, seen in (
            ("host", f"https://www.example.com{path}"),
            ("address", f"https://192.0.2.1{path}"),
            ("plain", f"http://{HOST}{path}"),
            ("relative", path),
            ("path", f"https://{HOST}{path}x"),
            ("front", f"https://{HOST}/index.html"),
        ):
            yield fails(case, check, good, seen, redirect=led(301, seen), target=TARGET, path=path)
        yield fails("none", check, good, "no Location", redirect=led(200), target=TARGET, path=path)
        yield fails("twice", check, good, f"{good}, {good}", redirect=led(301, good, good), target=TARGET, path=path)


ROWS = [*of_front_page(), *of_login(), *of_me(), *of_knowledge(), *of_ports(), *of_redirect()]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure


def test_a_content_type_is_compared_without_its_parameters_and_case():
    assert replace(exchange(), headers=(("CONTENT-TYPE", "Text/HTML;charset=x"),)).content_type == "text/html"
