"""One verification: probing before the first check, a verdict for each check, the reports after the last."""

from __future__ import annotations

import base64
import contextlib
import copy
import fcntl
import gc
import os
import pickle
import shutil
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, cast

import pytest

from cutover import probes
from cutover.aim import Aim
from cutover.check import start_reading
from cutover.errors import NotDeclared, ProbeError
from cutover.fixtures import SURVEY
from cutover.inventory import Target
from cutover.judging import READING, judge
from cutover.probes import live, sent, survey
from cutover.report import journal, junit, terminal
from cutover.report.about import about
from cutover.report.journal import History
from cutover.report.run import Run
from cutover.report.sameness import sameness
from cutover.report.words import of_locale
from cutover.verdict import Outcome, Verdict

PLAN = "plan.json"
_NOT_FACTS = shutil.ignore_patterns(".*", PLAN)  # of an earlier run
_LETTERS: dict[Outcome, str] = {
    "passed": ".",
    "failed": "F",
    "error": "E",
    "advice": "a",
    "waived": "w",
    "not reviewed": "-",
}


class Verification:
    """The plugin of a run that has targets."""

    def __init__(self, config: pytest.Config, aim: Aim) -> None:
        self._config = config
        self._aim = aim
        self.peers = aim.peers
        self.recorded = aim.recorded
        self._survey = config.stash[SURVEY] = survey.Survey(aim.peers, aim.recorded)
        known = about(
            aim.folder.name,
            aim.started,
            map(str, config.invocation_params.args),
            aim.inputs,
            aim.peers,
            aim.recorded,
            strict_advice=config.option.strict_advice,
            gate=config.option.gate,
            lang=config.option.lang or of_locale(os.environ),
        )
        self._run = Run(aim.folder, known, aim.exceptions)
        self._history = History(aim.folder)
        self._journal = journal.Journal(aim.folder)
        self._plan = self._run.plan
        self._facts = aim.folder / "facts"
        self._unjudged: dict[str, str] = {}
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
        if self._reports:
            with self._writing():
                self._run.about.write(self._run.folder)
                self._aim.exceptions.write(self._run.folder)
        wanted = {job for item in session.items for job in _wanted(item)}
        wanted |= {(survey.AGAIN[probe], of) for probe, of in wanted if probe in survey.AGAIN}
        # The probes begin by waiting for programs that they start.
        with ThreadPoolExecutor(1) as meanwhile:
            ready = meanwhile.submit(self._get_ready, session)
            if wanted:
                self._look_together(self._survey.with_their_load(wanted))
            ready.result()

    def _get_ready(self, session: pytest.Session) -> None:
        """Note what is to be judged, and load what writes the reports in the end."""
        self._plan.select(session.items, self._config.rootpath, self._config.getini("testpaths"))
        if session.items:  # the controller of -n has none
            with self._writing():
                self._plan.share(self._facts / PLAN)
        with probes.ONE_AT_A_TIME:
            from cutover.report import folder, summary  # noqa: F401

    def _look_together(self, wanted: set[survey.Wanted]) -> None:
        """Whoever of this run's processes comes first looks and saves what it saw; the others read that."""
        lock = None
        with contextlib.ExitStack() as stack:
            with self._writing():
                self._facts.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context((self._facts / ".lock").open("ab", buffering=0))
                fcntl.flock(file, fcntl.LOCK_EX)
                lock = file
            if lock and os.fstat(lock.fileno()).st_size:
                self._survey.load(wanted, self._facts)
            elif self._aim.replayed:
                self._survey.replay(wanted, self._aim.replayed)
                with self._writing():
                    shutil.copytree(self._aim.replayed, self._facts, dirs_exist_ok=True, ignore=_NOT_FACTS)
            elif lock or self._reports:
                self._look(wanted)
                with self._writing():
                    self._survey.save(self._facts)
                    self._aim.save(self._facts)
                    if lock:
                        lock.write(b"looked\n")
            else:
                # Each by itself would log in, and load the host, once more.
                cause = f"under -n processes share what they see, and {self._run.unwritten}"
                self._survey.give_up(wanted, ProbeError(cause, "make it writable, or run without -n"))

    def _look(self, wanted: set[survey.Wanted]) -> None:
        try:
            if self._aim.wait_dns:
                waiting = terminal.Waiting(self._config)
                lines = probes.propagation.wait(
                    [of[0].target for of in self.peers.values()], self._aim.wait_dns, waiting.told
                )
                with self._writing():
                    self._run.waited.write_text("".join(f"{line}\n" for line in lines), "utf-8")
            with terminal.Progress(self._config) as progress, live.heard_by(progress.live):
                self._survey.look(wanted, progress.told)
        except KeyboardInterrupt:
            with self._writing():
                self._survey.save(self._facts)
                self._aim.save(self._facts)
            raise

    @contextlib.contextmanager
    def _writing(self) -> Generator[None, None, None]:
        """What cannot be written is told in the summary, and ends no run."""
        try:
            yield
        except OSError as error:
            self._run.unwritten = f"{self._run.folder} cannot be written: {error.strerror or error}"

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """Note what -k, -m or --deselect leaves out, wherever it was said."""
        self._plan.deselect(items)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """What a server was on another day says nothing of what its address serves now."""
        if not self.recorded or not isinstance(item, pytest.Function) or not {"server", "peer"} <= {*item.fixturenames}:
            return
        if self._survey.is_recorded(cast(Target, item.callspec.params["target"])):
            raise NotDeclared("compares the server with what its address serves, and its facts are recorded ones")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Note what the check compares."""
        item.stash[READING] = start_reading()
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> pytest.TestReport | None:
        """Turn an outcome into a verdict, which travels on the report."""
        marker = item.get_closest_marker("control")
        if marker is None:
            return None
        # The verdict's message takes the traceback's place; laying that out takes longer than most checks.
        plain = copy.copy(call)
        plain.excinfo = None
        report = pytest.TestReport.from_item_and_call(item, plain)
        if call.when != "call" and call.excinfo is None:
            return report
        verdict = judge(item, call, marker.args[0], strict=self._config.option.strict_advice)
        verdict = self._aim.exceptions.applied(verdict)
        report.verdict = verdict  # type: ignore[attr-defined]
        report.user_properties += junit.properties(verdict)
        if verdict.outcome in ("waived", "not reviewed", "advice"):
            report.outcome = "skipped"
            told = verdict.waiver or verdict.reason or verdict.message
            report.longrepr = (verdict.file, 0, f"{verdict.outcome}: {told}")
        elif verdict.word != "passed":
            report.outcome = "failed"
            report.longrepr = verdict.message
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the verdicts. Under -n a worker hears of its own too: the journal would have each of them twice."""
        if not self._reports:
            return
        if verdict := getattr(report, "verdict", None):
            self._note(verdict)
        elif report.failed:
            self._unjudged[report.nodeid] = str(report.longrepr)

    def _note(self, verdict: Verdict) -> None:
        verdict = self._history.dated(verdict, self._run.about.started)
        self._run.verdicts.append(verdict)
        if not self._run.unwritten:
            with self._writing():
                self._journal.append(verdict)

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Our five words, and ``advice``, in pytest's progress and closing line."""
        verdict: Verdict | None = getattr(report, "verdict", None)
        if verdict is None:
            return None
        outcome = verdict.outcome
        return outcome, _LETTERS[outcome], (outcome.upper(), terminal.COLOURS[outcome])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the reports. A run in which nothing was judged is not green."""
        if session.config.option.collectonly or not self._reports:
            return
        with self._writing():
            self._plan.read(self._facts / PLAN)
        # No more than this is told of a check whose worker of -n crashed.
        for nodeid in self._plan.checks.keys() & self._unjudged.keys():
            self._note(self._plan.checks[nodeid].error(self._unjudged[nodeid], "look at it without -n"))
        # Advice counts only where nothing else was asked for.
        counted = [verdict for verdict in self._run.verdicts if not verdict.is_advice] or self._run.verdicts
        if exitstatus == pytest.ExitCode.OK:
            if {verdict.outcome for verdict in counted} & {"failed", "error"}:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED  # pytest itself forgives what is marked xfail
            elif not {verdict.word for verdict in counted} - {"not reviewed", "error"}:
                session.exitstatus = pytest.ExitCode.NO_TESTS_COLLECTED
        self._close(session)

    def _close(self, session: pytest.Session) -> None:
        """Write what is written at the end, and let the exit status be the gate's answer where it was asked for."""
        state: Literal["ended", "interrupted"] = "ended"
        if session.exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR):
            state = "interrupted"
        same = sameness(self._facts, self._run.about.targets)
        self._run.about = self._run.about.closed(state, sameness=same, requests=sent.saved(self._facts))
        self._run.ended_with = int(session.exitstatus)
        self._journal.close()
        from cutover.report import folder  # here, because it was loaded while the probes waited

        with self._writing():
            folder.write(self._run, self._config.option.sign)
        if self._config.option.gate:
            session.exitstatus = self._run.decision.status
        # Also a yes: what nobody could sign or keep proves nothing.
        if self._run.unwritten and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_unconfigure(self) -> None:
        """Or pytest and Python would look through all objects several times, only to end: a tenth of the run."""
        gc.freeze()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, exitstatus: int
    ) -> Generator[None, None, None]:
        """Other tests as pytest tells them, then the summary by section: pytest would tell our failures once more."""
        everything = terminalreporter.stats
        terminalreporter.stats = {category: list(filter(self._is_other, told)) for category, told in everything.items()}
        try:
            yield
        finally:
            terminalreporter.stats = everything
        if not self._config.option.collectonly:
            interrupted = exitstatus == pytest.ExitCode.INTERRUPTED
            from cutover.report import summary  # here, likewise

            summary.summarise(terminalreporter, self._run, self.peers, set(self.recorded), interrupted)

    def _is_other(self, report: object) -> bool:
        return not hasattr(report, "verdict") and getattr(report, "nodeid", "") not in self._plan.checks


def _wanted(item: pytest.Item) -> list[survey.Wanted]:
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return []
    return survey.asked_for(item.fixturenames, item.callspec.params)  # type: ignore[arg-type]
