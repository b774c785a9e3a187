"""The checks of tests_server/test_metrics.py, on facts that keep the promise and that break it."""

from dataclasses import replace

import pytest

from cutover.errors import ProbeError
from cutover.facts.evidence import Output
from cutover.facts.http import Http
from cutover.facts.metrics import Metrics
from selftest.rows import exchange, fails, judge, passes, printed
from tests_server import test_metrics as metrics

UP = Metrics(200, 80, ())
TEXT = "# HELP process_cpu_seconds_total CPU\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 1\n"


def outside(status, body=""):
    return {"http": Http({"metrics": replace(exchange(status, path="/metrics"), body=body)}), "metrics": UP}


def rows():
    check = metrics.test_metrics_answer_inside
    yield passes("prometheus", check, metrics=UP)
    for name, found in (
        ("nothing", Metrics(0, 0, ())),
        ("not-found", Metrics(404, 0, ())),
        ("page", Metrics(200, 0, ())),
    ):
        yield fails(name, check, "metrics", f"status {found.status}, no metrics", metrics=found)

    check = metrics.test_metrics_do_not_answer_outside
    yield passes("404", check, **outside(404))
    yield passes("403", check, **outside(403, "Forbidden"))
    yield passes("page-of-the-application", check, **outside(200, "<!DOCTYPE html>"))
    yield fails("metrics", check, "no metrics", "metrics", **outside(200, TEXT))


ROWS = list(rows())


@pytest.mark.parametrize("row", ROWS)
def test_check(row):
    assert judge(row) == row.failure


def test_what_curl_got():
    told = "status 200\ndescribed 80\n"
    assert replace(Metrics.read(printed({"metrics": told})), evidence=()) == UP


@pytest.mark.parametrize(
    "told", ["", "described 0\n", "status 200\n", Output("curl", 0, "described 0\n", "sh: 2: curl: not found", 0.1)]
)
def test_a_server_without_curl_is_no_fact(told):
    with pytest.raises(ProbeError, match="curl"):
        Metrics.read(printed({"metrics": told}))
