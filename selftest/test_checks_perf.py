"""The checks of tests_perf, each with facts that keep the promise and facts that break it."""

from collections import Counter
from dataclasses import replace

import pytest

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.api import Login
from cutover.facts.http import Phases
from cutover.facts.latency import Answer, Latency, Series, Unasked
from cutover.facts.load import Client, Load, Ramp, Sample, may_be_slower
from cutover.inventory import Limits, Target
from cutover.promised_load import DeclaredLoad, OpenModel, RampModel
from selftest.rows import AT, HOST, TARGET, Row, exchange, fails, judge, passes
from tests_perf import test_concurrency as concurrency
from tests_perf import test_declared_load as declared
from tests_perf import test_latency as latency

ALL = "100 of 100 without error"
FIRST = Answer("knowledge", 200, "application/json", Phases(0.01, 0.02, 0.06, 0.01))
GOOD = replace(FIRST, phases=Phases(0.0, 0.0, 0.09, 0.01))
KNOWLEDGE = f"https://{HOST}/knowledge"
CLAIM = "for 95 % of all answers, with 95 % confidence (none of 61 slower, or 1 of 122 slower)"
OWN = Target(host=HOST, limits=Limits(me_seconds=0.5, login_seconds=1.5))


def taking(*seconds):
    """Answers of the ``seconds`` each until their first byte."""
    return tuple(replace(GOOD, phases=Phases(0.0, 0.0, each, 0.0)) for each in seconds)


def series(*last, count=61, warm_up=GOOD):
    """``count`` answers: quick ones, and then the ``last``."""
    return Series(KNOWLEDGE, AT, (*[GOOD] * (count - len(last)), *last), warm_up)


def latencies(first=FIRST, warm=None, new=None, unasked=None):
    return Latency(
        KNOWLEDGE, AT, first, {"knowledge": warm or series(), "me": warm or series()}, new or series(), unasked
    )


def stage(*failures, requests=100, count=100):
    good = Sample(started=0.0, seconds=0.1, status=200, length=100, failure="")
    samples = tuple(replace(good, failure=failure) for failure in failures)
    samples += (good,) * (count - len(samples))
    causes = {failure: f"first {failure}" for failure in failures}
    return Load(f"https://{HOST}/", "192.0.2.1", requests, 10, False, 1.0, samples, (), causes)


def of_first_request():
    check, promised = latency.test_first_request_answers_in_time, "one right answer within 2 s"
    yield passes("quick", check, latency=latencies(), target=TARGET)
    slow = replace(FIRST, phases=Phases(0.5, 0.5, 1.0, 0.001), dns=0.25)
    seen = "2.251 s (DNS 0.250, connect 0.500, TLS 0.500, first byte 1.000, body 0.001)"
    yield fails("slow", check, promised, seen, latency=latencies(slow), target=TARGET)
    refused = replace(FIRST, status=429)
    seen = "0.100 s (connect 0.010, TLS 0.020, first byte 0.060, body 0.010); 429, application/json"
    yield fails("429", check, promised, seen, latency=latencies(refused), target=TARGET)


def of_endpoints():
    check, promised = latency.test_endpoint_answers_in_time, f"right answers, 2 s {CLAIM}"
    of = {"endpoint": "knowledge", "target": TARGET}
    yield passes("quick", check, latency=latencies(), **of)
    yield passes("all-at-the-limit", check, latency=latencies(warm=series(*taking(*[2.0] * 61))), **of)
    yield passes("one-slow", check, latency=latencies(warm=series(*taking(9.0), count=122)), **of)
    middle, first = "median 0.100 s", "after a first of 0.100 s"
    for case, facts, seen in (
        (
            "two-slow",
            series(*taking(2.5, 2.001)),
            f"2 of 61 slower; {middle}; slowest 2.500 s (first byte 2.500, body 0.000)",
        ),
        (
            "two-of-122",
            series(*taking(3, 3), count=122),
            f"2 of 122 slower; {middle}; slowest 3.000 s (first byte 3.000, body 0.000)",
        ),
        (
            "at-once",
            series(*taking(3, 4), count=2),
            "2 of 2 slower; median 3.500 s; slowest 4.000 s (first byte 4.000, body 0.000)",
        ),
    ):
        yield fails(case, check, promised, f"{seen}; {first}", latency=latencies(warm=facts), **of)
    quick = f"none of 9 slower; {middle}; slowest 0.100 s (first byte 0.090, body 0.010)"
    for case, wrong, told in (
        ("429", {"status": 429}, "429, application/json"),
        ("html", {"content_type": "text/html"}, "200, text/html"),
        ("no-type", {"content_type": ""}, "200, no content type"),
        ("cut", {"flaw": "cut short"}, "200, application/json, cut short"),
        ("denial", {"objection": "success: false"}, "200, application/json, success: false"),
        ("none", {"status": 0, "content_type": "", "flaw": "no answer"}, "no answer"),
    ):
        facts = series(replace(GOOD, **wrong), count=9)
        yield fails(case, check, promised, f"{quick}; {first}; answer 9: {told}", latency=latencies(warm=facts), **of)
        cold = series(count=0, warm_up=replace(GOOD, **wrong))
        yield fails(f"{case}-at-first", check, promised, f"the warm-up: {told}", latency=latencies(warm=cold), **of)
    of = {"endpoint": "me", "target": OWN}
    yield passes("own-limit", check, latency=latencies(warm=series(*taking(*[0.5] * 61))), **of)
    seen = f"2 of 61 slower; {middle}; slowest 0.600 s (first byte 0.600, body 0.000); {first}"
    own = f"right answers, 0.5 s {CLAIM}"
    yield fails("own-limit", check, own, seen, latency=latencies(warm=series(*taking(0.6, 0.6))), **of)


def of_new_connections():
    check = latency.test_new_connections_answer_in_time
    yield passes("quick", check, latency=latencies(), target=TARGET)
    slow = series(*taking(3, 3), warm_up=None)
    seen = "2 of 61 slower; median 0.100 s; slowest 3.000 s (first byte 3.000, body 0.000)"
    yield fails("slow", check, f"right answers, 2 s {CLAIM}", seen, latency=latencies(new=slow), target=TARGET)
    mixed = [replace(each, endpoint="me") for each in taking(0.6, 0.6)]
    facts = latencies(new=series(*taking(1.9), *mixed, warm_up=None))
    seen = "2 of 61 slower; median 0.100 s; slowest 1.900 s (first byte 1.900, body 0.000)"
    yield fails("by-endpoint", check, f"right answers, 0.5 or 2 s {CLAIM}", seen, latency=facts, target=OWN)
    yield passes("by-endpoint", check, latency=facts, target=TARGET)


def of_login():
    check, phases = latency.test_login_answers_in_time, Phases(0.25, 0.25, 1.0, 0.25)
    quick = Login(replace(exchange(path="/login"), phases=phases), "access_token")
    yield passes("in-time", check, login=quick, target=TARGET)
    seen = "1.750 s (connect 0.250, TLS 0.250, first byte 1.000, body 0.250)"
    yield fails("own-limit", check, "one right answer within 1.5 s", seen, login=quick, target=OWN)
    refused = Login(replace(exchange(429, path="/login"), phases=phases), "")
    seen += "; 429, application/json"
    yield fails("429", check, "one right answer within 2 s", seen, login=refused, target=TARGET)


def of_concurrency():
    for check, fact in (
        (concurrency.test_no_error_under_concurrency, "load"),
        (concurrency.test_no_error_on_kept_connections, "load_kept"),
    ):
        yield passes("100", check, **{fact: stage()})
        yield passes("1", check, **{fact: stage(requests=1, count=1)})
        for kind in ("dns", "connect", "tls", "timeout", "reset", "4xx", "429", "5xx", "wrong-body", "other"):
            seen = f"99 of 100 without error (1 × {kind}: first {kind})"
            yield fails(kind, check, ALL, seen, **{fact: stage(kind)})
        mixed = stage(*["5xx"] * 7, *["timeout"] * 2)
        seen = "91 of 100 without error (7 × 5xx: first 5xx; 2 × timeout: first timeout)"
        yield fails("mixed", check, ALL, seen, **{fact: mixed})
        all_ = stage(*["5xx"] * 100)
        yield fails("all", check, ALL, "0 of 100 without error (100 × 5xx: first 5xx)", **{fact: all_})
        yield fails("one-missing", check, ALL, "99 of 100 without error", **{fact: stage(count=99)})
        yield fails("none", check, ALL, "0 of 100 without error", **{fact: stage(count=0)})


def timed(*slow, failures=(), count=600, stopped=""):
    """A stage of so many requests, first the failed ones, last those that took longer than a tenth of a second."""
    facts = stage(*failures, count=count)
    quick = count - len(slow)
    late = tuple(replace(facts.samples[-1], seconds=seconds) for seconds in slow)
    return replace(facts, samples=facts.samples[:quick] + late, offered=20.0, requests=count, stopped=stopped)


def of_declared_load():
    text = "no error, at most 20 of 600 slower than 2 s"
    for check, fact in (
        (declared.test_declared_rate_is_answered_in_time, "load_open"),
        (declared.test_own_locustfile_passes, "load_own"),
    ):
        yield passes("quick", check, target=TARGET, **{fact: timed()})
        yield passes("twenty-slow", check, target=TARGET, **{fact: timed(*[3.0] * 20)})
        yield passes("all-at-the-limit", check, target=TARGET, **{fact: timed(*[2.0] * 600)})
        yield passes("fewest", check, target=TARGET, **{fact: timed(count=59)})
        for case, facts, promised, seen in (
            ("21-slow", timed(*[2.001] * 21), text, "21 of 600 slower, p95 0.10 s, 0 with an error"),
            ("36-slow", timed(*[3.0] * 36), text, "36 of 600 slower, p95 3.00 s, 0 with an error"),
            (
                "one-failed",
                timed(failures=["5xx"]),
                text,
                "0 of 600 slower, p95 0.10 s, 1 with an error (1 × 5xx: first 5xx)",
            ),
            (
                "stopped",
                timed(failures=["5xx"] * 40, count=60, stopped="11 of the last 40 requests: 5xx or no answer"),
                "no error, at most 0 of 60 slower than 2 s",
                "0 of 60 slower, p95 0.10 s, 40 with an error (40 × 5xx: first 5xx), stopped early: "
                "11 of the last 40 requests: 5xx or no answer",
            ),
            (
                "stopped-only",
                timed(stopped="why"),
                text,
                "0 of 600 slower, p95 0.10 s, 0 with an error, stopped early: why",
            ),
            (
                "too-few",
                timed(count=58),
                "no error, with 59 requests or more none slower than 2 s",
                "0 of 58 slower, p95 0.10 s, 0 with an error",
            ),
        ):
            yield fails(case, check, promised, seen, target=TARGET, **{fact: facts})


def ramp(*steps, ended=""):
    return Ramp(2.0, (10, 20, 40), steps, ended, ())


def step(users, **more):
    return replace(timed(**more), concurrency=users, offered=0.0)


def of_ramp():
    check = declared.test_declared_users_are_served_in_time
    load = DeclaredLoad(ramp=RampModel(users=(10, 20, 40), holds=20))
    target = Target(host=HOST, load=load)
    good, text = [step(10), step(20)], "no error and p95 within 2 s up to 20 users"
    slow = replace(timed(*[2.5] * 60), concurrency=40)
    yield passes("never-breaks", check, load_ramp=ramp(*good, step(40)), target=target)
    yield passes("breaks-beyond", check, load_ramp=ramp(*good, slow), target=target)
    yield passes("gives-out-beyond", check, load_ramp=ramp(*good, ended="gave out"), target=target)
    at_once = replace(slow, concurrency=10)
    seen = "held up to 0 users, broke at 10: p95 2.50 s"
    yield fails("breaks-at-once", check, text, seen, load_ramp=ramp(at_once), target=target)
    failed = step(20, failures=["5xx", "5xx", "reset"])
    seen = "held up to 10 users, broke at 20: 3 of 600 failed, 5xx most: first 5xx"
    yield fails("breaks-with-errors", check, text, seen, load_ramp=ramp(step(10), failed), target=target)
    seen = "held up to 10 users; the budget was used up"
    given = ramp(step(10), ended="the budget was used up")
    yield fails("ends-too-early", check, text, seen, load_ramp=given, target=target)


ROWS = [
    *of_first_request(),
    *of_endpoints(),
    *of_new_connections(),
    *of_login(),
    *of_concurrency(),
    *of_declared_load(),
    *of_ramp(),
]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure


def test_failures_are_counted_by_class_the_most_frequent_first():
    counted = stage("reset", "5xx", "5xx").failures
    assert counted == Counter({"5xx": 2, "reset": 1})
    assert next(iter(counted)) == "5xx"


@pytest.mark.parametrize(("share", "seconds"), [(0.5, 50), (0.95, 95), (0.951, 96), (0.99, 99), (1.0, 100)])
def test_a_quantile_is_a_sample_by_nearest_rank(share, seconds):
    good = stage()
    ordered = tuple(replace(sample, seconds=float(100 - n)) for n, sample in enumerate(good.samples))
    assert replace(good, samples=ordered).quantile(share) == seconds


@pytest.mark.parametrize("count", [0, 2, 60, 62, 121])
def test_too_few_answers_to_tell_are_no_verdict(count):
    facts = latencies(warm=series(*taking(*[3.0] * (count > 60)), count=count))
    row = Row(latency.test_endpoint_answers_in_time, {"endpoint": "me", "latency": facts, "target": TARGET}, None)
    with pytest.raises(ProbeError, match=f"of {count} answers slower, and no time for enough of them to tell"):
        judge(row)


@pytest.mark.parametrize(("kind", "error"), [("error", ProbeError), ("not declared", NotDeclared)])
def test_what_needs_a_token_is_no_verdict_without_one(kind, error):
    facts = replace(latencies(), warm={"root": series()}, unasked=Unasked(kind, "no token"))
    row = Row(latency.test_endpoint_answers_in_time, {"endpoint": "root", "latency": facts, "target": TARGET}, None)
    assert judge(row) is None
    with pytest.raises(error, match="no token"):
        judge(row._replace(facts=row.facts | {"endpoint": "me"}))


@pytest.mark.parametrize(("requests", "slow"), [(58, -1), (59, 0), (92, 0), (93, 1), (100, 1), (600, 20)])
def test_how_many_may_be_slower(requests, slow):
    """By the tables of the exact binomial: 59, 93 and 124 for none, one and two (Wilks)."""
    assert may_be_slower(requests) == slow


# Samples of ten users of whom each asks again a second after its last request.
EVENLY = tuple(Sample(float(second), 1.0, 200, 1, "") for second in range(20) for _ in range(10))


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({}, ""),
        (
            {"samples": tuple(replace(s, seconds=0.7) for s in EVENLY)},
            "7.0 requests were under way on average where 10",
        ),
        ({"requests": 0, "client": Client(cpu=0.95)}, "its process used 95% of a processor's core"),
        ({"requests": 0, "client": Client(lag=0.2)}, "its process came 0.20 s late to what was due"),
        ({"requests": 200, "client": Client(cpu=1.0, lag=0.2)}, ""),
        ({"offered": 10.0, "client": Client(cpu=0.95)}, "its process used 95% of a processor's core"),
        (
            {"offered": 10.0, "samples": tuple(replace(s, late=0.2) for s in EVENLY[:11]) + EVENLY[11:]},
            "11 of 200 requests began more than 0.1 s late",
        ),
        ({"offered": 10.0, "samples": tuple(replace(s, late=0.2) for s in EVENLY[:10]) + EVENLY[10:]}, ""),
        ({"offered": 10.0, "samples": EVENLY[::10]}, ""),
    ],
)
def test_a_slow_load_machine_is_told_apart(change, doubt):
    facts = replace(stage(), samples=EVENLY, requests=200, seconds=20.0)
    assert replace(facts, **change).doubt.startswith(doubt)
    assert bool(replace(facts, **change).doubt) == bool(doubt)


def test_a_worker_that_is_done_first_is_no_slow_load_machine():
    mine = tuple(replace(sample, worker=1) for sample in EVENLY[:50])
    assert replace(stage(), samples=(*EVENLY, *mine), concurrency=20, requests=250, seconds=20.0).doubt == ""


def test_an_open_stage_too_short_for_a_verdict_is_refused():
    with pytest.raises(ValueError, match="58 requests; fewer than 59 cannot tell a p95"):
        OpenModel(rate=5.8, seconds=10.0)
