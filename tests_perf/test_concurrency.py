"""Section 13: the checklist's `ab -n 100 -c 10`, with every answer looked at."""

from cutover.check import control, promised, seen
from cutover.facts.load import Load


@control("13.concurrency")
def test_no_error_under_concurrency(load: Load) -> None:
    """ab ends with status 0 even when each of 100 answers is 503: here each answer's status and body count.

    Mend: by class of error: 5xx and timeout: worker count and app.log; connect and reset: backlog, ulimit; tls: nginx
    """
    ok = len(load.samples) - sum(load.failures.values())
    failures = "; ".join(f"{count} × {kind}: {load.causes[kind]}" for kind, count in load.failures.items())
    state = f"{ok} of {load.requests} without error" + (f" ({failures})" if failures else "")
    given = seen(ok, state, where=f"{load.url}, {load.concurrency} at a time, a new connection each")
    assert given == promised(load.requests, f"{load.requests} of {load.requests} without error")
