"""The stages of the load probe against servers of a known kind."""

import os
import signal
import threading
import time

import pytest

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.load import may_be_slower
from cutover.probes import load
from selftest.load_servers import (
    LIMIT,
    LOOKS,
    OPEN,
    PAGE,
    QUIET,
    REQUESTS,
    SLOW,
    SORRY,
    Stall,
    believed,
    descendants,
    page,
    peer_of,
    slowly,
    words_of,
)
from selftest.test_load import own, reply, serving
from tests_perf import test_declared_load as declared

# What a server answers to request n of the load, and the failures of 100 on kept connections. What fails whatever the
# connection is in test_load.py.
KEPT = {
    "first is slow": (lambda n: time.sleep(SLOW * (n == 0)) or page(), {}),
    "body cut short": (
        lambda n: reply(200, PAGE[:200], length=len(PAGE)) if n % 25 == 3 else page(),
        {"wrong-body": 4},
    ),
    "an error page with 200": (lambda n: reply(200, SORRY) if n % 20 == 19 else page(), {"wrong-body": 5}),
}


@pytest.mark.parametrize("name", KEPT)
def test_known_server_on_kept_connections(authority, ca, name):
    answer, failures = KEPT[name]
    # What is cut short ends the connection.
    hang_up = name == "body cut short"
    with serving(own(authority), lambda n: answer(n - QUIET) if n >= QUIET else page(), keep=not hang_up) as server:
        facts = load.kept(peer_of(server, ca))
    assert facts.failures == failures
    assert len(facts.samples) == facts.requests == len(server.asked) - QUIET == 100
    assert not any("Connection: close" in request for request in server.asked[QUIET:])
    if not hang_up:
        assert len(server.connections) - LOOKS <= facts.concurrency == 10


def at_a_rate(authority, ca, answer):
    """The open stage against that server; a new one each time, whose requests are counted from the load's first."""

    def measure(_):
        mine = answer()
        with serving(own(authority), lambda n: mine(n - QUIET) if n >= QUIET else page(), keep=True) as server:
            peer = peer_of(server, ca, OPEN)
            facts = load.open_model(peer)
        assert len(facts.samples) == facts.requests == len(server.asked) - QUIET == REQUESTS
        # Due every so often, whatever became of those before.
        due = [n / facts.offered for n in range(REQUESTS)]
        assert [sample.started for sample in facts.samples] == pytest.approx(due, abs=1e-5)
        return facts, peer.target

    return believed(measure, None)


# What a server answers, and how many of the open stage's requests are slower than its limit, at least and at most.
OPEN_MODEL = {
    "first is slow": (lambda: lambda n: time.sleep(SLOW * (n == 0)) or page(), 1, 1),
    "six of a hundred are slow": (lambda: slowly(3, 50), 6, 20),
    # Due from 0.6 s on, every thirtieth of a second, and answered when 2.6 s had passed.
    "a stall": (lambda: Stall(19, 2.0), 30, 70),
}


@pytest.mark.parametrize("name", OPEN_MODEL)
def test_known_server_at_a_rate(authority, ca, name):
    answer, fewest, most = OPEN_MODEL[name]
    facts, target = at_a_rate(authority, ca, answer)
    slow = facts.slower_than(LIMIT)
    assert fewest <= slow <= most
    if slow == may_be_slower(REQUESTS) == 1:
        declared.test_declared_rate_is_answered_in_time(facts, target)
    else:
        with pytest.raises(AssertionError):
            declared.test_declared_rate_is_answered_in_time(facts, target)


def test_more_than_a_share_of_errors_ends_a_stage_early(authority, ca):
    stages = {"open": {"rate": 60, "seconds": 20}}
    answer = lambda n: page() if n < 100 else reply(503, SORRY)  # noqa: E731
    with serving(own(authority), answer, keep=True) as server:
        facts = load.open_model(peer_of(server, ca, stages))
    assert facts.stopped.endswith("of the last 40 requests: 5xx or no answer")
    assert 100 < len(facts.samples) < 500
    assert f"stopped early: {facts.stopped}" in facts.evidence[0].answer


def test_a_slow_load_machine_makes_a_stage_inconclusive(authority, ca):
    """The load machine stands still for a while, the host does not."""
    done = threading.Event()

    def answer(n):
        if n == QUIET + 20 and not done.is_set():
            done.set()
            (pid,) = [pid for pid in descendants() if b"locust" in words_of(pid)]
            os.kill(pid, signal.SIGSTOP)
            threading.Timer(1.0, os.kill, (pid, signal.SIGCONT)).start()
        return page()

    with (
        serving(own(authority), answer, keep=True) as server,
        pytest.raises(ProbeError, match=r"this machine was too slow for the load: \d+ of 96 requests began more than"),
    ):
        load.open_model(peer_of(server, ca, OPEN))


def test_a_ramp_finds_where_the_promise_breaks(authority, ca):
    """A server with two hands: each answer takes a tenth of a second of one of them."""
    hands = threading.BoundedSemaphore(2)

    def answer(n):
        with hands:
            time.sleep(0.1)
        return page()

    stages = {"ramp": {"users": [1, 4, 40, 80], "seconds": 2, "holds": 4}}
    with serving(own(authority), answer, keep=True) as server:
        peer = peer_of(server, ca, stages)
        facts = load.ramp(peer)
    assert facts.knee == 4
    assert facts.broken.concurrency == 40
    assert [step.concurrency for step in facts.steps] == [1, 4, 40]
    assert facts.steps[2].quantile(0.95) > LIMIT
    assert "40 users: " in facts.evidence[0].answer
    declared.test_declared_users_are_served_in_time(facts, peer.target)


def test_a_ramp_ends_with_its_budget(authority, ca):
    stages = {"ramp": {"users": [1, 2, 3], "seconds": 1, "holds": 1}, "requests": 250}
    with serving(own(authority), page, keep=True) as server:
        facts = load.ramp(peer_of(server, ca, stages))
    assert facts.ended == "the budget of 250 requests was used up before 2 users"
    assert len(server.asked) - QUIET == 50


@pytest.mark.parametrize(
    ("stages", "permitted", "told"),
    [
        (None, False, "load.open is not declared"),
        ({"ramp": {}}, True, "load.open is not declared"),
        (OPEN, False, "its load is declared, and needs to be permitted: --load"),
    ],
)
def test_what_is_not_declared_or_not_permitted_is_not_done(authority, ca, stages, permitted, told):
    with serving(own(authority), page) as server:
        with pytest.raises(NotDeclared, match=told):
            load.open_model(peer_of(server, ca, stages, permitted))
        assert server.connections == []
