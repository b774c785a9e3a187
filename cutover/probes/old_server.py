"""Asks the old server and the new one the same, under the same name, each at its own address."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cutover.errors import NotPromised, ProbeError
from cutover.facts.old_server import OldRecords, OldServer, Pair
from cutover.inventory import Peer, Target
from cutover.probes import certificate
from cutover.probes.answers import Body
from cutover.probes.connecting import now, reach
from cutover.probes.dialling import Dialler
from cutover.probes.operator import Operator
from cutover.redact import redact

TOLD = 3  # lost records told by their id


def probe(target: Target, operator: Operator) -> OldServer:
    """Compare the declared paths; NotDeclared without an old server, ProbeError when one of both cannot be asked."""
    old = _old_peer(target)
    new = operator.peer
    reach(old, target.ports.https)
    reach(new, target.ports.https)
    with Dialler(old) as then, Dialler(new) as today:
        pairs = {path: _pair(path, then, today) for path in target.old_paths}
    return OldServer(old.address, pairs, certificate.probe(old).leaf.names, certificate.probe(new).leaf.names)


def records(target: Target, operator: Operator) -> OldRecords:
    """Log in to the old server too, once, and compare what both hand out."""
    old = _old_peer(target)
    here = _records(operator)
    there = _records(Operator(target, (old,)))
    known = {_digest(record) for record in here}
    lost = [record for record in there if _digest(record) not in known]
    names = (redact(str(record.get("id", "?")) if isinstance(record, dict) else "?")[:40] for record in lost[:TOLD])
    return OldRecords(old.address, now(), len(there), len(here), len(lost), tuple(names))


def _old_peer(target: Target) -> Peer:
    if not target.old_server:
        raise NotPromised("no old server is declared; give its addresses as old_server in the inventory")
    if target.phase == "post":
        raise NotPromised("DNS has changed (phase post): the old server is compared before that")
    return Peer(target, str(target.old_server[0]))


def _pair(path: str, then: Dialler, today: Dialler) -> Pair:
    old, new = then.ask(path), today.ask(path)
    before, after = Body.read(old.text), Body.read(new.text)
    is_json = not before.fault and not after.fault
    same = before.value == after.value if is_json else old.text == new.text
    return Pair(old.exchange, new.exchange, same)


def _records(operator: Operator) -> list[Any]:
    endpoints = operator.peer.target.endpoints
    token = operator.token()
    with Dialler(operator.peer) as dialler:
        answer = dialler.ask(endpoints.knowledge, token=token)
    body = Body.read(answer.text)
    places = (body.first_of((place,))[1] for place in endpoints.records_in)
    found = next((value for value in places if isinstance(value, list)), None)
    if found is None:
        status = answer.exchange.status
        raise ProbeError(f"{operator.peer.address}: no list of knowledge to compare, status {status}")
    return found


def _digest(record: object) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
