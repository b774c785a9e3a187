"""Defects of the application and its service."""

from lab.faults import fault
from lab.faults.web import WITH_TOKEN
from lab.host import Host

BACKEND = "/opt/mirai-knowledge-systems/backend"
ENVIRONMENT = f"{BACKEND}/.env.production"
SERVICE = "mirai-knowledge-system"

# Sleeps in every tenth request of a process, whatever it is for.
_TARDY = """
import itertools
import time

_answer, _count = app.wsgi_app, itertools.count(1)


def tardy(environ, start_response):
    if next(_count) % 10 == 0:
        time.sleep(3)
    return _answer(environ, start_response)


app.wsgi_app = tardy
"""


def restart(host: Host) -> None:
    """Restart the application as systemd does."""
    host.run(f"systemctl restart {SERVICE}")


@fault(fails={"knowledge_answers_in_time"})
def one_request_in_ten_takes_3_seconds(host: Host) -> None:
    """A slow path that one `time curl` has nine chances in ten to miss."""
    host.run(f"cat >>{BACKEND}/wsgi.py <<'END'\n{_TARDY}END\n")
    restart(host)


@fault(
    fails={
        "front_page_answers",
        "knowledge_is_refused_without_a_token",
        "login_gives_a_token",
        "no_error_under_concurrency",
    },
    errors=WITH_TOKEN,
)
def stopped(host: Host) -> None:
    """nginx has nothing behind it: 502, with all security headers."""
    host.run(f"systemctl stop {SERVICE}")
