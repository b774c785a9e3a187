"""The workers of -n: they hand their verdicts to the controller as text and numbers, and end when it does."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Generator
from typing import Any

import pytest
from pydantic import TypeAdapter

from cutover.verdict import Verdict

_VERDICT = TypeAdapter(Verdict)
_PR_SET_PDEATHSIG = 1


def pytest_configure(config: pytest.Config) -> None:
    """Else a worker whose controller was killed goes on for ten seconds, and what it runs with it."""
    if hasattr(config, "workerinput") and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
    """Also for other plugins that write reports down."""
    data = yield
    if data and "verdict" in data:
        data["verdict"] = _VERDICT.dump_python(data["verdict"], mode="json")
    return data


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable() -> Generator[None, Any, Any]:
    """What a worker judged."""
    report = yield
    if hasattr(report, "verdict"):
        report.verdict = _VERDICT.validate_python(report.verdict)
    return report
