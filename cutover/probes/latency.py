"""Response times of the endpoints, asked by one client of a quiet peer.

An address is asked some 250 times: the fewest that support the claim, for each endpoint on a warm connection and once
for all of them on new ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import cycle

import dns.exception

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.http import Phases
from cutover.facts.latency import JSON, PLAN, Answer, Endpoint, Latency, Series, Unasked
from cutover.inventory import Peer
from cutover.probes import names
from cutover.probes.answers import Body
from cutover.probes.connecting import now, reach
from cutover.probes.dialling import Dialler
from cutover.probes.operator import Operator
from cutover.probes.sent import wait_for_room

SECONDS = 300.0  # for all series of an address, the time in which the host's limit lets nothing through apart


def probe(peer: Peer, operator: Operator) -> Latency:
    """Ask for what can be asked for; each series ends as soon as it can be judged."""
    reach(peer, peer.target.ports.https)
    endpoints: tuple[Endpoint, ...] = ("root", "me", "knowledge")
    token, unasked = "", None
    try:
        token = operator.token()
    except ProbeError as error:
        unasked = Unasked("error", error.cause, error.advice)
    except NotDeclared as error:
        unasked = Unasked("not declared", str(error))
    if unasked:
        endpoints = ("root",)
    client = _Client(peer, token)
    at = now()
    first = client.ask_anew(endpoints[-1])
    if not first.status:
        raise ProbeError(first.flaw, "look at nginx's error log")
    warm = {endpoint: client.warm(endpoint) for endpoint in endpoints}
    return Latency(client.url(endpoints[-1]), at, first, warm, client.new(endpoints), unasked)


class _Client:
    """One that asks for one thing after the other, until the time is over."""

    def __init__(self, peer: Peer, token: str) -> None:
        self._peer, self._token = peer, token
        self._limits = peer.target.limits
        self._deadline = time.monotonic() + SECONDS

    def url(self, endpoint: Endpoint) -> str:
        """What is asked for."""
        return self._peer.target.url(getattr(self._peer.target.endpoints, endpoint))

    def warm(self, endpoint: Endpoint) -> Series:
        """A series on one connection, after a first request that makes it."""
        with Dialler(self._peer, keep=True) as dialler:
            at = now()
            first = _answered(endpoint, lambda: self._ask(dialler, endpoint))
            answers = () if first.wrong else self._series((endpoint,), lambda each: self._ask(dialler, each))
        return Series(self.url(endpoint), at, answers, first)

    def new(self, endpoints: tuple[Endpoint, ...]) -> Series:
        """A series over all endpoints in turn, a new connection each."""
        urls = ", ".join(
            [self.url(endpoints[0]), *(getattr(self._peer.target.endpoints, each) for each in endpoints[1:])]
        )
        return Series(urls, now(), self._series(endpoints, self.ask_anew))

    def ask_anew(self, endpoint: Endpoint) -> Answer:
        """Ask as one does who comes for the first time; ProbeError when there is no answer."""
        seconds = self._look_up()
        with Dialler(self._peer) as dialler:
            return self._ask(dialler, endpoint, seconds)

    def _series(self, endpoints: tuple[Endpoint, ...], ask: Callable[[Endpoint], Answer]) -> tuple[Answer, ...]:
        answers: list[Answer] = []
        slower = 0
        for endpoint in cycle(endpoints):
            if time.monotonic() > self._deadline:
                break
            answers.append(answer := _answered(endpoint, lambda each=endpoint: ask(each)))  # type: ignore[misc]
            slower += answer.seconds > self._limits.answers_within(endpoint)
            if answer.wrong or PLAN.verdict(len(answers), slower) is not None:
                break
        return tuple(answers)

    def _ask(self, dialler: Dialler, endpoint: Endpoint, dns_seconds: float = 0.0) -> Answer:
        target = self._peer.target
        self._deadline += wait_for_room(target.label, 1, self._limits.requests_per_minute)
        token = "" if endpoint == "root" else self._token
        exchange, text = dialler.ask(getattr(target.endpoints, endpoint), token=token)
        judged = exchange.content_type in JSON and not exchange.flaw
        return Answer(
            endpoint=endpoint,
            status=exchange.status,
            content_type=exchange.content_type,
            phases=exchange.phases,
            dns=dns_seconds,
            flaw=exchange.flaw,
            objection=Body.read(text).objection("") if judged else "",
        )

    def _look_up(self) -> float:
        """Seconds of asking DNS for the address, as who comes for the first time has to; 0 before DNS leads there."""
        target = self._peer.target
        if target.phase == "pre":
            return 0.0
        begun = time.monotonic()
        try:
            kind = "AAAA" if self._peer.family == "ipv6" else "A"
            names.resolver(target).resolve(target.host, kind, lifetime=names.SECONDS)
        except dns.exception.DNSException as error:
            raise ProbeError(f"{target.host}: DNS gave no address: {' '.join(str(error).split())[:200]}") from None
        return time.monotonic() - begun


def _answered(endpoint: Endpoint, ask: Callable[[], Answer]) -> Answer:
    """The answer; what gave none is one of status 0, for the host was there a moment before."""
    try:
        return ask()
    except ProbeError as error:
        return Answer(endpoint, 0, "", Phases(), flaw=error.cause)
