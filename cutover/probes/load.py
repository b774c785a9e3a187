"""Many requests at once, in the stages of ``cutover.facts.load``, each driven by locust.

The checklist's own stages ask exactly ``limits.load_requests`` times, on new connections and on kept ones. What goes
beyond is declared in the inventory ([target.load]) and needs `--load`: a rate, a ramp, a locustfile of one's own.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from cutover.errors import NotDeclared, NotPromised, ProbeError
from cutover.facts.evidence import Evidence
from cutover.facts.load import Client, Failure, Load, Ramp, breaks
from cutover.inventory import Peer, Target
from cutover.probes import live, locust
from cutover.probes.connecting import now, reach
from cutover.probes.dialling import Dialler
from cutover.probes.samples import Samples
from cutover.probes.sent import count, wait_for_room
from cutover.promised_load import DeclaredLoad, OpenModel, OwnModel, RampModel
from cutover.redact import redact

QUIET_ANSWERS = 3  # of which it is known what the page always has
MOST_USERS = 1000  # under way at once in an open stage
STOP_SHARE = 0.25  # of the last answers 5xx or none: then a stage beyond the checklist's ends early


def probe(peer: Peer) -> Load:
    """Ask the root page as `ab -n 100 -c 10` does: each on a new connection."""
    return measure(peer, quiet=_quiet(peer))


def kept(peer: Peer) -> Load:
    """The same on kept connections, as `ab -k` and browsers do."""
    return measure(peer, quiet=_quiet(peer), keep=True)


def measure(peer: Peer, *, quiet: tuple[str, ...] = (), keep: bool = False) -> Load:
    """Ask for the root page as often, and as often at a time, as the limits say.

    ProbeError when not every request came to an end of its own, whatever ended locust: a smaller load is not
    taken for the whole; and when the load machine was too slow to put it. A failed request is a fact.
    """
    limits = peer.target.limits
    stage = {"users": limits.load_concurrency, "requests": limits.load_requests, "kept": keep, "pages": quiet}
    wait_for_room(peer.target.label, limits.load_requests, limits.requests_per_minute)
    return _believed(peer, _drive(peer, stage))


def open_model(peer: Peer) -> Load:
    """Requests at the declared rate, whatever becomes of those before."""
    declared: OpenModel = _declared(peer.target, "open")
    limits = peer.target.limits
    users = min(declared.requests, math.ceil(declared.rate * limits.answer_seconds), MOST_USERS)
    stage = {
        "users": users,
        "requests": declared.requests,
        "rate": declared.rate,
        "kept": True,
        "pages": _quiet(peer),
        "stop_share": STOP_SHARE,
    }
    # What waits for a user longer than for an answer is given up.
    return _believed(peer, _drive(peer, stage, seconds=declared.seconds + limits.answer_seconds))


def own(peer: Peer) -> Load:
    """What a locustfile of the user's own asks for."""
    declared: OwnModel = _declared(peer.target, "own")
    left = _left(peer.target, _spent(peer.target, by_ramp=True))
    stage = {
        "users": declared.users,
        "requests": left,
        "seconds": declared.seconds,
        "stop_share": STOP_SHARE,
    }
    _quiet(peer)
    return _believed(peer, _drive(peer, stage, seconds=declared.seconds, own=declared.locustfile))


def ramp(peer: Peer) -> Ramp:
    """Steps of rising concurrency, until one breaks the promise."""
    declared: RampModel = _declared(peer.target, "ramp")
    limit = peer.target.limits.response_seconds
    quiet, at = _quiet(peer), now()
    steps: list[Load] = []
    left, ended = _left(peer.target, _spent(peer.target)), ""
    for users in declared.users:
        if left < users:
            ended = f"the budget of {_load(peer.target).requests} requests was used up before {users} users"
            break
        stage = {
            "users": users,
            "requests": left,
            "seconds": declared.seconds,
            "kept": True,
            "pages": quiet,
            "stop_share": STOP_SHARE,
        }
        step = _drive(peer, stage, seconds=declared.seconds)
        left -= len(step.samples)
        if doubt := step.doubt:
            if users <= declared.holds:
                raise _too_slow(peer, f"at {users} users: {doubt}")
            ended = f"the load machine gave out at {users} users: {doubt}"
            break
        steps.append(step)
        if breaks(step, limit):
            break
    if declared.holds > max((step.concurrency for step in steps), default=0) and ended:
        raise ProbeError(f"{peer.label}: the ramp ended too early: {ended}", "declare a larger load.requests")
    told = [f"{step.concurrency} users: {_told(step)}" for step in steps] + [ended] * bool(ended)
    asked = f"GET {steps[0].url} at {peer.address}, {declared.seconds:g} s for each number of users (locust)"
    return Ramp(limit, declared.users, tuple(steps), ended, (Evidence(asked, at, "\n".join(told)),))


def _load(target: Target) -> DeclaredLoad:
    """What is declared and permitted."""
    if target.load is None:
        raise NotPromised("no load beyond the checklist's is declared; give it as [target.load]")
    if not target.load.permitted:
        raise NotDeclared("its load is declared, and needs to be permitted: --load")
    return target.load


def _declared(target: Target, key: str) -> Any:  # noqa: ANN401 - one of the three models
    declared = getattr(target.load, key) if target.load else None
    if not declared:
        raise NotPromised(f"load.{key} is not declared")
    _load(target)
    return declared


def _spent(target: Target, *, by_ramp: bool = False) -> int:
    """What the stages of a known number of requests, and half of the rest for a ramp, take of the budget."""
    load = _load(target)
    known = 2 * target.limits.load_requests + (load.open.requests if load.open else 0)
    both = load.ramp is not None and load.own is not None
    return known + ((load.requests - known) // 2 if both else 0) if by_ramp or both else known


def _left(target: Target, spent: int) -> int:
    left = _load(target).requests - spent
    if left < 1:
        raise ProbeError(f"{target.label}: the stages before take all of load.requests", "declare a larger budget")
    return left


def _quiet(peer: Peer) -> tuple[str, ...]:
    """What the root page looks like when all is quiet; ProbeError when the peer does not answer.

    Without verified TLS nothing may be sent, and a hundred refusals would tell no more than one.
    """
    reach(peer, peer.target.ports.https)
    with Dialler(peer) as dialler:
        answers = [dialler.ask(peer.target.endpoints.root) for _ in range(QUIET_ANSWERS)]
    return tuple(answer.text for answer in answers if answer.exchange.status < 300 and answer.exchange.complete)


def _drive(peer: Peer, stage: dict[str, Any], *, seconds: float = 0.0, own: Path | None = None) -> Load:
    """Run a stage to its end, or until the limits say that it hangs."""
    target, limits = peer.target, peer.target.limits
    load = target.load if target.load and target.load.permitted else None
    at = now()
    stage = {
        "host": target.url(""),
        "path": target.endpoints.root,
        "address": peer.address,
        "ca": str(target.ca.resolve()) if target.ca else "",
        "pages": (),
        "connect_seconds": limits.connect_seconds,
        "answer_seconds": limits.answer_seconds,
        **stage,
    }
    rounds = 1 if seconds else stage["requests"] // stage["users"] + 1
    guard = locust.START_SECONDS + seconds + rounds * limits.answer_seconds
    with tempfile.TemporaryDirectory(prefix="cutover-load-") as name:
        tell = _teller(peer, stage)
        drive = locust.Drive(peer.label, stage, load, Path(name), own=own, guard=guard, tell=tell)
        try:
            told = drive.run()
        finally:
            count(target.label, drive.sent)
    if not told.lines:
        raise ProbeError(f"{peer.label}: no request came of the stage in {seconds:g} s", "look at the locustfile")
    facts = _facts(peer, stage, told)
    asked = f"GET {facts.url} at {peer.address}, {_how(facts)} (locust)"
    if own:
        asked = f"{own.name} at {peer.address}, {facts.concurrency} users for {seconds:g} s (locust)"
    lines = [_told(facts)]
    lines += [f"{many} {kind}, the first: {facts.causes[kind]}" for kind, many in facts.failures.items()]
    lines += [f"stopped early: {facts.stopped}"] * bool(facts.stopped)
    return replace(facts, waits=bool(own), evidence=(Evidence(asked, at, "\n".join(lines)),))


def _facts(peer: Peer, stage: dict[str, Any], told: locust.Told) -> Load:
    samples = tuple(sorted((sample for sample, _ in told.lines), key=lambda sample: sample.started))
    causes: dict[Failure, str] = {}
    for sample, cause in told.lines:
        if sample.failure:
            causes.setdefault(sample.failure, " ".join(redact(cause).split()))
    first = min(sample.started for sample in samples)
    exact = stage["requests"] if not stage.get("seconds") else 0
    return Load(
        url=stage["host"] + stage["path"],
        address=peer.address,
        requests=exact,
        concurrency=stage["users"],
        keep_alive=bool(stage.get("kept")),
        seconds=max(sample.started + sample.seconds for sample in samples) - first,
        samples=samples,
        evidence=(),
        causes=causes,
        offered=stage.get("rate", 0.0),
        stopped=told.stopped,
        client=Client(max(c.cpu for c in told.clients), max(c.lag for c in told.clients)),
        workers=told.workers,
    )


def _how(facts: Load) -> str:
    connections = "on kept connections" if facts.keep_alive else "each on a new connection"
    many = f"{facts.offered:g} a second" if facts.offered else f"{facts.concurrency} at a time"
    return f"{facts.requests or len(facts.samples)} times, {many}, {connections}"


def _told(facts: Load) -> str:
    """A stage in one line."""
    good = Counter(sample.failure for sample in facts.samples)[""]
    return (
        f"{good} of {len(facts.samples)} without failure in {facts.seconds:.3f} s, {facts.rate:.1f}/s, "
        f"p50 {facts.quantile(0.5):.3f} s, p95 {facts.quantile(0.95):.3f} s, max {facts.quantile(1):.3f} s"
    )


def _believed(peer: Peer, facts: Load) -> Load:
    """The facts; ProbeError when they tell of the load machine and not of the host."""
    if facts.doubt:
        raise _too_slow(peer, facts.doubt)
    return facts


def _too_slow(peer: Peer, doubt: str) -> ProbeError:
    return ProbeError(
        f"{peer.label}: this machine was too slow for the load: {doubt}",
        "free it of other work, or declare load.processes or load.workers",
    )


def _teller(peer: Peer, stage: dict[str, Any]) -> Callable[[Samples], None]:
    """Tells a stage's rate, p95, errors and time left while it runs."""
    began: list[float] = []

    def tell(samples: Samples) -> None:
        if not samples.lines:
            return
        if not began:
            began.append(time.monotonic())
        passed = max(time.monotonic() - began[0], 0.1)
        rate, done = len(samples.lines) / passed, len(samples.lines)
        if stage.get("seconds"):
            left = stage["seconds"] - passed
        else:
            left = (stage["requests"] - done) / (stage.get("rate") or rate)
        what = f"{stage['rate']:g}/s offered" if stage.get("rate") else f"{stage['users']} at a time"
        live.tell(
            f"load of {peer.label}, {what}: {done} done, {rate:.1f}/s, p95 {samples.p95:.2f} s, "
            f"{samples.failed} errors, {max(0.0, left):.0f} s left"
        )

    return tell
