"""Section 9: the application as it runs, whoever started it."""

from cutover.check import control, promised, seen
from cutover.facts.app_logs import AppLogs
from cutover.facts.application import Application, Run, StartScript
from cutover.facts.environment import Agreement, Environment
from cutover.inventory import Server

ROUNDING = 2  # seconds: ps and ls tell whole ones


@control("9.executable")
def test_start_script_is_executable(start_script: StartScript) -> None:
    """Without the right to execute it neither systemd nor an operator can start the application after a boot.

    Mend: sudo chmod +x run_production.sh
    """
    told = f"{start_script.mode or 'no such file'}, for {start_script.user}"
    assert seen(start_script.executable, told, where="run_production.sh") == promised(True, "executable")


@control("9.config-check")
def test_configuration_check_ends_well(script_check: Run) -> None:
    """What it complains of comes up at the next start, which may be at night after a reboot.

    Mend: ./run_production.sh check as the owner of .env.production, and mend what it names.
    """
    told = f"status {script_check.status}: {script_check.said}"
    assert seen(script_check.status, told, where="run_production.sh check") == promised(0, "status 0")


@control("9.config-check")
def test_running_application_has_the_variables_of_the_file(agreement: Agreement) -> None:
    """A file that was changed after the start is checked and reviewed, while another configuration serves.

    Mend: sudo systemctl restart mirai-knowledge-system (a reload keeps the old environment).
    """
    other = agreement.differs | agreement.lacks
    assert seen(other, where=".env.production, /proc/PID/environ") == promised(frozenset(), "the same variables")


@control("9.start")
def test_one_gunicorn_holds_the_port(application: Application, promises: Server) -> None:
    """Another program on the port answers in the application's place, and a second gunicorn every other request.

    Mend: sudo ss -ltnp shows who it is; stop it, then sudo systemctl restart mirai-knowledge-system
    """
    holders = [f"{'gunicorn' if master.gunicorn else 'another program'} {master.pid}" for master in application.masters]
    one = len(holders) == 1 and application.masters[0].gunicorn
    assert seen(one, ", ".join(holders) or "nobody", where=f"port {promises.bind_port}") == promised(
        True, "one gunicorn"
    )


@control("9.start")
def test_application_listens_where_it_is_configured(
    application: Application, environment: Environment, promises: Server
) -> None:
    """nginx passes requests to this address; anywhere else they are not found, or strangers find it too.

    Mend: MKS_GUNICORN_BIND in .env.production, then sudo systemctl restart mirai-knowledge-system
    """
    bind = environment.values.get("MKS_GUNICORN_BIND") or f"127.0.0.1:{promises.bind_port}"
    wanted = frozenset(part.strip().replace("localhost", "127.0.0.1") for part in bind.split(","))
    assert seen(application.addresses, where="ss -ltnp") == promised(wanted)


@control("9.start")
def test_workers_are_as_many_as_configured(
    application: Application, environment: Environment, promises: Server
) -> None:
    """Workers that are missing crash at their start, again and again, while the rest answers.

    Mend: look into error.log for the reason, then sudo systemctl restart mirai-knowledge-system
    """
    running = len(application.workers)
    configured = environment.values.get("MKS_GUNICORN_WORKERS") or str(promises.workers or running or "some")
    assert seen(str(running), where="children of the master") == promised(configured)


@control("9.status")
def test_status_agrees_with_what_runs(script_status: Run, application: Application) -> None:
    """Operators go by this word. It may say yes with no worker left, or no to a process it does not know of.

    Mend: compare ./run_production.sh status with sudo ss -ltnp; stop what it does not know of, then restart.
    """
    serves = bool(application.masters and application.workers)
    state = {"status": script_status.status == 0, "master and workers on the port": serves}
    assert seen(state, where="run_production.sh status, ss -ltnp") == promised(dict.fromkeys(state, True))


@control("9.logs")
def test_logs_are_written_since_the_start(app_logs: AppLogs) -> None:
    """Each start writes to the log; where it did not, the words of the next incident are lost too.

    Mend: give the log directory to the service user, restart, and look with tail -f logs/error.log
    """
    newest = max(app_logs.written.values(), default=None)
    told = "no log file" if newest is None else f"{app_logs.started - newest} s before the start"
    late = newest is not None and newest >= app_logs.started - ROUNDING
    assert seen(late, "yes" if late else told) == promised(True, "a *.log file written to since the start")


@control("9.logs")
def test_open_logs_are_the_ones_people_read(app_logs: AppLogs) -> None:
    """After a rotation without a reload the application writes on into a file that was renamed or deleted.

    It may also write to another place than the log directory and backend/logs, where nothing rotates it.

    Mend: sudo systemctl reload mirai-knowledge-system, and put that into logrotate's postrotate (section 14).
    """
    assert seen(app_logs.astray, where="/proc/PID/fd") == promised(frozenset(), "only files that are in place")


@control("9.logs")
def test_no_traceback_since_the_start(app_logs: AppLogs) -> None:
    """A request that ended in an exception is told to its user as an error and to nobody else.

    Mend: look it up in error.log or app.log by its time; lost workers are most often a lack of memory.
    """
    told = ", ".join(sorted({trouble.what for trouble in app_logs.since_start}))
    where = "error.log, app.log"
    assert seen(len(app_logs.since_start), f"{len(app_logs.since_start)}: {told}", where=where) == promised(0, "none")
