"""The checks of tests_server/test_logs.py and test_logrotate.py, on facts that keep the promise and that break it."""

from dataclasses import replace

import pytest

from cutover.facts.http import Http
from cutover.facts.logrotate import Logrotate, Rule
from cutover.facts.logs import AccessLog, ErrorLogs
from cutover.inventory import Limits, Server, Target
from selftest.rows import HOST, TARGET, exchange, fails, judge, passes
from tests_server import test_logrotate as logrotate
from tests_server import test_logs as logs

SERVER = Server(way_in="local://")
NGINX = "/var/log/nginx/mirai-knowledge-system-access.log"
APP = "/var/log/mirai-knowledge-system/app.log"
HTTP = Http({"/": exchange(), "404": exchange(404)})
RULES = (
    Rule("/var/log/mirai-knowledge-system/*.log", 30.0, frozenset({APP}), compressed=True),
    Rule("/var/log/nginx/*.log", 14.0, frozenset({NGINX}), compressed=True),
)
GOOD = Logrotate(
    (), RULES, frozenset({APP, NGINX}), True, last_run=1_000_000, now=1_050_000, up_seconds=9e6, evidence=()
)
QUIET = ErrorLogs("2026/03/01 00:00:00", 0, 0, (), ())


def of_logs():
    check = logs.test_own_requests_are_in_the_access_log
    other = "/var/log/nginx/access.log"
    yield passes("all", check, access_log=AccessLog({NGINX: 2, other: 0}, ()), http=HTTP)
    yield passes("load-too", check, access_log=AccessLog({NGINX: 230}, ()), http=HTTP)
    yield passes("over-two", check, access_log=AccessLog({NGINX: 1, other: 1}, ()), http=HTTP)
    for marked in (0, 1):
        told = f"{marked} of this run's requests"
        yield fails(marked, check, "at least 2", told, access_log=AccessLog({NGINX: marked}, ()), http=HTTP)
    yield fails("no-log", check, "at least 2", "0 of this run's requests", access_log=AccessLog({}, ()), http=HTTP)

    check = logs.test_nginx_reports_no_trouble
    yield passes("quiet", check, error_logs=QUIET)
    line = f"{NGINX} 2026/03/01 00:00:01 [error] 1#1: *1 connect() failed while connecting to upstream"
    yield fails("upstream", check, "0", "3", error_logs=replace(QUIET, nginx=3, lines=(line,)))

    check = logs.test_application_reports_no_error
    yield passes("quiet", check, error_logs=QUIET)
    yield fails("traceback", check, "0", "1", error_logs=replace(QUIET, application=1, lines=(f"{APP} 2026-03-01",)))


def rules(**changed):
    return replace(GOOD, rules=(replace(RULES[0], **changed), RULES[1]))


def of_logrotate():
    check = logrotate.test_logrotate_accepts_its_configuration
    yield passes("checklist", check, logrotate=GOOD)
    told = "mirai-knowledge-system:3 unknown option 'dialy' -- ignoring line"
    yield fails("typing-error", check, "no error", told, logrotate=replace(GOOD, errors=(told,)))

    check = logrotate.test_every_log_is_rotated
    yield passes("checklist", check, logrotate=GOOD)
    yield fails("no-rule", check, "none", APP, logrotate=replace(GOOD, rules=RULES[1:]))
    yield fails("no-match", check, "none", APP, logrotate=rules(files=frozenset()))

    check = logrotate.test_logs_are_kept_long_enough
    server = {"promises": SERVER}
    yield passes("daily-30", check, logrotate=GOOD, target=TARGET, **server)
    yield passes("weekly-5", check, logrotate=rules(keeps_days=35.0), target=TARGET, **server)
    for name, days, told in (("weekly-4", 28.0, "28 days"), ("daily-7", 7.0, "7 days"), ("by-size", None, "0 days")):
        yield fails(name, check, "at least 30 days", told, logrotate=rules(keeps_days=days), target=TARGET, **server)
    year = Target(host=HOST, limits=Limits(log_keep_days=365))
    yield fails("declared", check, "at least 365 days", "30 days", logrotate=GOOD, target=year, **server)
    none = replace(GOOD, rules=RULES[1:])
    yield fails("no-rule", check, "at least 30 days", "0 days", logrotate=none, target=TARGET, **server)

    check = logrotate.test_old_logs_are_compressed
    yield passes("checklist", check, logrotate=GOOD)
    yield fails("plain", check, "none", RULES[0].pattern, logrotate=rules(compressed=False))

    check = logrotate.test_logrotate_runs_by_itself
    yield passes("ran", check, logrotate=GOOD)
    yield passes("new-host", check, logrotate=replace(GOOD, last_run=None, up_seconds=3600))
    for name, changed, parts in (
        ("no-timer", {"scheduled": False}, "timer or cron: no"),
        ("never", {"last_run": None}, "ran within two days: no"),
        ("long-ago", {"last_run": 1_050_000 - 3 * 86400}, "ran within two days: no"),
    ):
        yield fails(name, check, parts.replace(": no", ": yes"), parts, logrotate=replace(GOOD, **changed))


ROWS = [*of_logs(), *of_logrotate()]


@pytest.mark.parametrize("row", ROWS)
def test_check(row):
    assert judge(row) == row.failure
