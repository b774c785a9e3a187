"""Response time of the knowledge endpoint, asked by one client of a quiet peer."""

from __future__ import annotations

from cutover.facts.http import Exchange
from cutover.facts.latency import MAY_BE_SLOWER, SAMPLES, Answer, Latency
from cutover.inventory import Peer
from cutover.probes.connecting import now, reach
from cutover.probes.dialling import Dialler
from cutover.probes.operator import Operator


def probe(peer: Peer, operator: Operator) -> Latency:
    """Ask SAMPLES times on a warm connection; stop early when the promise can no longer hold."""
    reach(peer, peer.target.ports.https)
    limit = peer.target.limits.response_seconds
    path = peer.target.endpoints.knowledge
    token = operator.token()
    at = now()
    with Dialler(peer, keep=True) as dialler:
        first = dialler.ask(path, token=token).exchange
        answers: list[Exchange] = []
        while len(answers) < SAMPLES and sum(a.seconds > limit for a in answers) <= MAY_BE_SLOWER:
            answers.append(dialler.ask(path, token=token).exchange)
    return Latency(
        url=first.url,
        at=at,
        first=first.seconds,
        answers=tuple(Answer(each.seconds, each.status, each.content_type, each.flaw) for each in answers),
    )
