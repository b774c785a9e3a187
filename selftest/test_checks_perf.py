"""The checks of tests_perf, each with facts that keep the promise and facts that break it."""

from collections import Counter
from dataclasses import replace

import pytest

from cutover.facts.latency import Answer, Latency
from cutover.facts.load import Load, Sample
from cutover.inventory import Limits, Target
from selftest.rows import AT, HOST, TARGET, fails, judge, passes
from tests_perf import test_concurrency as concurrency
from tests_perf import test_latency as latency

HALF_A_SECOND = Target(host=HOST, limits=Limits(response_seconds=0.5))
ALL = "100 of 100 without error"
WRONG = "not 200 with whole JSON (the first: "


def answered(*slow, count=100, wrong=()):
    """``count`` answers in all: first those with something ``wrong``, quick ones, then the ``slow`` ones."""
    good = Answer(0.1, 200, "application/json", "")
    first = [replace(good, **change) for change in wrong]
    last = [replace(good, seconds=seconds) for seconds in slow]
    quick = [good] * (count - len(first) - len(last))
    return Latency(f"https://{HOST}/knowledge", AT, 0.2, (*first, *quick, *last))


def stage(*failures, requests=100, count=100):
    good = Sample(started=0.0, seconds=0.1, status=200, length=100, failure="")
    samples = tuple(replace(good, failure=failure) for failure in failures)
    samples += (good,) * (count - len(samples))
    return Load(f"https://{HOST}/", "192.0.2.1", requests, 10, False, 1.0, samples, ())


def of_latency():
    check, promised = latency.test_knowledge_answers_in_time, "2 s for 99 of 100 answers, all 200 with whole JSON"
    yield passes("quick", check, latency=answered(), target=TARGET)
    yield passes("one-slow", check, latency=answered(9.0), target=TARGET)
    yield passes("all-at-the-limit", check, latency=answered(*[2.0] * 100), target=TARGET)
    yield passes("half", check, latency=answered(0.5, 0.5, 0.501), target=HALF_A_SECOND)
    for case, facts, seen in (
        ("two-slow", answered(2.001, 2.001), "2 of 100 slower, slowest 2.00 s, 0 not 200 with whole JSON"),
        ("all-slow", answered(*[3.0] * 100), "100 of 100 slower, slowest 3.00 s, 0 not 200 with whole JSON"),
        ("stopped-early", answered(3.0, 4.0, count=12), "2 of 12 slower, slowest 4.00 s, 0 not 200 with whole JSON"),
        ("99", answered(count=99), "0 of 99 slower, slowest 0.10 s, 0 not 200 with whole JSON"),
        *(
            (case, answered(wrong=wrong), f"0 of 100 slower, slowest 0.10 s, {len(wrong)} {text}")
            for case, wrong, text in (
                ("one-429", [{"status": 429}], WRONG + "429, application/json)"),
                ("all-503", [{"status": 503, "content_type": "text/html"}] * 100, WRONG + "503, text/html)"),
                ("no-type", [{"content_type": ""}] * 2, WRONG + "200, no content type)"),
                ("html", [{"content_type": "text/html"}], WRONG + "200, text/html)"),
                ("cut", [{"flaw": "cut short"}], WRONG + "200, application/json, cut short)"),
            )
        ),
    ):
        yield fails(case, check, promised, seen, latency=facts, target=TARGET)
    half = "0.5 s for 99 of 100 answers, all 200 with whole JSON"
    seen = "2 of 100 slower, slowest 0.51 s, 0 not 200 with whole JSON"
    yield fails("half", check, half, seen, latency=answered(0.501, 0.51), target=HALF_A_SECOND)


def of_concurrency():
    check = concurrency.test_no_error_under_concurrency
    yield passes("100", check, load=stage())
    yield passes("1", check, load=stage(requests=1, count=1))
    for kind in ("dns", "connect", "tls", "timeout", "reset", "4xx", "429", "5xx", "wrong-body", "other"):
        yield fails(kind, check, ALL, f"99 of 100 without error (1 {kind})", load=stage(kind))
    mixed = stage(*["5xx"] * 7, *["timeout"] * 2)
    yield fails("mixed", check, ALL, "91 of 100 without error (7 5xx, 2 timeout)", load=mixed)
    yield fails("all", check, ALL, "0 of 100 without error (100 5xx)", load=stage(*["5xx"] * 100))
    yield fails("one-missing", check, ALL, "99 of 100 without error", load=stage(count=99))
    yield fails("none", check, ALL, "0 of 100 without error", load=stage(count=0))


ROWS = [*of_latency(), *of_concurrency()]


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
