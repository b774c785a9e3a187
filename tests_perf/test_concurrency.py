"""Section 13: the checklist's `ab -n 100 -c 10`, with every answer looked at."""

from cutover.check import control, promised, seen
from cutover.facts.load import Load


@control("13.concurrency")
def test_no_error_under_concurrency(load: Load) -> None:
    """ab ends with status 0 even when each of 100 answers is 503: here each answer's status and body count.

    Mend: by class of error: 5xx and timeout: worker count and app.log; connect and reset: backlog, ulimit; tls: nginx
    """
    judge(load, "a new connection each")


@control("13.concurrency")
def test_no_error_on_kept_connections(load_kept: Load) -> None:
    """Browsers keep their connections; a worker's answer that leaves one in disorder spoils the next request on it.

    Mend: by class of error: reset: keepalive_timeout and keepalive_requests of nginx; wrong-body: app.log
    """
    judge(load_kept, "on kept connections")


def judge(load: Load, how: str) -> None:
    """All of exactly so many requests without error."""
    ok = len(load.samples) - sum(load.failures.values())
    failures = "; ".join(f"{count} × {kind}: {load.causes[kind]}" for kind, count in load.failures.items())
    state = f"{ok} of {load.requests} without error" + (f" ({failures})" if failures else "")
    given = seen(ok, state, where=f"{load.url}, {load.concurrency} at a time, {how}")
    assert given == promised(load.requests, f"{load.requests} of {load.requests} without error")
