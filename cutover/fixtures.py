"""Fixtures: a check names the facts it needs as arguments and gets them, or is told ``error``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from cutover.errors import NotDeclared, NotPromised, ProbeError
from cutover.facts.app_logs import AppLogs
from cutover.facts.application import Application, Memory, Run, StartScript
from cutover.facts.backups import Backups, BackupScript
from cutover.facts.bans import Bans
from cutover.facts.certificate_files import CertificateFiles, CertificateOnDisk
from cutover.facts.checkout import Checkout, Packages, Virtualenv
from cutover.facts.clock import Clock, TimeZone
from cutover.facts.core_dumps import CoreDumps
from cutover.facts.database import DatabaseRole, OwnUrl, Postgres
from cutover.facts.directories import Directories
from cutover.facts.environment import Agreement, EnvFile, Environment
from cutover.facts.evidence import Outputs
from cutover.facts.firewall import Firewall
from cutover.facts.forwarding import Forwarding
from cutover.facts.kernel import KernelSettings, MandatoryAccess
from cutover.facts.listeners import Listeners
from cutover.facts.load_memory import LoadMemory
from cutover.facts.logrotate import Logrotate
from cutover.facts.logs import AccessLog, ErrorLogs
from cutover.facts.metrics import Metrics
from cutover.facts.monitors import Monitors
from cutover.facts.nginx import Nginx, NginxSites, NginxTest, NginxUnit
from cutover.facts.readable_secrets import ReadableSecrets
from cutover.facts.reboot import Reboot
from cutover.facts.releases import Support
from cutover.facts.renewal import Rehearsal, Renewal
from cutover.facts.replaced_files import ReplacedFiles
from cutover.facts.resources import Resources
from cutover.facts.secret_keys import SecretKeys
from cutover.facts.service import Service
from cutover.facts.software import Software
from cutover.facts.sshd import Sshd
from cutover.facts.storage import Storage
from cutover.facts.system import OperatingSystem
from cutover.facts.units import Exposure, FailedUnits
from cutover.facts.updates import PendingUpdates, Sources, UnattendedUpgrades
from cutover.inventory import Database, Peer, Server, Target
from cutover.probes.survey import Readable, Survey

SURVEY = pytest.StashKey[Survey]()

# Facts hold for all checks of a target; pytest forgets them when it goes on to the next.
fact = pytest.fixture(scope="session")


@fact
def survey(pytestconfig: pytest.Config) -> Survey:
    """All that was seen in this run."""
    return pytestconfig.stash[SURVEY]


@fact
def target(request: pytest.FixtureRequest) -> Target:
    """The target a check runs for, with what was promised of it."""
    return cast(Target, request.param)


@fact
def peer(request: pytest.FixtureRequest, target: Target) -> Peer:
    """The address of ``target`` that a check of the outside view runs for."""
    return cast(Peer, request.param)


@fact
def server(survey: Survey, target: Target) -> Outputs:
    """What every command on the server printed."""
    return cast(Outputs, survey.facts("server", target))


def of_server(kind: type[Readable]) -> Any:  # noqa: ANN401 - pytest's own type for a fixture is private
    """A fixture that reads facts of this kind from the visit to the server."""

    def read(survey: Survey, server: Outputs) -> object:
        return survey.read(kind, server)

    read.__doc__ = kind.__doc__
    return fact(read)


system = of_server(OperatingSystem)
resources = of_server(Resources)
support = of_server(Support)
sources = of_server(Sources)
unattended_upgrades = of_server(UnattendedUpgrades)
reboot = of_server(Reboot)
time_zone = of_server(TimeZone)
storage = of_server(Storage)
software = of_server(Software)
secret_keys = of_server(SecretKeys)
sshd = of_server(Sshd)
listeners = of_server(Listeners)
firewall = of_server(Firewall)
forwarding = of_server(Forwarding)
checkout = of_server(Checkout)
virtualenv = of_server(Virtualenv)
packages = of_server(Packages)
directories = of_server(Directories)
env_file = of_server(EnvFile)
environment = of_server(Environment)
agreement = of_server(Agreement)
application = of_server(Application)
memory = of_server(Memory)
start_script = of_server(StartScript)
app_logs = of_server(AppLogs)
service = of_server(Service)
certificate_files = of_server(CertificateFiles)
certificate_on_disk = of_server(CertificateOnDisk)
renewal = of_server(Renewal)
nginx = of_server(Nginx)
nginx_unit = of_server(NginxUnit)
nginx_test = of_server(NginxTest)
nginx_sites = of_server(NginxSites)
logrotate = of_server(Logrotate)
mandatory_access = of_server(MandatoryAccess)
kernel_settings = of_server(KernelSettings)
core_dumps = of_server(CoreDumps)
bans = of_server(Bans)
failed_units = of_server(FailedUnits)
exposure = of_server(Exposure)
replaced_files = of_server(ReplacedFiles)
readable_secrets = of_server(ReadableSecrets)


@fact
def pending_updates(server: Outputs, target: Target) -> PendingUpdates:
    """Security updates that are not installed."""
    return PendingUpdates.read(server, target.limits.package_lists_hours)


@fact
def clock(server: Outputs, target: Target) -> Clock:
    """The server's clock beside the operator's."""
    return Clock.read(server, target.limits.clock_skew_seconds)


@fact
def promises(target: Target) -> Server:
    """What was promised of the server."""
    if target.server is None:
        raise NotDeclared("no way into the server is declared")
    return target.server


def declared(key: str, doc: str, kind: Callable[[Any], object]) -> Any:  # noqa: ANN401
    """A fixture that hands out a promise of the server which has no default."""

    def promise(promises: Server) -> object:
        if not (value := getattr(promises, key)):
            raise NotPromised(f"server.{key} is not declared")
        return kind(value)

    promise.__doc__ = doc
    return fact(promise)


declared_remote = declared("remote", "The repository that the checkout must be of.", str)
declared_commit = declared("commit", "The commit that is to be deployed.", str)
declared_origins = declared("cors_origins", "What may call the API from a browser.", frozenset)


@fact
def script_check(server: Outputs) -> Run:
    """How run_production.sh check ended."""
    return Run.read(server, "app-check")


@fact
def script_status(server: Outputs) -> Run:
    """How run_production.sh status ended."""
    return Run.read(server, "app-status")


@fact
def rehearsal(promises: Server, server: Outputs) -> Rehearsal:
    """How a rehearsed renewal ended."""
    if not promises.allow_active:
        raise NotDeclared("an active probe, off by default; allow it with --allow-active")
    return Rehearsal.read(server)


@fact
def monitors(server: Outputs, target: Target) -> Monitors:
    """The jobs that watch the host."""
    return Monitors.read(server, target.host)


@fact
def database(target: Target) -> Database:
    """What was promised of the database."""
    if target.database is None:
        raise NotPromised("no database is declared; give it as [target.database]")
    return target.database


@fact
def postgres(server: Outputs, database: Database) -> Postgres:
    """PostgreSQL's service."""
    return Postgres.read(server)


@fact
def database_role(server: Outputs, database: Database) -> DatabaseRole:
    """The database, and what its role may."""
    return DatabaseRole.read(server)


@fact
def own_url(server: Outputs, database: Database) -> OwnUrl:
    """What the application's own URL leads to."""
    return OwnUrl.read(server)


@fact
def backups(server: Outputs, promises: Server) -> Backups:
    """The backups the server holds."""
    return Backups.read(server, promises.data_dir)


@fact
def backup_script(server: Outputs, promises: Server) -> BackupScript:
    """What makes the backups, and when."""
    return BackupScript.read(server, f"{promises.app_dir}/backup.sh", promises.backup_dir)


@fact
def metrics(server: Outputs, target: Target) -> Metrics:
    """The metrics as the server itself finds them."""
    if target.metrics is None:
        raise NotPromised("no metrics are declared; give them as [target.metrics]")
    return Metrics.read(server)


@fact
def load_memory(survey: Survey, target: Target) -> LoadMemory:
    """The application's memory before, during and after the load."""
    read = LoadMemory.read(cast(Outputs, survey.facts("load_memory", target)))
    if not survey.facts_of_all_peers("load", target.label):
        raise ProbeError(f"{target.label}: its memory was watched, and no load came", "see 13.concurrency")
    return read


@fact
def afterwards(survey: Survey, target: Target) -> Outputs:
    """What the last look at the server printed, after all else."""
    return cast(Outputs, survey.facts("afterwards", target))


@fact
def access_log(afterwards: Outputs) -> AccessLog:
    """This run's own requests in nginx's logs."""
    return AccessLog.read(afterwards)


@fact
def error_logs(afterwards: Outputs) -> ErrorLogs:
    """Trouble in the logs of nginx and the application."""
    return ErrorLogs.read(afterwards)
