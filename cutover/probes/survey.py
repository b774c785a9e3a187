"""All probes of all targets, side by side, each once, in stages: observe → latency (quiet) → load → after.

What is watched beside the load begins before it and ends after it.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, cast

from cutover import probes
from cutover.errors import NotDeclared, NotPromised, ProbeError, Unreachable
from cutover.facts.api import Api, Login
from cutover.facts.certificate import Certificate
from cutover.facts.cors import Cors
from cutover.facts.detours import Detours
from cutover.facts.dns import Dns
from cutover.facts.evidence import Outputs
from cutover.facts.forgeries import Forgeries, WrongPassword
from cutover.facts.http import Http
from cutover.facts.latency import Latency
from cutover.facts.load import Load, Ramp
from cutover.facts.old_server import OldRecords, OldServer
from cutover.facts.ports import Ports
from cutover.facts.private_paths import PrivatePaths
from cutover.facts.tls import Tls
from cutover.inventory import Peer, Target
from cutover.probes import saved, sent
from cutover.probes.operator import Operator
from cutover.probes.process import INTERRUPTED, stop
from cutover.probes.threads import AT_ONCE, allow_many_files, side_by_side

Stage = Literal["observe", "latency", "beside load", "load", "after"]


class Probe(NamedTuple):
    """One row of the table of probes: what it looks at, when, what it brings, and the function.

    It is called with its subject and the operator, beside load with the watch in his place. ``beside_login`` is one
    that costs the host nothing which the login would feel, and reads nothing that may show the password.
    """

    of: Literal["target", "peer"]
    stage: Stage
    brings: type[object]
    run: Callable[[Any, Any], object]
    logs_in: bool = False
    beside_login: bool = False


# The name of a probe is the name of the fixture that hands its facts to checks.
PROBES: dict[str, Probe] = {
    "server": Probe("target", "observe", Outputs, lambda target, _: probes.server.probe(target)),
    "dns": Probe("target", "observe", Dns, lambda target, _: probes.dns.probe(target)),
    "ports": Probe("peer", "observe", Ports, lambda peer, _: probes.ports.probe(peer), beside_login=True),
    "http": Probe("peer", "observe", Http, lambda peer, _: probes.http.surfaces(peer)),
    "redirect": Probe("peer", "observe", Http, lambda peer, _: probes.http.redirects(peer)),
    "detours": Probe("peer", "observe", Detours, lambda peer, _: probes.detours.probe(peer)),
    "private_paths": Probe("peer", "observe", PrivatePaths, lambda peer, _: probes.private_paths.probe(peer)),
    "cors": Probe("peer", "observe", Cors, lambda peer, _: probes.cors.probe(peer)),
    "certificate": Probe("peer", "observe", Certificate, lambda peer, _: probes.certificate.probe(peer)),
    "tls": Probe("peer", "observe", Tls, lambda peer, op: probes.tls.probe(peer, op.go_first), beside_login=True),
    "login": Probe("target", "observe", Login, lambda _, operator: probes.api.login(operator), logs_in=True),
    "api": Probe("peer", "observe", Api, lambda peer, op: probes.api.probe(peer, op), logs_in=True),
    "forgeries": Probe("target", "observe", Forgeries, lambda _, op: probes.forgeries.probe(op), logs_in=True),
    "wrong_password": Probe(
        "target", "observe", WrongPassword, lambda _, op: probes.forgeries.wrong_password(op), logs_in=True
    ),
    "old_server": Probe("target", "observe", OldServer, lambda target, op: probes.old_server.probe(target, op)),
    "old_records": Probe(
        "target", "observe", OldRecords, lambda target, op: probes.old_server.records(target, op), logs_in=True
    ),
    "latency": Probe("peer", "latency", Latency, lambda peer, op: probes.latency.probe(peer, op), logs_in=True),
    "load_memory": Probe("target", "beside load", Outputs, lambda target, watch: watch.look(target)),
    "load": Probe("peer", "load", Load, lambda peer, _: probes.load.probe(peer)),
    "load_kept": Probe("peer", "load", Load, lambda peer, _: probes.load.kept(peer)),
    "load_open": Probe("peer", "load", Load, lambda peer, _: probes.load.open_model(peer)),
    "load_own": Probe("peer", "load", Load, lambda peer, _: probes.load.own(peer)),
    "load_ramp": Probe("peer", "load", Ramp, lambda peer, _: probes.load.ramp(peer)),
    "afterwards": Probe("target", "after", Outputs, lambda target, _: probes.server.look_again(target)),
    "certificate_again": Probe("peer", "after", Certificate, lambda peer, _: probes.certificate.probe(peer)),
}

# What is looked at in the end where it was at the start: a target that changes under a run is another one.
AGAIN = {"server": "afterwards", "certificate": "certificate_again"}

# Fixtures that put the facts of several probes together, and do with what there is of them.
COMBINED = {"tls_grade": ("tls", "certificate", "http")}

Subject = Target | Peer
Wanted = tuple[str, str]  # the probe's name and its subject's label


def asked_for(fixtures: Iterable[str], subjects: Mapping[str, Subject]) -> list[Wanted]:
    """The probes that a check asks for, by the fixtures it names; ``subjects`` are its ``target`` and ``peer``."""
    named = {*fixtures}.union(*(COMBINED.get(name, ()) for name in fixtures))
    return [
        (name, subjects[probe.of].label) for name, probe in PROBES.items() if name in named and probe.of in subjects
    ]


class Recorded(NamedTuple):
    """Server facts of another day that stand in for a server, and what was promised of the host they are of."""

    file: Path
    promised: Target


class Readable(Protocol):
    """Facts that are read from what the server's commands printed."""

    @classmethod
    def read(cls, outputs: Outputs) -> object:
        """Read them; ProbeError when the outputs do not tell."""


class Survey:
    """The facts of a run, by probe and subject. Probing is done by ``look``; ``facts`` only hands out."""

    def __init__(self, peers: Mapping[str, tuple[Peer, ...]], recorded: Mapping[str, Recorded]) -> None:
        """Both by the label of their target."""
        self._peers = peers
        self._recorded = recorded
        self._results: dict[Wanted, object] = {}
        self._read: dict[tuple[type[Readable], int], object] = {}
        self._one_load_at_a_time = threading.Lock()

    def facts(self, probe: str, subject: Subject) -> object:
        """What the probe saw; raises what it raised when it could not look."""
        result = self._results[probe, subject.label]
        if isinstance(result, Exception):
            # Raised again for every check that asks: it must not carry all their tracebacks along.
            raise result.with_traceback(None)
        return result

    def read(self, kind: type[Readable], outputs: Outputs) -> object:
        """Facts of a visit, which many checks ask for, read once; raises what reading raises."""
        key = kind, id(outputs)  # as long as the survey holds them
        if key not in self._read:
            self._read[key] = kind.read(outputs)
        return self._read[key]

    def of_other_family(self, peer: Peer, probe: str) -> Peer:
        """The target's first address of the other family that was looked at; NotDeclared without any."""
        others = (other for other in self._peers[peer.target.label] if other.address and other.family != peer.family)
        found = next((other for other in others if (probe, other.label) in self._results), None)
        if not found:
            raise NotPromised(f"{peer.target.label} was looked at in {peer.family} only")
        return found

    def facts_of_all_peers(self, probe: str, target: str) -> list[object]:
        """What the probe saw at each of a target's addresses where it saw something."""
        results = [self._results.get((probe, peer.label)) for peer in self._peers[target]]
        return [result for result in results if result is not None and not isinstance(result, Exception)]

    def is_recorded(self, target: Target) -> bool:
        """Whether the facts of its server are of another day, and of another host than its addresses lead to."""
        return target.label in self._recorded

    def save(self, folder: Path) -> None:
        """Write what every probe brought, a file each; of an interrupted run, what it brought so far."""
        for (probe, subject), result in tuple(self._results.items()):
            saved.write(folder / subject / f"{probe}.json", result)
        sent.save(folder)

    def replay(self, wanted: Iterable[Wanted], folder: Path) -> None:
        """Take the facts of an earlier run; what it did not look at is not reviewed."""
        there = {(probe, of) for probe, of in wanted if (folder / of / f"{probe}.json").exists()}
        self.load(there, folder)
        self.give_up({*wanted} - there, NotDeclared("the run whose facts these are did not look at it"))

    def give_up(self, wanted: Iterable[Wanted], cause: ProbeError | NotDeclared) -> None:
        """Look at nothing, for one cause."""
        self._results.update(dict.fromkeys(wanted, cause))

    def load(self, wanted: Iterable[Wanted], folder: Path) -> None:
        """Take what was saved in place of looking; UsageError when some of it is not there."""
        for probe, subject in wanted:
            file = folder / subject / f"{probe}.json"
            self._results[probe, subject] = saved.read(file, PROBES[probe].brings)

    def with_their_load(self, wanted: Iterable[Wanted]) -> set[Wanted]:
        """What is wanted, and the load where something is to be watched beside it."""
        watched = {label for name, label in wanted if PROBES[name].stage == "beside load"}
        return {*wanted} | {("load", peer.label) for label in watched for peer in self._peers[label]}

    def look(self, wanted: Iterable[Wanted], told: Callable[[Wanted, int, int], None]) -> None:
        """Run the wanted probes; ``told`` hears of each that ended, with how many of how many are done."""
        wanted = set(wanted)
        jobs = {label: {w for w in wanted if w[1] in self._labels(label)} for label in self._peers}
        done = threading.Lock(), [0]

        def note(job: Wanted) -> None:
            with done[0]:
                done[1][0] += 1
                if not INTERRUPTED.is_set():
                    told(job, done[1][0], len(wanted))

        INTERRUPTED.clear()
        allow_many_files()
        try:
            side_by_side(lambda label: self._target(label, jobs[label], note), [label for label in jobs if jobs[label]])
        except KeyboardInterrupt:
            stop()
            raise

    def _labels(self, target: str) -> set[str]:
        return {target, *(peer.label for peer in self._peers[target])}

    def _target(self, label: str, wanted: set[Wanted], note: Callable[[Wanted], None]) -> None:
        peers = self._peers[label]
        logs_in = any(PROBES[name].logs_in for name, _ in wanted)
        operator = Operator(peers[0].target, peers, expected=logs_in, timed=("login", label) in wanted)
        subjects: dict[str, Subject] = {label: peers[0].target, **{peer.label: peer for peer in peers}}

        visits_only = {name for name, _ in wanted} == {"server", "afterwards"}

        def run(job: Wanted, watch: probes.load_memory.Watch | None = None) -> None:
            name, subject = job
            try:
                if not PROBES[name].beside_login:
                    operator.go_first()
                if INTERRUPTED.is_set():
                    raise ProbeError("the run was interrupted before it looked", "verify again")
                if name == "server" and label in self._recorded:
                    recorded = cast(Outputs, saved.read(self._recorded[label].file, Outputs))
                    self._results[job] = replace(recorded, host=label)
                elif name in ("afterwards", "load_memory") and label in self._recorded:
                    raise NotDeclared("needs a second look at the server, and its facts were recorded another day")
                elif name == "dns" and label in self._recorded:
                    raise NotDeclared("its name stands in no DNS: the site is embedded in this project")
                elif name == "server" and visits_only:
                    self._results[job] = probes.server.look_once(peers[0].target)
                elif name == "afterwards" and visits_only:
                    self._results[job] = self._results["server", label]
                elif unreachable := self._unreachable(subject):
                    self._results[job] = unreachable
                else:
                    self._results[job] = PROBES[name].run(subjects[subject], watch or operator)
            except (ProbeError, NotDeclared) as error:
                self._results[job] = error
            except Exception as error:  # a defect of ours must not pass for a fact, nor end the run
                told = f"defect in probe {name}: {type(error).__name__}: {error}"
                self._results[job] = ProbeError(told, "report it to cutover with reports/<run>/")
            note(job)

        for stage in ("observe", "latency", "load", "after"):
            # The scan is a program of its own, and takes longest: it starts before all others.
            jobs = sorted(
                (job for job in wanted if PROBES[job[0]].stage == stage), key=lambda job: (job[0] != "tls", job)
            )
            # Several latencies or loads at once would measure each other.
            alone = self._one_load_at_a_time if stage in ("latency", "load") else contextlib.nullcontext()
            with alone, self._watched(label, stage, wanted, run):
                side_by_side(run, jobs, at_once=AT_ONCE if stage == "observe" else 1)
        for job in wanted:
            # A page may show what became known as a secret only after it was read.
            if isinstance(result := self._results[job], Http):
                self._results[job] = result.redacted_again()
        self._one_cause(wanted)

    @contextlib.contextmanager
    def _watched(self, label: str, stage: str, wanted: set[Wanted], run: Callable[..., None]) -> Iterator[None]:
        """Have memory watched over the block where it is the load and that was asked for."""
        if stage != "load" or ("load_memory", label) not in wanted:
            yield
            return
        watch = probes.load_memory.Watch()
        visit = threading.Thread(target=run, args=(("load_memory", label), watch), daemon=True)
        visit.start()
        with watch.over(visit):
            yield

    def _unreachable(self, subject: str) -> Unreachable | None:
        """Why an earlier stage found nothing there: a later one need not wait for it again."""
        found = [result for (_, of), result in tuple(self._results.items()) if of == subject]
        return next((result for result in found if isinstance(result, Unreachable)), None)

    def _one_cause(self, wanted: set[Wanted]) -> None:
        """A host that answers nowhere has one cause, by whatever way it was not reached."""
        wanted = {job for job in wanted if job[0] != "dns"}  # which others answer
        failures = {job: self._results[job] for job in wanted if isinstance(self._results[job], ProbeError)}
        causes = [error for error in failures.values() if isinstance(error, Unreachable)]
        looked = [job for job in wanted if not isinstance(self._results[job], Exception)]
        if causes and not looked:
            for job in failures:
                self._results[job] = min(causes, key=lambda error: error.cause)
