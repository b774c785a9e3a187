"""Runs for tests of reports: made up of verdicts, with no host anywhere."""

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from cutover.checklist import catalogue
from cutover.exceptions import Attestation, Exceptions
from cutover.report.about import About, TargetLine
from cutover.report.run import Run
from cutover.verdict import Verdict

STARTED = datetime(2026, 3, 1, tzinfo=UTC)
TODAY = STARTED.date()
LABEL = "new-api"
PASSED = Verdict(
    word="passed",
    control_id="12.redirect",
    file="tests_network/test_redirect.py",
    check="test_http_is_redirected_with_301[new-api]",
    target=LABEL,
    promised="301",
    seen="301",
    mend="return 301",
)


def verdict(control_id="12.redirect", word="passed", name="test_it", **more):
    return replace(PASSED, control_id=control_id, word=word, check=f"{name}[{more.get('target', LABEL)}]", **more)


def everything(**words):
    """A verdict for each control that checks judge; those named by ``words`` get another than ``passed``."""
    told = {name.replace("__", ".").replace("_", "-"): word for name, word in words.items()}
    return [
        verdict(control.id, told.get(control.id, "passed"), f"test_{control.id.replace('.', '_').replace('-', '_')}")
        for control in catalogue().control
        if control.judged_by == "checks" and not control.is_advice
    ]


def stated(valid_until=date(2026, 6, 1), **more):
    """A statement for each control that asks for one."""
    return tuple(
        Attestation(
            control=control.id, target=LABEL, by="Sato", on=TODAY, statement="seen", valid_until=valid_until, **more
        )
        for control in catalogue().control
        if control.judged_by == "attestation"
    )


def run_of(folder: Path, *verdicts, phase="post", exceptions=None, state="ended", **more):
    """A run in ``folder`` of these verdicts."""
    labels = dict.fromkeys((LABEL, *(each.target for each in verdicts)))
    targets = {label: TargetLine("api.example.com", phase, "small", ("192.0.2.1",), False) for label in labels}
    about = About(
        run=folder.name,
        started=STARTED.isoformat(),
        started_jst="2026-03-01T09:00:00+09:00",
        operator="sato",
        job="",
        machine="desk",
        version="0.1.0",
        commit="",
        python="3.11",
        arguments="--host api.example.com",
        inputs={},
        targets=targets,
        state=state,
    )
    return Run(folder, about, exceptions or Exceptions(TODAY), list(verdicts), **more)
