"""The protected endpoints, asked with the operator's token."""

from __future__ import annotations

from cutover.facts.api import Api, Login
from cutover.inventory import Peer
from cutover.probes.dialling import Dialler, reach
from cutover.probes.operator import Operator, first_of, read_json
from cutover.redact import redact


def login(operator: Operator) -> Login:
    """The one login of the run."""
    return operator.login()


def probe(peer: Peer, operator: Operator) -> Api:
    """Ask me and knowledge; ProbeError without a token."""
    reach(peer, peer.target.ports.https)
    endpoints = peer.target.endpoints
    token = operator.token()
    # A peer may hand back what it was given, in any place that a report tells.
    hidden = operator.secrets
    with Dialler(peer) as dialler:
        me = dialler.ask(endpoints.me, token=token, secrets=hidden)
        knowledge = dialler.ask(endpoints.knowledge, token=token, secrets=hidden)
    _, username = first_of(read_json(me.text), endpoints.username_in)
    records = [first_of(read_json(knowledge.text), (place,))[1] for place in endpoints.records_in]
    lists = [found for found in records if isinstance(found, list)]
    return Api(
        me=me.exchange,
        username=redact(username, hidden) if isinstance(username, str) else None,
        knowledge=knowledge.exchange,
        records=len(lists[0]) if lists else None,
    )
