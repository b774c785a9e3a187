"""Known servers, each timed and judged: the slow, the cold, the tired, the cut and the wrong."""

import dataclasses
import ssl
import time
from collections import Counter

import dns.resolver
import pytest

from cutover.errors import ProbeError
from cutover.facts import latency as facts_of_latency
from cutover.facts.http import Phases
from cutover.facts.latency import Answer, Latency
from cutover.facts.sampling import Plan
from cutover.inventory import Limits, Target
from cutover.probes import dialling, latency, names, saved, sent, wire
from selftest.application import KNOWLEDGE, LOGIN, ME, Application, answer
from selftest.rows import HOST, Row, judge
from tests_perf import test_latency as checks

LIMIT = 0.3  # seconds, by a clock that stands still but for what the server says it takes
SLOW = 2 * LIMIT
TICK = 0.001  # seconds, by which it is later whenever somebody looks
MANY = {"root": 61, "me": 61, "knowledge": 61, "new": 61}
# For what does not turn on how many answers there are: the same shape, and sooner at its end.
SHORT = Plan(((13, 0), (26, 1)))
FEW = dict.fromkeys(MANY, 13)
PAGE = answer(b"<h1>Hello</h1>").replace(b"application/json", b"text/html")


class Clock:
    """In place of the module ``time``: what is measured does not depend on how fast this machine is."""

    def __init__(self):
        self.now, self.looks = 1000.0, 0

    def monotonic(self):
        self.looks += 1
        self.now += TICK
        return self.now

    def wait(self, seconds):
        self.now += seconds
        return False


class Timed(Application):
    """Answers the n-th request for a path after ``delay(path, n)`` seconds, with ``other(path, n)`` if that is one."""

    def __init__(self, folder, monkeypatch):
        super().__init__(folder, monkeypatch)
        self.answers["/"] = PAGE
        self.counts = Counter()
        self.clock = Clock()
        for module in (wire, dialling, latency):
            monkeypatch.setattr(module, "time", self.clock)
        self.delay = lambda path, number: 0.0
        self.other = lambda path, number: None

    def reply(self, path):
        self.counts[path] += 1
        self.clock.wait(self.delay(path, self.counts[path]))
        other = self.other(path, self.counts[path])
        return super().reply(path) if other is None else other

    def judged(self, **limits):
        """The facts, and what is seen instead of what was promised, by check."""
        told = {"connect_seconds": 5.0, "answer_seconds": 5.0, "response_seconds": LIMIT} | limits
        told["requests_per_minute"] = 1_000_000
        login, facts = self.look("login", "latency", limits=told)
        target = Target(host=HOST, limits=Limits(**told))
        rows = {
            "first": Row(checks.test_first_request_answers_in_time, {"latency": facts, "target": target}, None),
            "new": Row(checks.test_new_connections_answer_in_time, {"latency": facts, "target": target}, None),
            "login": Row(checks.test_login_answers_in_time, {"login": login, "target": target}, None),
        }
        for endpoint in ("root", "me", "knowledge"):
            more = {"endpoint": endpoint, "latency": facts, "target": target}
            rows[endpoint] = Row(checks.test_endpoint_answers_in_time, more, None)
        return facts, {name: told[1] for name, row in rows.items() if (told := judge(row))}


@pytest.fixture
def site(tmp_path, monkeypatch):
    return Timed(tmp_path, monkeypatch)


@pytest.fixture
def short(monkeypatch):
    for module in (facts_of_latency, latency, checks):
        monkeypatch.setattr(module, "PLAN", SHORT)


def sizes(facts):
    return {endpoint: len(series.answers) for endpoint, series in facts.warm.items()} | {"new": len(facts.new.answers)}


def test_a_healthy_server_is_asked_for_as_many_answers_as_the_claim_takes(site):
    facts, failed = site.judged(response_seconds=5.0)
    assert failed == {}
    assert sizes(facts) == MANY
    assert site.counts == {"/": 1 + 61 + 21, LOGIN: 1, ME: 1 + 61 + 20, KNOWLEDGE: 1 + 1 + 61 + 20}
    # The login, the first, three warm ones, and those that are new.
    assert site.connections - 1 - sum(head.startswith("POST") for head in site.asked) == 1 + 3 + 61 + 1


@pytest.mark.usefixtures("short")
def test_where_the_time_goes(site):
    site.delay = lambda path, number: 0.05 if number in (1, 3) else 0.0
    facts, _ = site.judged(response_seconds=5.0)
    assert all(facts.warm[endpoint].answers[1].phases.first_byte >= 0.05 for endpoint in ("root", "me"))
    for series in facts.warm.values():
        assert series.warm_up.phases.tls > 0
        assert all((each.phases.connect, each.phases.tls, each.dns) == (0, 0, 0) for each in series.answers)
    for each in (facts.first, *facts.new.answers):
        assert min(each.phases.connect, each.phases.tls, each.phases.body) > 0
    assert facts.first.seconds >= 0.05 + facts.first.phases.connect + facts.first.phases.tls
    assert facts.first.phases.first_byte >= 0.05


@pytest.mark.usefixtures("short")
def test_a_body_that_trickles_is_told_from_an_answer_that_is_late(site):
    body = b'[{"id": 1}]'
    head, asked = answer(body)[: -len(body)], []

    def pause():
        # Until the client has looked at the clock for the head.
        guard = time.monotonic() + 30
        while site.clock.looks == asked[0] and time.monotonic() < guard:
            time.sleep(0.001)
        site.clock.wait(SLOW)

    def trickle(path, number):
        if (path, number) != (KNOWLEDGE, 1):
            return None
        asked.append(site.clock.looks)
        return head, pause, body

    site.other = trickle
    facts, failed = site.judged()
    assert set(failed) == {"first"}
    assert facts.first.phases.body > LIMIT > facts.first.phases.first_byte


def test_6_percent_of_answers_take_longer(site):
    site.delay = lambda path, number: SLOW if path == KNOWLEDGE and number % 16 == 8 else 0.0
    facts, failed = site.judged()
    # Of the new connections one in three asks for it.
    assert set(failed) == {"knowledge", "new"}
    slow = [number for number, each in enumerate(facts.warm["knowledge"].answers, 1) if each.seconds > LIMIT]
    assert len(slow) == 2
    assert slow[-1] == len(facts.warm["knowledge"].answers)
    assert failed["knowledge"].startswith(f"2 of {slow[-1]} slower; median 0.0")
    assert "first byte 0.6" in failed["knowledge"]


@pytest.mark.usefixtures("short")
def test_one_late_answer_is_made_up_for_by_more_answers(site):
    site.delay = lambda path, number: SLOW if (path, number) == (ME, 9) else 0.0
    facts, failed = site.judged()
    assert failed == {}
    assert sizes(facts) == FEW | {"me": 26}


@pytest.mark.usefixtures("short")
def test_only_the_first_request_is_slow(site):
    site.delay = lambda path, number: SLOW if (path, number) == (KNOWLEDGE, 1) else 0.0
    facts, failed = site.judged()
    assert set(failed) == {"first"}
    assert failed["first"].startswith("0.6")
    assert sizes(facts) == FEW


@pytest.mark.usefixtures("short")
def test_what_warms_up_on_each_connection_is_told_apart(site):
    first = []
    site.delay = lambda path, number: SLOW if path == ME and not first.append(number) and len(first) == 1 else 0.0
    facts, failed = site.judged()
    assert failed == {}
    assert facts.warm["me"].warm_up.seconds > LIMIT
    assert "; after a first of 0.6" in facts.warm["me"].told(0)


@pytest.mark.usefixtures("short")
def test_429_after_10_requests_ends_each_series_and_is_no_fast_answer(site):
    refusal = answer({"error": "slow down"}, "Retry-After: 60", status="429 Too Many Requests")
    site.other = lambda path, number: refusal if sum(site.counts.values()) > 10 else None
    facts, failed = site.judged()
    told = "429, application/json, error: slow down"
    assert set(failed) == {"root", "me", "knowledge", "new"}
    assert failed["root"].endswith(f"; answer 8: {told}")
    assert (failed["me"], failed["knowledge"], failed["new"].rpartition("; ")[2]) == (
        f"the warm-up: {told}",
        f"the warm-up: {told}",
        f"answer 1: {told}",
    )
    assert sum(site.counts.values()) == 14
    assert sizes(facts) == {"root": 8, "me": 0, "knowledge": 0, "new": 1}


WRONG = {
    "cut": (answer([{"id": 1}])[:-3], "200, application/json, cut short"),
    "error page with 200": (PAGE, "200, text/html"),
    "denial with 200": (answer({"success": False}), "200, application/json, success: false"),
    "surplus": (answer([]) + b"!", "200, application/json, more came than it announced"),
    "503": (answer([], status="503 No"), "503, application/json"),
    "no type": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "200, no content type"),
    "no answer": (b"", "127.0.0.1: GET {url} gave no HTTP answer (Remote end closed connection without response)"),
}


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("sent", "told"), WRONG.values(), ids=WRONG)
def test_a_wrong_answer_is_no_fast_one(site, sent, told):
    site.other = lambda path, number: sent if path == KNOWLEDGE and number == 12 else None
    facts, failed = site.judged(response_seconds=5.0)
    assert set(failed) == {"knowledge"}
    assert failed["knowledge"].rpartition("; ")[2] == f"answer 10: {told.format(url=facts.url)}"
    assert sizes(facts) == FEW | {"knowledge": 10}


@pytest.mark.usefixtures("short")
def test_a_slow_login_is_timed_once_and_never_again(site):
    site.delay = lambda path, number: SLOW if path == LOGIN else 0.0
    _, failed = site.judged()
    assert set(failed) == {"login"}
    assert failed["login"].startswith("0.6")
    assert site.counts[LOGIN] == 1


@pytest.mark.usefixtures("short")
def test_an_endpoint_has_the_limit_that_was_declared_for_it(site):
    site.delay = lambda path, number: 0.1 if path == ME else 0.0
    _, failed = site.judged(response_seconds=5.0, me_seconds=0.05)
    assert set(failed) == {"me", "new"}
    assert failed["me"].startswith("2 of 2 slower")
    # Of three in turn, each second one is too slow by the measure of its own endpoint.
    assert failed["new"].startswith("2 of 5 slower")


@pytest.mark.usefixtures("short")
def test_without_a_password_the_root_is_timed_alone(site, monkeypatch):
    monkeypatch.delenv("SELFTEST_PASSWORD")
    (facts,) = site.look("latency")
    assert sizes(facts) == {"root": 13, "new": 13}
    assert site.counts == {"/": 1 + 1 + 13 + 13}
    with pytest.raises(ProbeError, match="SELFTEST_PASSWORD, which the inventory names, is not set"):
        facts.of("me")


@pytest.mark.usefixtures("short")
def test_a_server_that_never_answers_was_not_looked_at(site):
    site.other = lambda path, number: b"" if path == KNOWLEDGE else None
    (cause,) = site.look("latency")
    assert isinstance(cause, ProbeError)
    assert "gave no HTTP answer" in cause.cause
    assert site.counts[KNOWLEDGE] == 1


@pytest.mark.usefixtures("short")
def test_the_time_is_bounded_and_too_few_answers_are_no_verdict(site, monkeypatch):
    monkeypatch.setattr(latency, "SECONDS", 0.2)
    site.delay = lambda path, number: 0.05 if path == "/" else 0.0
    (facts,) = site.look("latency")
    assert 1 < len(facts.warm["root"].answers) < 61
    assert sizes(facts) | {"root": 0} == {"root": 0, "me": 0, "knowledge": 0, "new": 0}
    for endpoint in ("root", "knowledge"):
        with pytest.raises(ProbeError, match="no time for enough of them to tell"):
            judge(
                Row(
                    checks.test_endpoint_answers_in_time,
                    {"endpoint": endpoint, "latency": facts, "target": Target(host=HOST)},
                    None,
                )
            )


@pytest.mark.usefixtures("short")
def test_the_facts_survive_being_saved(site, tmp_path):
    (facts,) = site.look("latency")
    saved.write(tmp_path / "latency.json", facts)
    assert saved.read(tmp_path / "latency.json", Latency) == facts
    assert facts.evidence[0].asked.startswith("GET https://")
    assert len(facts.evidence) == 5


def test_no_more_requests_are_sent_in_a_minute_than_the_host_takes(monkeypatch):
    clock = Clock()
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(sent, "time", clock)
    monkeypatch.setattr(sent, "INTERRUPTED", clock)
    for number in range(10):
        clock.now = 1000.0 + number
        assert sent.wait_for_room("a", 1, 10) == 0
        sent.count("a")
    assert sent.wait_for_room("b", 10, 10) == 0
    assert sent.wait_for_room("a", 1, 10) == pytest.approx(sent.MINUTE - 9)
    sent.count("a")
    assert sent.wait_for_room("a", 1, 10) == pytest.approx(1)
    assert sent.wait_for_room("a", 99, 10) == pytest.approx(sent.MINUTE - 1)
    assert sent.wait_for_room("a", 99, 10) == 0


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize(("phase", "asked"), [("pre", False), ("post", True)])
def test_the_name_is_looked_up_where_dns_leads_here(site, monkeypatch, phase, asked):
    questions = []

    class Resolver:
        def resolve(self, name, kind, lifetime):
            questions.append((name, kind))
            site.clock.wait(0.01)

    monkeypatch.setattr(names, "resolver", lambda target: Resolver())
    (facts,) = site.look("latency", phase=phase)
    assert questions == ([(HOST, "A")] * 14 if asked else [])
    assert (facts.first.dns >= 0.01) == asked
    assert all((each.dns >= 0.01) == asked for each in facts.new.answers)
    assert not any(each.dns for series in facts.warm.values() for each in series.answers)


@pytest.mark.usefixtures("short")
def test_a_name_that_is_not_found_is_a_visit_that_failed(site, monkeypatch):
    class Resolver:
        left = 6

        def resolve(self, name, kind, lifetime):
            Resolver.left -= 1
            if not Resolver.left:
                raise dns.resolver.NoNameservers

    monkeypatch.setattr(names, "resolver", lambda target: Resolver())
    (facts,) = site.look("latency", phase="post")
    assert facts.new.wrong.startswith(f"answer 5: {HOST}: DNS gave no address: ")


def test_an_answer_s_time_is_told_by_phase():
    each = Answer("me", 200, "application/json", Phases(0.001, 0.02, 0.3, 0.004), dns=0.1)
    assert each.seconds == pytest.approx(0.425)
    assert each.split == "DNS 0.100, connect 0.001, TLS 0.020, first byte 0.300, body 0.004"
    warm = dataclasses.replace(each, phases=Phases(0.0, 0.0, 0.3, 0.0), dns=0.0)
    assert warm.split == "first byte 0.300, body 0.000"


def test_no_python_of_another_age_splits_differently():
    # The phases rest on the one method of urllib3 by which it makes a plain connection.
    from urllib3.connection import HTTPConnection, HTTPSConnection

    assert HTTPSConnection._new_conn is HTTPConnection._new_conn
    assert ssl.HAS_SNI
