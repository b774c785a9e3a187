"""The protected endpoints, asked with the operator's token."""

from __future__ import annotations

from cutover.facts.api import Api, Login
from cutover.inventory import Peer
from cutover.probes.answers import Body
from cutover.probes.connecting import reach
from cutover.probes.dialling import Dialler
from cutover.probes.operator import Operator
from cutover.redact import redact


def login(operator: Operator) -> Login:
    """The one login of the run."""
    return operator.login()


def probe(peer: Peer, operator: Operator) -> Api:
    """Ask me and knowledge; ProbeError without a token."""
    reach(peer, peer.target.ports.https)
    endpoints = peer.target.endpoints
    token = operator.token()
    with Dialler(peer) as dialler:
        me = dialler.ask(endpoints.me, token=token)
        knowledge = dialler.ask(endpoints.knowledge, token=token)
    user, listed = Body.read(me.text), Body.read(knowledge.text)
    user_in, username = user.first_of(endpoints.username_in)
    places = [listed.first_of((place,)) for place in endpoints.records_in]
    records_in, records = next((found for found in places if isinstance(found[1], list)), ("", None))
    # Only the name that was promised is known to be no secret that the application mixed up with it.
    if isinstance(username, str) and username != peer.target.credentials.username:
        username = redact(username)
    return Api(
        me=me.exchange,
        username=username if isinstance(username, str) else None,
        knowledge=knowledge.exchange,
        records=None if records is None else len(records),
        no_objects=sum(not isinstance(record, dict) for record in records or ()),
        me_objection=user.objection(user_in),
        knowledge_objection=listed.objection(records_in),
    )
