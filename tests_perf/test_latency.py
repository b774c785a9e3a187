"""Section 13: response time of the quiet host."""

from cutover.check import control, promised, seen
from cutover.facts.latency import MAY_BE_SLOWER, SAMPLES, Latency
from cutover.inventory import Target


@control("13.response-time")
def test_knowledge_answers_in_time(latency: Latency, target: Target) -> None:
    """One `time curl` misses a delay that hits one request in ten. At most 1 of 100 answers may be slower:
    then 95 % of all are in time, with 95 % confidence (exact binomial).

    Mend: look for the slow part: sudo tail app.log, worker count (./run_production.sh status), disk and CPU (top)
    """
    limit = target.limits.response_seconds
    wrong = sum(status != 200 for status in latency.statuses)
    slow = latency.slower_than(limit)
    state = f"{slow} of {len(latency.seconds)} slower, slowest {max(latency.seconds):.2f} s, {wrong} not 200"
    given = (slow <= MAY_BE_SLOWER, len(latency.seconds) == SAMPLES, wrong)
    assert seen(given, state, where=latency.url) == promised(
        (True, True, 0), f"{limit:g} s for 99 of {SAMPLES} answers, all with 200"
    )
