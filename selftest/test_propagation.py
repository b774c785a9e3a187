"""Waiting for a change of DNS: against servers of our own, with the time between two looks made short."""

import os
import signal
import textwrap
import threading
import time
from ipaddress import ip_address
from types import SimpleNamespace

import pytest

from cutover.errors import ProbeError
from cutover.facts.dns import Resolver
from cutover.inventory import Target
from cutover.probes import propagation, query, survey
from cutover.report import terminal
from selftest.dns_facts import OLD, V4, V6, answers, facts, server, state
from selftest.dns_servers import NS2, RESOLVER, Servers, World
from selftest.rows import HOST

pytest_plugins = ["pytester"]

NEW = Target(host=HOST, addresses=(ip_address(V4), ip_address(V6)), resolvers=(ip_address(RESOLVER),))
GUARD_SECONDS = 30.0


@pytest.fixture
def world(monkeypatch):
    servers = Servers()
    monkeypatch.setattr(query, "PORT", servers.port)
    monkeypatch.setattr(query, "SECONDS", 1.0)
    monkeypatch.setattr(propagation, "SHORTEST", 0.1)
    yield World(servers)
    servers.close()


def at_once(missing):
    return propagation.not_yet(missing, NEW)


def test_nobody_is_waited_for_when_all_agree():
    assert at_once(facts()) == {}


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        (facts(server(1), server(2, answers=answers(a=[OLD]))), {"ns2.example.com 203.0.113.2": 0}),
        (facts(server(1), server(2, problem="answers REFUSED")), {"ns2.example.com 203.0.113.2": 0}),
        (facts(server(1), server(2, problem="silent", asked=False)), {}),
        (facts(server(1, answers=state("NXDOMAIN"))), {"ns1.example.com 203.0.113.1": 0}),
        (facts(resolvers=[Resolver("::1", answers(a=[OLD], seconds=212))]), {"::1": 212}),
        (facts(resolvers=[Resolver("::1", answers(aaaa=(), seconds=9))]), {"::1": 9}),
        (facts(resolvers=[Resolver("::1", state("does not answer"))]), {"::1": 0}),
    ],
    ids=["lags", "refuses", "out of reach", "gone", "cached", "no ipv6 yet", "silent"],
)
def test_who_is_waited_for(found, missing):
    assert at_once(found) == missing


def test_agreement_is_told_with_its_time(world):
    world.look()
    told = []
    (line,) = propagation.wait([NEW], 60, lambda *said: told.append(said))
    assert line.startswith(f"DNS of {HOST} agreed everywhere at 20")
    assert line.endswith("+00:00, after 0 s")
    assert told == []


def test_a_server_that_comes_later_is_waited_for(world):
    world.second.set(f"{HOST}.", "A", OLD)
    world.look()
    told = []

    def note(target, missing, left):
        told.append((target, missing))
        world.second.set(f"{HOST}.", "A", V4)

    (line,) = propagation.wait([NEW], 60, note)
    assert "agreed everywhere" in line
    assert told == [(HOST, {f"ns2.example.com {NS2}": 0})]


def test_the_time_ends_and_who_is_missing_is_told(world):
    world.second.set(f"{HOST}.", "A", OLD)
    world.look()
    (line,) = propagation.wait([NEW], 0.5, lambda *_: None)
    assert line == f"DNS of {HOST} did not agree within 0 s: ns2.example.com {NS2}"


def test_resolvers_that_do_not_answer_are_waited_for_too(monkeypatch):
    async def look(target):
        raise ProbeError("no resolver answers")

    monkeypatch.setattr(propagation, "look", look)
    (line,) = propagation.wait([NEW], 0.01, lambda *_: None)
    assert line == f"DNS of {HOST} did not agree within 0 s: no resolver answers"


def test_a_resolver_is_asked_again_when_its_cache_ends_and_at_least_once_a_minute(monkeypatch):
    slept = []
    looks = [facts(resolvers=[Resolver("::1", answers(a=[OLD], seconds=seconds))]) for seconds in (25, 86400, 0)] + [
        facts()
    ]

    async def look(target):
        return looks.pop(0)

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(propagation, "look", look)
    monkeypatch.setattr(propagation.asyncio, "sleep", sleep)
    propagation.wait([NEW], 3600, lambda *_: None)
    assert slept == [26, propagation.LONGEST, propagation.SHORTEST]


def test_who_is_missing_at_the_end_is_told_with_the_seconds_of_its_cache(monkeypatch):
    async def look(target):
        return facts(resolvers=[Resolver("::1", answers(a=[OLD], seconds=3600))])

    monkeypatch.setattr(propagation, "look", look)
    (line,) = propagation.wait([NEW], 0.01, lambda *_: None)
    assert line == f"DNS of {HOST} did not agree within 0 s: ::1 in 3600 s"


def test_ctrl_c_ends_it_at_once(monkeypatch):
    async def look(target):
        return facts(resolvers=[Resolver("::1", answers(a=[OLD], seconds=3600))])

    monkeypatch.setattr(propagation, "look", look)
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        propagation.wait([NEW], 3600, lambda *_: None)
    timer.join()
    assert time.monotonic() - begun < GUARD_SECONDS


CHECK = """
    from cutover.check import control

    @control("2.dns")
    def test_it(dns):
        \'\'\'Because.\'\'\'
"""


def test_it_is_waited_before_anybody_looks_and_told(pytester, monkeypatch, capsys):
    order = []

    def wait(targets, seconds, told):
        order.append(("wait", [(target.phase, target.in_dns) for target in targets], seconds))
        return ["DNS agreed everywhere at noon"]

    def look(target, _):
        order.append("look")
        return facts()

    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setattr(propagation, "wait", wait)
    monkeypatch.setitem(survey.PROBES, "dns", survey.PROBES["dns"]._replace(run=look))
    pytester.makepyfile(textwrap.dedent(CHECK))
    ran = pytester.inline_run(
        "-p", "cutover.plugin", "--host", HOST, "--address", V4, "--wait-dns", "30m", "-c", os.devnull
    )
    ran.assertoutcome(passed=1)
    assert order == [("wait", [("post", {V4})], 1800), "look"]
    assert "\nDNS agreed everywhere at noon\n" in capsys.readouterr().out


class Screen:
    """What a terminal is told."""

    def __init__(self, isatty):
        self.isatty, self.lines = isatty, []

    def line(self, text):
        self.lines.append(text)

    def rewrite(self, text, erase):
        self.lines.append(text)


@pytest.mark.parametrize("isatty", [True, False], ids=["terminal", "log"])
def test_who_is_waited_for_is_shown(isatty, monkeypatch):
    monkeypatch.setenv("COLUMNS", "79")
    screen = Screen(isatty)
    config = SimpleNamespace(pluginmanager=SimpleNamespace(get_plugin=lambda name: screen))
    waiting = terminal.Waiting(config)
    for missing, left in (({"ns2": 0, "::1": 212}, 1800), ({"ns2": 0, "::1": 202}, 1790), ({"::1": 192}, 1780)):
        waiting.told(HOST, missing, left)
    lines = [
        f"waiting for DNS of {HOST}, 30 min at most: ns2, ::1 in 212 s",
        f"waiting for DNS of {HOST}, 30 min at most: ns2, ::1 in 202 s",
        f"waiting for DNS of {HOST}, 30 min at most: ::1 in 192 s",
    ]
    # A log is told once of each who is missing.
    assert screen.lines == (lines if isatty else [lines[0], lines[2]])
    waiting.told(HOST, {"x" * 100: 0}, 60)
    assert not isatty or len(screen.lines[-1]) == 78
