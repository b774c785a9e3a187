"""Section 13, beyond its own load: what the inventory declares as [target.load] and `--load` permits."""

from cutover.check import control, promised, seen
from cutover.facts.load import Load, Ramp, breaks, may_be_slower
from cutover.inventory import Target


@control("13.concurrency")
def test_declared_rate_is_answered_in_time(load_open: Load, target: Target) -> None:
    """Users do not wait for each other: what a stall holds up counts from when it was due. So few may be slower that
    95 % of all are in time, with 95 % confidence (exact binomial).

    Mend: find the slow part at that rate: sudo tail app.log, worker count and threads (./run_production.sh status), top
    """
    judge(load_open, target, f"{load_open.offered:g} requests a second")


@control("13.concurrency")
def test_own_locustfile_passes(load_own: Load, target: Target) -> None:
    """What the operators themselves say that users do, by their own locustfile: no failure, 95 % of it in time.

    Mend: look which of its requests fail or are slow (facts/, load_own.json), and for these in app.log
    """
    judge(load_own, target, f"{load_own.concurrency} users of the own locustfile")


@control("13.concurrency")
def test_declared_users_are_served_in_time(load_ramp: Ramp, target: Target) -> None:
    """Steps of more and more users tell where the promise breaks; up to the declared number it may not.

    Mend: give the application more workers or threads, or the host more cores; or declare the number that it holds
    """
    assert target.load is not None
    assert target.load.ramp is not None
    wanted, broken = target.load.ramp.holds, load_ramp.broken
    state = f"held up to {load_ramp.knee} users"
    if broken:
        state += f", broke at {broken.concurrency}: {breaks(broken, load_ramp.limit)}"
    elif load_ramp.ended:
        state += f"; {load_ramp.ended}"
    given = seen(load_ramp.knee >= wanted, state, where=load_ramp.steps[0].url)
    assert given == promised(True, f"no error and p95 within {load_ramp.limit:g} s up to {wanted} users")


def judge(load: Load, target: Target, how: str) -> None:
    """No error, no early end, and in time with the confidence that the number of requests allows."""
    limit = target.limits.response_seconds
    slow, allowed = load.slower_than(limit), may_be_slower(len(load.samples))
    failed = sum(load.failures.values())
    failures = "; ".join(f"{count} × {kind}: {load.causes[kind]}" for kind, count in load.failures.items())
    state = f"{slow} of {len(load.samples)} slower, p95 {load.quantile(0.95):.2f} s, {failed} with an error"
    state += f" ({failures})" if failures else ""
    state += f", stopped early: {load.stopped}" if load.stopped else ""
    given = seen((slow <= allowed, failed, load.stopped), state, where=f"{load.url}, {how}")
    few = f"at most {allowed} of {len(load.samples)}" if allowed >= 0 else "with 59 requests or more none"
    assert given == promised((True, 0, ""), f"no error, {few} slower than {limit:g} s")
