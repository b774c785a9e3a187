"""Defects of the running application: its script, its processes, its logs and its memory (sections 9 and 13)."""

from lab.faults import fault
from lab.faults.application import BACKEND, SERVICE, restart
from lab.faults.environment import change
from lab.faults.web import WITH_TOKEN
from lab.host import Host

LOGS = "/var/log/mirai-knowledge-system"
OTHER_LOGS = "/var/lib/mirai-knowledge-system/logs"

_HUNGRY = """
_held = bytearray(500 * 2**20)
for _page in range(0, len(_held), 4096):
    _held[_page] = 1
"""

_FAILING = """

@app.get("/report")
def report():
    raise RuntimeError("no such report: see password=hunter2")
"""


@fault(
    fails={
        "start_script_is_executable",
        "unit_starts_what_exists",
        "start_script_finds_the_variables_valid",
        "configuration_check_ends_well",
        "status_agrees_with_what_runs",
    }
)
def script_not_executable(host: Host) -> None:
    """Copied over by scp, without its mode; what runs was started before."""
    host.run(f"chmod -x {BACKEND}/run_production.sh")


@fault(
    fails={
        "one_gunicorn_holds_the_port",
        "workers_are_as_many_as_configured",
        "status_agrees_with_what_runs",
        "running_application_has_the_variables_of_the_file",
        "service_is_active",
        "service_runs_as_an_unprivileged_user",
        "processes_belong_to_the_unit",
        "knowledge_is_refused_without_a_token",
        "login_answers_in_time",
        "login_gives_a_token",
        "wrong_password_is_refused",
        "declared_origins_may_read",
        "no_directory_is_listed",
        "nothing_private_is_served",
        "answers_are_of_the_same_kind_as_the_old_servers",
        "bodies_are_those_of_the_old_server",
        "headers_of_the_old_server_are_kept",
    },
    errors=WITH_TOKEN,
)
def another_program_on_the_port(host: Host) -> None:
    """The service was stopped and a web server left running on its port after a trial."""
    host.run(f"systemctl stop {SERVICE}")
    host.run("cd /srv && setsid python3 -m http.server --bind 127.0.0.1 8000 >/dev/null 2>&1 & sleep 1")


@fault(fails={"workers_are_as_many_as_configured", "checkout_is_unchanged"})
def workers_written_into_the_program(host: Host) -> None:
    """The number was put into gunicorn's own file, which wins over the variable that everybody reads."""
    host.run(f"sed -i 's/^workers = .*/workers = 2/' {BACKEND}/gunicorn.conf.py")
    restart(host)


@fault(fails={"status_agrees_with_what_runs"})
def pid_file_lost(host: Host) -> None:
    """Swept away with /run by a clean-up: the script no longer knows of what it started."""
    host.run("rm /run/mirai-knowledge-system/gunicorn.pid")


@fault(fails={"open_logs_are_the_ones_people_read"})
def rotated_without_a_reload(host: Host) -> None:
    """A log was moved away, and the application writes on into the moved file."""
    host.run(f"mv {LOGS}/error.log {LOGS}/error.log.1 && install -o mks -g mks -m 640 /dev/null {LOGS}/error.log")


@fault(fails={"open_logs_are_the_ones_people_read"})
def logs_deleted(host: Host) -> None:
    """Deleted to make room, while the application holds them open."""
    host.run(f"rm {LOGS}/*.log")


@fault(fails={"logs_are_written_since_the_start", "open_logs_are_the_ones_people_read"})
def logs_written_elsewhere(host: Host) -> None:
    """Moved to another place for lack of room, while people and logrotate go on with the old files."""
    host.run(f"install -d -o mks -g mks -m 750 {OTHER_LOGS} && systemctl stop {SERVICE} && sleep 4")
    change(host, f"$ a MKS_LOG_DIR={OTHER_LOGS}")


@fault(fails={"no_traceback_since_the_start", "application_reports_no_error", "checkout_is_unchanged"})
def request_that_raises(host: Host) -> None:
    """An endpoint nobody tried: each request to it ends in an exception."""
    host.run(f"cat >>{BACKEND}/wsgi.py <<'END'\n{_FAILING}END\n")
    restart(host)
    host.run("curl -ks -o /dev/null https://localhost/report")


@fault(fails={"application_fits_into_its_tier", "application_fits_into_its_tier_under_load", "checkout_is_unchanged"})
def hungry_workers(host: Host) -> None:
    """Each worker reads half a gigabyte into memory at its start."""
    host.run(f"cat >>{BACKEND}/wsgi.py <<'END'\n{_HUNGRY}END\n")
    restart(host)
