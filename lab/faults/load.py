"""Defects that show only when many ask at once (section 13)."""

from pathlib import Path

from lab.faults import fault
from lab.faults.application import BACKEND, restart
from lab.host import Host
from lab.machine import STATE

# The lab's own promises, and a load beyond the checklist's: short stages that are long enough for a verdict.
_INVENTORY = STATE / "declared-load.toml"
_DECLARED = """
[target.load]
own = { locustfile = "visits.py", users = 5, seconds = 10 }
open = { rate = 20, seconds = 10 }
ramp = { users = [4, 8], seconds = 10, holds = 4 }
"""
_VISITS = """from locust import FastHttpUser, constant, task


class Visitor(FastHttpUser):
    wait_time = constant(0.3)

    @task
    def root(self):
        self.client.get("/")
"""
DECLARED_LOAD_ALONE = ("--load", "--inventory", str(_INVENTORY), "tests_perf/test_declared_load.py")

# One visit in eight meets a lock that another holds.
_TAIL = """
import itertools
import time

_answer, _number = app.wsgi_app, itertools.count()


def tardy(environ, start_response):
    if environ["PATH_INFO"] == "/" and next(_number) % 8 == 7:
        time.sleep(2.5)
    return _answer(environ, start_response)


app.wsgi_app = tardy
"""

# Only the root page is limited: an empty key is not counted.
_LIMIT = """
map $uri $of_the_root { / $binary_remote_addr; default ""; }
limit_conn_zone $of_the_root zone=root:1m;
limit_conn root 3;
"""


@fault(fails={"no_error_under_concurrency", "no_error_on_kept_connections"})
def few_at_a_time(host: Host) -> None:
    """A limit of connections for each address; behind a company's gateway all its users are one."""
    _limit(host, "limit_conn_status 503;")


@fault(fails={"no_error_under_concurrency", "no_error_on_kept_connections"})
def too_many_requests(host: Host) -> None:
    """The same limit, told as 429."""
    _limit(host, "limit_conn_status 429;")


@fault(
    fails={"declared_rate_is_answered_in_time", "declared_users_are_served_in_time", "own_locustfile_passes"},
    options=DECLARED_LOAD_ALONE,
)
def tail_of_the_declared_load(host: Host) -> None:
    """Most answers are quick, and one in eight is not: no average tells."""
    _declare()
    host.run(f"cat >>{BACKEND}/wsgi.py <<'END'\n{_TAIL}END\n")
    restart(host)


@fault(options=DECLARED_LOAD_ALONE)
def healthy_under_the_declared_load(host: Host) -> None:
    """The host as it was deployed, under the same load."""
    _declare()


def _declare() -> None:
    promised = (Path(__file__).parents[1] / "inventory.toml").read_text()
    _INVENTORY.write_text(promised.replace('"state/', f'"{STATE}/') + _DECLARED)
    _INVENTORY.with_name("visits.py").write_text(_VISITS)


def _limit(host: Host, status: str) -> None:
    host.run(f"cat >/etc/nginx/conf.d/limit.conf <<'END'\n{_LIMIT}{status}\nEND\nnginx -t && systemctl reload nginx")
