"""Rows of a table: a check, the facts it is called with, and the two texts it must tell when it fails."""

import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cutover.check import start_reading
from cutover.facts.evidence import Output, Outputs
from cutover.facts.http import Exchange
from cutover.inventory import Target

ROOT = Path(__file__).parents[1]
HOST = "api.example.com"
TARGET = Target(host=HOST)
AT = "2026-03-01T00:00:00+00:00"


class Row(NamedTuple):
    check: Callable[..., None]
    facts: dict
    failure: tuple[str, str] | None  # what is told as promised and as seen


def passes(case, check, marks=(), **facts):
    return pytest.param(Row(check, facts, None), id=f"{check.__name__}-{case}", marks=marks)


def fails(case, check, promised, seen, marks=(), **facts):
    return pytest.param(Row(check, facts, (promised, seen)), id=f"{check.__name__}-{case}", marks=marks)


def judge(row):
    """What the check tells when it fails, None when it passes; any other exception is the caller's failure."""
    reading = start_reading()
    try:
        row.check(**row.facts)
    except AssertionError:
        return reading.told()
    return None


def modules(pattern):
    return [
        importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
        for file in sorted(ROOT.glob(pattern))
    ]


def one_sided():
    """The checks that no table of selftest/test_checks_*.py sees pass, or none sees fail."""
    checks = {
        function
        for module in modules("tests_*/test_*.py")
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("test_")
    }
    rows = [row.values[0] for module in modules("selftest/test_checks_*.py") for row in module.ROWS]
    told = {(row.check, row.failure is None) for row in rows}
    return {f"{check.__module__}.{check.__name__}" for check in checks if {(check, True), (check, False)} - told}


def exchange(status=200, content_type="application/json", headers=(), *, path="/", length=100, **more):
    typed = (("Content-Type", content_type),) if content_type else ()
    return Exchange(
        method="GET",
        url=f"https://{HOST}{path}",
        at=AT,
        status=status,
        headers=(*typed, *headers),
        body="",
        length=length,
        seconds=0.1,
        **{"complete": True} | more,
    )


def printed(texts):
    """A visit on which each command printed its text and ended well, or came to the Output that is given."""
    outputs = {
        name: text if isinstance(text, Output) else Output(f"cat {name}", 0, text, "", 0.01)
        for name, text in texts.items()
    }
    return Outputs(AT, HOST, outputs)
