"""The checks of the server's inside and the facts they name, called without pytest: for many visits a second."""

import inspect
from typing import NamedTuple

from cutover import fixtures
from cutover.check import start_reading
from cutover.errors import NotDeclared, ProbeError
from selftest.hostile.spoilt import TARGET
from selftest.rows import modules


class FromOutside(Exception):
    """A fixture that no visit to a server brings."""


class Survey:
    """Reads facts of the visit, and has seen nothing else."""

    def read(self, kind, outputs):
        return kind.read(outputs)

    def __getattr__(self, name):
        raise FromOutside(name)


class Case(NamedTuple):
    """A check with the arguments of one of its parametrizations."""

    check: object
    arguments: dict


def cases():
    """Every check, once for each of its parametrizations."""
    for module in modules("tests_*/test_*.py"):
        for name, check in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_") and check.__module__ == module.__name__:
                yield from (Case(check, arguments) for arguments in _arguments(check))


def _arguments(check):
    found = [{}]
    for mark in getattr(check, "pytestmark", []):
        if mark.name == "parametrize":
            names = (
                [name.strip() for name in mark.args[0].split(",")] if isinstance(mark.args[0], str) else mark.args[0]
            )
            values = [value if len(names) > 1 else (value,) for value in mark.args[1]]
            found = [one | dict(zip(names, each, strict=True)) for one in found for each in values]
    return found


def facts(name, visit, known):
    """What the fixture of this name hands out; ``known`` keeps what was asked for before."""
    if name in ("server", "afterwards"):
        return visit
    if name == "target":
        return TARGET
    if name == "survey":
        return Survey()
    if name not in known:
        fixture = getattr(fixtures, name, None)
        if not hasattr(fixture, "_get_wrapped_function"):
            raise FromOutside(name)
        function = fixture._get_wrapped_function()
        try:
            known[name] = function(**{one: facts(one, visit, known) for one in inspect.signature(function).parameters})
        except (ProbeError, NotDeclared) as error:
            known[name] = error
    if isinstance(known[name], Exception):
        raise known[name].with_traceback(None)
    return known[name]


def judge(case, visit, known):
    """The verdict's word and the texts it tells, as a run would: passed, failed, error or not reviewed."""
    reading = start_reading()
    word = "passed"
    try:
        asked = inspect.signature(case.check).parameters
        arguments = {
            name: case.arguments[name] if name in case.arguments else facts(name, visit, known) for name in asked
        }
        try:
            case.check(**arguments)
        except AssertionError:
            word = "failed"
    except ProbeError as error:
        return "error", (error.cause, error.advice)
    except NotDeclared as error:
        return "not reviewed", (str(error),)
    return word, (*reading.told(), reading.where)
