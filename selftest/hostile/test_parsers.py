"""Every parser of a host's output on spoilt answers: facts, or ProbeError or NotDeclared, in time; nothing else."""

import importlib
import inspect
import pkgutil
import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cutover import facts as package
from cutover import fixtures
from cutover.check import start_reading
from cutover.errors import NotDeclared, ProbeError
from cutover.facts.evidence import Output, Outputs
from cutover.probes.server import OUTPUT_BYTES
from selftest.hostile.spoilt import TARGET, Noticing, bounded, look_through, spoilt_visits, visits
from selftest.rows import modules

HOSTS = visits()
SECONDS = 10.0  # of the processor: a hang guard; each takes some milliseconds
ESCAPES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# What a parser takes beside the visit's outputs.
BESIDE = {
    "hours": 24.0,
    "limit": 2.0,
    "host": TARGET.host,
    "name": "app-check",
    "data_dir": TARGET.server.data_dir,
    "path": f"{TARGET.server.app_dir}/backup.sh",
    "backup_dir": TARGET.server.backup_dir,
}


def parsers():
    """Every class of facts that is read from a visit, by its place."""
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            read = getattr(kind, "read", None)
            if kind.__module__ == module.name and read and "outputs" in inspect.signature(read).parameters:
                yield pytest.param(kind, id=f"{module.name.rpartition('.')[2]}.{name}")


PARSERS = list(parsers())


def read(kind, outputs):
    """All that these facts tell; a ProbeError or NotDeclared is none."""
    known = {"outputs": outputs, **BESIDE}
    asked = inspect.signature(kind.read).parameters
    try:
        facts = kind.read(**{name: known[name] for name in asked})
        return list(look_through(facts))
    except (ProbeError, NotDeclared) as error:
        return [str(error), getattr(error, "advice", "")]


def names_of(kind):
    """The commands whose outputs a parser reads."""
    found = set()
    for host in HOSTS:
        noticing = Noticing(host.outputs)
        read(kind, replace(host, outputs=noticing))
        found |= noticing.asked
    return found & HOSTS[0].outputs.keys()


@pytest.mark.parametrize("kind", PARSERS)
def test_a_healthy_host_is_read(kind):
    assert names_of(kind)
    told = inspect.signature(kind.read).parameters
    assert kind.read(**{name: {"outputs": HOSTS[0], **BESIDE}[name] for name in told})


@pytest.mark.parametrize("kind", PARSERS)
def test_a_spoilt_answer_is_facts_or_a_probe_error(kind):
    names = names_of(kind)

    @given(spoilt_visits(HOSTS, names))
    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), database=None)
    def holds(outputs):
        with bounded(SECONDS):
            told = read(kind, outputs)
        assert [text for text in told if ESCAPES.search(text)] == []

    holds()


EXAMPLES = int(__import__("os").environ.get("N", 60))
