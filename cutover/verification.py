"""One verification: probing before the first check, a verdict for each check, the reports after the last."""

from __future__ import annotations

import base64
import fcntl
import os
import pickle
import secrets
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import TypeAdapter

from cutover.check import Doc, Reading, start_reading
from cutover.checklist import catalogue
from cutover.errors import NotDeclared, ProbeError
from cutover.facts.evidence import Evidence
from cutover.fixtures import SURVEY
from cutover.inventory import Peer, Target
from cutover.probes import survey
from cutover.probes.names import peers
from cutover.redact import redact
from cutover.report import junit, terminal
from cutover.report.run import Run
from cutover.verdict import Outcome, Verdict, Word

READING = pytest.StashKey[Reading]()
_VERDICT = TypeAdapter(Verdict)
_LETTERS: dict[Outcome, str] = {
    "passed": ".",
    "failed": "F",
    "error": "E",
    "advice": "a",
    "waived": "w",
    "not reviewed": "-",
}


@dataclass(frozen=True)
class Aim:
    """What a run is about: its peers by target label, saved server facts that stand in for a server, its folder."""

    peers: dict[str, tuple[Peer, ...]]
    recorded: dict[str, survey.Recorded]
    folder: Path
    started: datetime

    @classmethod
    def at(cls, targets: tuple[Target, ...], recorded: dict[str, survey.Recorded], reports: Path) -> Aim:
        """Find every target's addresses, side by side, and name the run by its time (UTC)."""
        with ThreadPoolExecutor(max_workers=min(32, len(targets))) as pool:
            found = list(pool.map(peers, targets))
        started = datetime.now(UTC)
        name = f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        return cls({of[0].target.label: of for of in found}, recorded, reports / name, started)


class Verification:
    """The plugin of a run that has targets."""

    def __init__(self, config: pytest.Config, aim: Aim) -> None:
        self._config = config
        self._aim = aim
        self.peers = aim.peers
        self.recorded = aim.recorded
        self._survey = config.stash[SURVEY] = survey.Survey(aim.peers, aim.recorded)
        self._run = Run(aim.folder, aim.started, [])
        # Under -n, workers judge and the controller reports.
        self._reports = not hasattr(config, "workerinput")

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:  # noqa: ANN401 - a type of xdist, which is optional
        """Tell a worker what the run is about, so that none resolves or starts anything by itself."""
        node.workerinput["cutover"] = base64.b64encode(pickle.dumps(self._aim)).decode()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Look at everything that the collected checks ask for, before the first of them runs."""
        if session.config.option.collectonly or session.testsfailed:
            return
        # What a person reads is the summary by section; pytest's own would tell every failure a second time.
        if reporter := session.config.pluginmanager.get_plugin("terminalreporter"):
            reporter.reportchars = ""
        if getattr(session.config.option, "tbstyle", "") == "auto":
            session.config.option.tbstyle = "no"
        wanted = {job for item in session.items for job in _wanted(item)}
        if not wanted:
            return
        facts = self._run.folder / "facts"
        facts.mkdir(parents=True, exist_ok=True)
        with (facts / ".lock").open("a") as lock:
            # Whoever comes first looks, for all processes of this run.
            fcntl.flock(lock, fcntl.LOCK_EX)
            if os.fstat(lock.fileno()).st_size:
                self._survey.load(wanted, facts)
                return
            with terminal.Progress(self._config) as progress:
                self._survey.look(wanted, progress.told)
            self._survey.save(facts)
            lock.write("looked\n")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Note what the check compares."""
        item.stash[READING] = start_reading()
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Turn an outcome into a verdict; it travels on the report, as text and numbers only."""
        report = yield
        marker = item.get_closest_marker("control")
        if marker is None or (report.when != "call" and report.passed):
            return report
        verdict = _judge(item, call, marker.args[0], strict=self._config.option.strict_advice)
        report.verdict = _VERDICT.dump_python(verdict, mode="json")  # type: ignore[attr-defined]
        report.user_properties += junit.properties(verdict)
        if verdict.outcome in ("not reviewed", "advice"):
            report.outcome = "skipped"
            report.longrepr = (verdict.file, 0, f"{verdict.outcome}: {verdict.reason or verdict.message}")
        elif verdict.word != "passed":
            report.longrepr = verdict.message
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the verdicts."""
        if data := getattr(report, "verdict", None):
            self._run.verdicts.append(_VERDICT.validate_python(data))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Our five words, and ``advice``, in pytest's progress and closing line."""
        data = getattr(report, "verdict", None)
        if data is None:
            return None
        outcome = _VERDICT.validate_python(data).outcome
        return outcome, _LETTERS[outcome], (outcome.upper(), terminal.COLOURS[outcome])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the reports. A run in which nothing was judged is not green."""
        if session.config.option.collectonly or not self._reports:
            return
        # Advice counts only where nothing else was asked for.
        counted = [verdict for verdict in self._run.verdicts if not verdict.is_advice] or self._run.verdicts
        if exitstatus == pytest.ExitCode.OK:
            if {verdict.outcome for verdict in counted} & {"failed", "error"}:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED  # pytest itself forgives what is marked xfail
            elif not {verdict.word for verdict in counted} - {"not reviewed", "error"}:
                session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
        junit.write(self._run)

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The summary by section."""
        if not self._config.option.collectonly:
            terminal.summarise(terminalreporter, self._run, self.peers, set(self.recorded))


def _wanted(item: pytest.Item) -> list[survey.Wanted]:
    """The probes that a check asks for, by the fixtures it names."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return []
    subjects: dict[Literal["target", "peer"], Any] = item.callspec.params  # type: ignore[assignment]
    named = {*item.fixturenames}.union(*(survey.COMBINED.get(name, ()) for name in item.fixturenames))
    return [
        (name, subjects[probe.of].label)
        for name, probe in survey.PROBES.items()
        if name in named and probe.of in subjects
    ]


def _judge(item: pytest.Item, call: pytest.CallInfo[None], control_id: str, *, strict: bool) -> Verdict:
    assert isinstance(item, pytest.Function)
    parameters = item.callspec.params if hasattr(item, "callspec") else {}
    target, peer = parameters.get("target"), parameters.get("peer")
    reading = item.stash.get(READING, Reading())
    doc = Doc.of(item.function)
    promised, seen = reading.told()
    word, reason, mend = _outcome(item, call)
    return Verdict(
        word=word,
        control_id=control_id,
        file=item.location[0],
        check=item.name,
        target=target.label if isinstance(target, Target) else "",
        address=peer.address if isinstance(peer, Peer) else "",
        why=doc.why,
        promised=redact(promised) if not reason else "",
        seen=redact(seen) if not reason else "",
        where=redact(reading.where),
        reason=redact(reason),
        mend=mend or doc.mend,
        evidence=_evidence(item),
        seconds=call.duration,
        is_advice=catalogue()[control_id].is_advice and not strict,
    )


def _outcome(item: pytest.Item, call: pytest.CallInfo[None]) -> tuple[Word, str, str]:
    """The word, why nothing could be judged, and advice that is better than the check's own."""
    if call.excinfo is None:
        return "passed", "", ""
    error = call.excinfo.value
    match error:
        case ProbeError():
            return "error", error.cause, error.advice or "mend this first, then verify again"
        case NotDeclared():
            return "not reviewed", str(error), ""
        case pytest.skip.Exception():
            return "not reviewed", str(error), ""
        case AssertionError() if call.when == "call":
            promised, seen = item.stash.get(READING, Reading()).told()
            if promised != seen:
                return "failed", "", ""
            # Another assertion than that of the two values, or two that read alike: its own words tell more.
            return "failed", " ".join(str(error).split())[:500] or "the assertion does not hold", ""
    at = call.excinfo.traceback[-1]
    place = f"{Path(str(at.path)).name}:{at.lineno + 1}"
    return "error", f"defect in the suite: {type(error).__name__}: {error} ({place})", "report it to cutover"


def _evidence(item: pytest.Function) -> tuple[Evidence, ...]:
    found: list[Evidence] = []
    for name in item.funcargs:
        evidence = getattr(item.funcargs[name], "evidence", ())
        found += (
            [entry for entry in evidence if isinstance(entry, Evidence)] if evidence and not callable(evidence) else []
        )
    return tuple(found)
