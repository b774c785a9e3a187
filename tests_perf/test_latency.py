"""Section 13: response times of the quiet host."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.api import Login
from cutover.facts.latency import CLAIM, PLAN, Answer, Endpoint, Latency
from cutover.inventory import Target


@control("13.response-time")
def test_first_request_answers_in_time(latency: Latency, target: Target) -> None:
    """The checklist's `time curl`: one request on a new connection, with the name looked up where DNS leads here.
    A single one misses a delay that hits one request in ten: the series beside it do not.

    Mend: the longest phase tells where: DNS: resolvers; connect, TLS: network, nginx; first byte: app.log, CPU, disk
    """
    first, limit = latency.first, target.limits.answers_within(latency.first.endpoint)
    state = f"{first.seconds:.3f} s ({first.split})" + (f"; {first.wrong}" if first.wrong else "")
    given = seen((first.seconds <= limit, first.wrong), state, where=latency.url)
    assert given == promised((True, ""), f"one right answer within {limit:g} s")


@control("13.response-time")
@pytest.mark.parametrize("endpoint", ["root", "me", "knowledge"])
def test_endpoint_answers_in_time(endpoint: Endpoint, latency: Latency, target: Target) -> None:
    """So many answers on a warm connection support the claim by the exact binomial distribution: with more of them
    slower, or fewer timed, it could not be made. A wrong answer is not a fast one: the first ends the series.

    Mend: look for the slow part: sudo tail app.log, worker count (./run_production.sh status), disk and CPU (top)
    """
    series, limit = latency.of(endpoint), target.limits.answers_within(endpoint)
    slower = sum(answer.seconds > limit for answer in series.answers)
    given = seen(series.holds(slower), series.told(slower), where=f"{series.url}, on one connection")
    assert given == promised(True, f"right answers, {limit:g} s for {CLAIM} ({PLAN})")


@control("13.response-time")
def test_new_connections_answer_in_time(latency: Latency, target: Target) -> None:
    """Who comes for the first time waits for connection and TLS too, and that takes as long whatever is asked for:
    the endpoints are asked in turn, and one claim is made of all. It needs no fewer answers than any other claim.

    Mend: connect: packet loss, backlog; TLS: certificate chain, key size, CPU; first byte: mend the endpoints first
    """
    limits, series = target.limits, latency.new

    def is_slower(answer: Answer) -> bool:
        return answer.seconds > limits.answers_within(answer.endpoint)

    slower = sum(map(is_slower, series.answers))
    several = sorted({limits.answers_within(answer.endpoint) for answer in series.answers})
    limit = " or ".join(f"{each:g}" for each in several) + " s"
    given = seen(series.holds(slower), series.told(slower), where=f"{series.url}, a new connection each")
    assert given == promised(True, f"right answers, {limit} for {CLAIM} ({PLAN})")


@control("13.response-time")
def test_login_answers_in_time(login: Login, target: Target) -> None:
    """The run's one login, timed before all else. It is limited to 5 a minute, so nobody times a hundred: one that is
    in time proves little, and one that is not is the delay that a user sees.

    Mend: sudo tail app.log; the cost of the password hash against the CPU; worker count (./run_production.sh status)
    """
    exchange, limit = login.exchange, target.limits.answers_within("login")
    answer = Answer("login", exchange.status, exchange.content_type, exchange.phases, 0.0, exchange.flaw)
    state = f"{answer.seconds:.3f} s ({answer.split})" + (f"; {answer.wrong}" if answer.wrong else "")
    given = seen((answer.seconds <= limit, answer.wrong), state, where=exchange.url)
    assert given == promised((True, ""), f"one right answer within {limit:g} s")
