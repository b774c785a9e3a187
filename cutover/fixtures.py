"""Fixtures: a check names the facts it needs as arguments and gets them, or is told ``error``."""

from __future__ import annotations

from typing import cast

import pytest

from cutover.errors import NotDeclared
from cutover.facts.api import Api, Login
from cutover.facts.app_logs import AppLogs
from cutover.facts.application import Application, Memory, Run, StartScript
from cutover.facts.backups import Backups, BackupScript
from cutover.facts.certificate import Certificate
from cutover.facts.certificate_files import CertificateFiles, CertificateOnDisk
from cutover.facts.checkout import Checkout, Packages, Virtualenv
from cutover.facts.clock import Clock, TimeZone
from cutover.facts.database import DatabaseRole, OwnUrl, Postgres
from cutover.facts.directories import Directories
from cutover.facts.environment import Agreement, EnvFile, Environment
from cutover.facts.evidence import Outputs
from cutover.facts.firewall import Firewall
from cutover.facts.http import Http
from cutover.facts.latency import Latency
from cutover.facts.listeners import Listeners
from cutover.facts.load import Load
from cutover.facts.logrotate import Logrotate
from cutover.facts.logs import AccessLog, ErrorLogs
from cutover.facts.metrics import Metrics
from cutover.facts.monitors import Monitors
from cutover.facts.nginx import Nginx, NginxSites, NginxTest, NginxUnit
from cutover.facts.ports import Ports
from cutover.facts.reboot import Reboot
from cutover.facts.releases import Support
from cutover.facts.renewal import Rehearsal, Renewal
from cutover.facts.resources import Resources
from cutover.facts.secret_keys import SecretKeys
from cutover.facts.service import Service
from cutover.facts.software import Software
from cutover.facts.sshd import Sshd
from cutover.facts.storage import Storage
from cutover.facts.system import OperatingSystem
from cutover.facts.updates import PendingUpdates, Sources, UnattendedUpgrades
from cutover.inventory import Database, Peer, Server, Target
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
def support(server: Outputs) -> Support:
    """Until when the release gets security updates."""
    return Support.read(server)


@pytest.fixture
def sources(server: Outputs) -> Sources:
    """Where the server gets security updates from."""
    return Sources.read(server)


@pytest.fixture
def pending_updates(server: Outputs, target: Target) -> PendingUpdates:
    """Security updates that are not installed."""
    return PendingUpdates.read(server, target.limits.package_lists_hours)


@pytest.fixture
def unattended_upgrades(server: Outputs) -> UnattendedUpgrades:
    """What installs security updates by itself."""
    return UnattendedUpgrades.read(server)


@pytest.fixture
def reboot(server: Outputs) -> Reboot:
    """Whether a boot is owed."""
    return Reboot.read(server)


@pytest.fixture
def time_zone(server: Outputs) -> TimeZone:
    """The time zone in effect."""
    return TimeZone.read(server)


@pytest.fixture
def clock(server: Outputs, target: Target) -> Clock:
    """The server's clock beside the operator's."""
    return Clock.read(server, target.limits.clock_skew_seconds)


@pytest.fixture
def storage(server: Outputs) -> Storage:
    """Room on the file systems of what grows."""
    return Storage.read(server)


@pytest.fixture
def software(server: Outputs) -> Software:
    """The programs that the application needs."""
    return Software.read(server)


@pytest.fixture
def secret_keys(server: Outputs) -> SecretKeys:
    """The application's secret keys, as the host judges them."""
    return SecretKeys.read(server)


@pytest.fixture
def sshd(server: Outputs) -> Sshd:
    """The ssh server's settings."""
    return Sshd.read(server)


@pytest.fixture
def listeners(server: Outputs) -> Listeners:
    """What listens beyond loopback."""
    return Listeners.read(server)


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
def rehearsal(promises: Server, server: Outputs) -> Rehearsal:
    """How a rehearsed renewal ended."""
    if not promises.allow_active:
        raise NotDeclared("an active probe, off by default; allow it with --allow-active")
    return Rehearsal.read(server)


@pytest.fixture
def nginx(server: Outputs) -> Nginx:
    """nginx's configuration, and since when it runs."""
    return Nginx.read(server)


@pytest.fixture
def nginx_unit(server: Outputs) -> NginxUnit:
    """nginx as systemd has it."""
    return NginxUnit.read(server)


@pytest.fixture
def nginx_test(server: Outputs) -> NginxTest:
    """nginx's word on the configuration on disk."""
    return NginxTest.read(server)


@pytest.fixture
def nginx_sites(server: Outputs) -> NginxSites:
    """The site's file and what is enabled."""
    return NginxSites.read(server)


@pytest.fixture
def monitors(server: Outputs, target: Target) -> Monitors:
    """The jobs that watch the host."""
    return Monitors.read(server, target.host)


@pytest.fixture
def logrotate(server: Outputs) -> Logrotate:
    """How logs are rotated."""
    return Logrotate.read(server)


@pytest.fixture
def database(target: Target) -> Database:
    """What was promised of the database."""
    if target.database is None:
        raise NotDeclared("no database is declared; give it as [target.database]")
    return target.database


@pytest.fixture
def postgres(server: Outputs, database: Database) -> Postgres:
    """PostgreSQL's service."""
    return Postgres.read(server)


@pytest.fixture
def database_role(server: Outputs, database: Database) -> DatabaseRole:
    """The database, and what its role may."""
    return DatabaseRole.read(server)


@pytest.fixture
def own_url(server: Outputs, database: Database) -> OwnUrl:
    """What the application's own URL leads to."""
    return OwnUrl.read(server)


@pytest.fixture
def backups(server: Outputs, promises: Server) -> Backups:
    """The backups the server holds."""
    return Backups.read(server, promises.data_dir)


@pytest.fixture
def backup_script(server: Outputs, promises: Server) -> BackupScript:
    """What makes the backups, and when."""
    return BackupScript.read(server, f"{promises.app_dir}/backup.sh", promises.backup_dir)


@pytest.fixture
def metrics(server: Outputs, target: Target) -> Metrics:
    """The metrics as the server itself finds them."""
    if target.metrics is None:
        raise NotDeclared("no metrics are declared; give them as [target.metrics]")
    return Metrics.read(server)


@pytest.fixture
def afterwards(survey: Survey, target: Target) -> Outputs:
    """What the last look at the server printed, after all else."""
    return cast(Outputs, survey.facts("afterwards", target))


@pytest.fixture
def access_log(afterwards: Outputs) -> AccessLog:
    """This run's own requests in nginx's logs."""
    return AccessLog.read(afterwards)


@pytest.fixture
def error_logs(afterwards: Outputs) -> ErrorLogs:
    """Trouble in the logs of nginx and the application."""
    return ErrorLogs.read(afterwards)


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
