"""Fixtures: a check names the facts it needs as arguments and gets them, or is told ``error``."""

from __future__ import annotations

from typing import cast

import pytest

from cutover.facts.api import Api, Login
from cutover.facts.certificate import Certificate
from cutover.facts.evidence import Outputs
from cutover.facts.firewall import Firewall
from cutover.facts.http import Http
from cutover.facts.latency import Latency
from cutover.facts.load import Load
from cutover.facts.ports import Ports
from cutover.facts.resources import Resources
from cutover.facts.system import OperatingSystem
from cutover.inventory import Peer, Target
from cutover.probes.survey import Survey

SURVEY = pytest.StashKey[Survey]()


@pytest.fixture(scope="session")
def survey(pytestconfig: pytest.Config) -> Survey:
    """All that was seen in this run."""
    return pytestconfig.stash[SURVEY]


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    """The target a check runs for, with what was promised of it."""
    return cast(Target, request.param)


@pytest.fixture(scope="session")
def peer(request: pytest.FixtureRequest, target: Target) -> Peer:
    """The address of ``target`` that a check of the outside view runs for."""
    return cast(Peer, request.param)


@pytest.fixture
def server(survey: Survey, target: Target) -> Outputs:
    """What every command on the server printed."""
    return cast(Outputs, survey.facts("server", target))


@pytest.fixture
def system(server: Outputs) -> OperatingSystem:
    """The operating system's release."""
    return OperatingSystem.read(server)


@pytest.fixture
def resources(server: Outputs) -> Resources:
    """Processors, memory and disk of the server."""
    return Resources.read(server)


@pytest.fixture
def firewall(server: Outputs) -> Firewall:
    """The firewall as the host has it."""
    return Firewall.read(server)


@pytest.fixture
def ports(survey: Survey, peer: Peer) -> Ports:
    """TCP ports from outside."""
    return cast(Ports, survey.facts("ports", peer))


@pytest.fixture
def http(survey: Survey, peer: Peer) -> Http:
    """Every surface over https, without credentials."""
    return cast(Http, survey.facts("http", peer))


@pytest.fixture
def redirect(survey: Survey, peer: Peer) -> Http:
    """What plain http answered, by path."""
    return cast(Http, survey.facts("redirect", peer))


@pytest.fixture
def certificate(survey: Survey, peer: Peer) -> Certificate:
    """The certificate chain sent."""
    return cast(Certificate, survey.facts("certificate", peer))


@pytest.fixture
def login(survey: Survey, target: Target) -> Login:
    """The one login of the run."""
    return cast(Login, survey.facts("login", target))


@pytest.fixture
def api(survey: Survey, peer: Peer) -> Api:
    """The endpoints that want a token."""
    return cast(Api, survey.facts("api", peer))


@pytest.fixture
def latency(survey: Survey, peer: Peer) -> Latency:
    """Response times of the quiet host."""
    return cast(Latency, survey.facts("latency", peer))


@pytest.fixture
def load(survey: Survey, peer: Peer) -> Load:
    """The load stage's samples."""
    return cast(Load, survey.facts("load", peer))
