"""Verdicts on their way from a worker of -n to the controller: as text and numbers, or not at all."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from pydantic import TypeAdapter

from cutover.verdict import Verdict

_VERDICT = TypeAdapter(Verdict)


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
