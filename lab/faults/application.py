"""Defects of the application and its service."""

from lab.faults import fault
from lab.faults.web import BESIDE_THE_OLD, IN_TIME, WITH_TOKEN
from lab.host import Host

BACKEND = "/opt/mirai-knowledge-systems/backend"
ENVIRONMENT = f"{BACKEND}/.env.production"
SERVICE = "mirai-knowledge-system"

# Sleeps in every fifth request for one endpoint that a process gets.
_TARDY = """
import itertools
import time

_answer, _count = app.wsgi_app, itertools.count(1)


def tardy(environ, start_response):
    if environ["PATH_INFO"] == "/api/v1/auth/me" and next(_count) % 5 == 0:
        time.sleep(3)
    return _answer(environ, start_response)


app.wsgi_app = tardy
"""


# What nothing can be said of while nothing runs.
LOOKED_AT_IN_PROCESSES = {
    "application_fits_into_its_tier",
    "application_fits_into_its_tier_under_load",
    "memory_comes_back_after_load",
    "memory_is_left",
    "memory_is_left_under_load",
    "memory_of_the_application_stays_out_of_files",
    "logs_are_written_since_the_start",
    "open_logs_are_the_ones_people_read",
    "no_traceback_since_the_start",
    "running_application_has_the_variables_of_the_file",
}


def restart(host: Host) -> None:
    """Restart the application as systemd does."""
    host.run(f"systemctl restart {SERVICE}")


@fault(fails={"endpoint_answers_in_time", "new_connections_answer_in_time", "checkout_is_unchanged"})
def one_request_in_five_takes_3_seconds(host: Host) -> None:
    """A slow path that one `time curl` of the right endpoint has four chances in five to miss."""
    host.run(f"cat >>{BACKEND}/wsgi.py <<'END'\n{_TARDY}END\n")
    restart(host)


@fault(
    fails={
        *BESIDE_THE_OLD,
        "declared_origins_may_read",
        "front_page_answers",
        "knowledge_is_refused_without_a_token",
        "login_answers_in_time",
        "login_gives_a_token",
        *IN_TIME,
        "wrong_password_is_refused",
        "no_error_under_concurrency",
        "no_error_on_kept_connections",
        "one_gunicorn_holds_the_port",
        "application_listens_where_it_is_configured",
        "workers_are_as_many_as_configured",
        "status_agrees_with_what_runs",
        "service_is_active",
        "processes_belong_to_the_unit",
        "nginx_reports_no_trouble",
    },
    errors=WITH_TOKEN | LOOKED_AT_IN_PROCESSES,
)
def stopped(host: Host) -> None:
    """nginx has nothing behind it: 502, with all security headers."""
    host.run(f"systemctl stop {SERVICE}")


@fault(fails={"me_is_who_logged_in", "checkout_is_unchanged"})
def me_is_somebody_else(host: Host) -> None:
    """A stand-in for tests was left in: /me answers 200, with a user whom nobody has logged in as."""
    stand_in = '{**_public(g.user), "username": "guest"}'
    host.run(
        f"sed -i '/^def me/,$s/_public(g.user)/{stand_in}/' {BACKEND}/mks/api.py && grep -q guest {BACKEND}/mks/api.py"
    )
    restart(host)
