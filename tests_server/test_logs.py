"""Section 14: the logs of nginx and of the application, after the suite's own requests."""

from cutover.check import control, promised, seen
from cutover.facts.http import Http
from cutover.facts.logs import AccessLog, ErrorLogs


@control("14.access-log")
def test_own_requests_are_in_the_access_log(access_log: AccessLog, http: Http) -> None:
    """After an incident the access log is what is left; one that is off or lies elsewhere shows only then.

    Mend: access_log /var/log/nginx/mirai-knowledge-system-access.log; in the site, then sudo systemctl reload nginx
    """
    least = len(http.answers)
    marked = sum(access_log.marked.values())
    files = ", ".join(file for file, count in access_log.marked.items() if count) or "/var/log/nginx"
    assert seen(marked, f"{marked} of this run's requests", where=files) >= promised(least, f"at least {least}")


@control("14.error-log")
def test_nginx_reports_no_trouble(error_logs: ErrorLogs) -> None:
    """Alerts, and failures of the application behind nginx: users have already seen what stands there.

    Mend: sudo tail -n 50 /var/log/nginx/mirai-knowledge-system-error.log, and sudo systemctl status of the service
    """
    assert seen(error_logs.nginx, where=first(error_logs, "/var/log/nginx")) == promised(0)


@control("14.error-log")
def test_application_reports_no_error(error_logs: ErrorLogs) -> None:
    """An error behind a page that looks right is lost data a day later.

    Mend: sudo tail -n 50 /var/log/mirai-knowledge-system/app.log
    """
    where = first(error_logs, "the application's logs")
    assert seen(error_logs.application, where=where) == promised(0)


def first(error_logs: ErrorLogs, place: str) -> str:
    """The place, and the first line of trouble there."""
    lines = [line for line in error_logs.lines if line.startswith("/var/log/nginx") == (place == "/var/log/nginx")]
    return f"{place}, since {error_logs.since}" + (f": {lines[0]}" if lines else "")
