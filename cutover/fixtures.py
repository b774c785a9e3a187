"""Fixtures: a check names the facts it needs as arguments and gets them, or is told ``error``."""

from __future__ import annotations

from typing import cast

import pytest

from cutover.errors import NotDeclared
from cutover.facts.api import Api, Login
from cutover.facts.app_logs import AppLogs
from cutover.facts.application import Application, Memory, Run, StartScript
from cutover.facts.certificate import Certificate
from cutover.facts.certificate_files import CertificateFiles, CertificateOnDisk
from cutover.facts.checkout import Checkout, Packages, Virtualenv
from cutover.facts.directories import Directories
from cutover.facts.environment import Agreement, EnvFile, Environment
from cutover.facts.evidence import Outputs
from cutover.facts.firewall import Firewall
from cutover.facts.http import Http
from cutover.facts.latency import Latency
from cutover.facts.load import Load
from cutover.facts.nginx import Nginx, NginxSites, NginxUnit
from cutover.facts.ports import Ports
from cutover.facts.renewal import Renewal
from cutover.facts.resources import Resources
from cutover.facts.service import Service
from cutover.facts.system import OperatingSystem
from cutover.inventory import Peer, Server, Target
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
def promises(target: Target) -> Server:
    """What was promised of the server."""
    if target.server is None:
        raise NotDeclared("no way into the server is declared")
    return target.server


@pytest.fixture
def declared_remote(promises: Server) -> str:
    """The repository that the checkout must be of."""
    if not promises.remote:
        raise NotDeclared("server.remote is not declared")
    return promises.remote


@pytest.fixture
def declared_commit(promises: Server) -> str:
    """The commit that is to be deployed."""
    if not promises.commit:
        raise NotDeclared("server.commit is not declared")
    return promises.commit


@pytest.fixture
def declared_origins(promises: Server) -> frozenset[str]:
    """What may call the API from a browser."""
    if not promises.cors_origins:
        raise NotDeclared("server.cors_origins is not declared")
    return frozenset(promises.cors_origins)


@pytest.fixture
def checkout(server: Outputs) -> Checkout:
    """The application's git checkout."""
    return Checkout.read(server)


@pytest.fixture
def virtualenv(server: Outputs) -> Virtualenv:
    """The application's virtual environment."""
    return Virtualenv.read(server)


@pytest.fixture
def packages(server: Outputs) -> Packages:
    """What the virtual environment holds and lacks."""
    return Packages.read(server)


@pytest.fixture
def directories(server: Outputs) -> Directories:
    """The data and log directories."""
    return Directories.read(server)


@pytest.fixture
def env_file(server: Outputs) -> EnvFile:
    """The environment file as a file."""
    return EnvFile.read(server)


@pytest.fixture
def environment(server: Outputs) -> Environment:
    """The environment file's variables, without secrets."""
    return Environment.read(server)


@pytest.fixture
def agreement(server: Outputs) -> Agreement:
    """What the running application has otherwise than the environment file."""
    return Agreement.read(server)


@pytest.fixture
def application(server: Outputs) -> Application:
    """The processes on the application's port."""
    return Application.read(server)


@pytest.fixture
def memory(server: Outputs) -> Memory:
    """The memory of the application's processes."""
    return Memory.read(server)


@pytest.fixture
def start_script(server: Outputs) -> StartScript:
    """run_production.sh as a file."""
    return StartScript.read(server)


@pytest.fixture
def app_logs(server: Outputs) -> AppLogs:
    """The application's own log files."""
    return AppLogs.read(server)


@pytest.fixture
def service(server: Outputs) -> Service:
    """The application's systemd unit."""
    return Service.read(server)


@pytest.fixture
def script_check(server: Outputs) -> Run:
    """How run_production.sh check ended."""
    return Run.read(server, "app-check")


@pytest.fixture
def script_status(server: Outputs) -> Run:
    """How run_production.sh status ended."""
    return Run.read(server, "app-status")


@pytest.fixture
def certificate_files(server: Outputs) -> CertificateFiles:
    """The certificate and its key as files."""
    return CertificateFiles.read(server)


@pytest.fixture
def certificate_on_disk(server: Outputs) -> CertificateOnDisk:
    """What the certificate's file and its key hold."""
    return CertificateOnDisk.read(server)


@pytest.fixture
def renewal(server: Outputs) -> Renewal:
    """How the certificate is renewed."""
    return Renewal.read(server)


@pytest.fixture
def nginx(server: Outputs) -> Nginx:
    """nginx's configuration, and since when it runs."""
    return Nginx.read(server)


@pytest.fixture
def nginx_unit(server: Outputs) -> NginxUnit:
    """nginx as systemd has it."""
    return NginxUnit.read(server)


@pytest.fixture
def nginx_sites(server: Outputs) -> NginxSites:
    """The site's file and what is enabled."""
    return NginxSites.read(server)


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
