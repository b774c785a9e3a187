"""The checks of tests_network/test_old_server.py, each on facts that keep the promise and on facts that break it."""

from dataclasses import replace

import pytest

from cutover.errors import NotDeclared
from cutover.facts.old_server import OldRecords, OldServer, Pair
from cutover.inventory import Target
from cutover.probes import old_server as probe
from selftest.rows import AT, HOST, TARGET, exchange, fails, judge, passes
from tests_network import test_old_server as checks

OLD = "198.51.100.9"
ANSWER = exchange(200, "text/html", [("Vary", "Origin"), ("Date", "then")])


def beside(new=ANSWER, old=ANSWER, *, same_body=True, names=(HOST,)):
    return OldServer(OLD, {"/": Pair(old, new, same_body)}, (HOST, *names), (HOST,))


def may_differ(*entries):
    return Target(host=HOST, old_may_differ=entries)


def of_kind():
    check = checks.test_answers_are_of_the_same_kind_as_the_old_servers
    gone = beside(exchange(404, "text/html"))
    yield passes("same", check, old_server=beside(), target=TARGET)
    yield passes("allowed", check, old_server=gone, target=may_differ("status /"))
    yield fails("gone", check, "/: 200 text/html", "/: 404 text/html", old_server=gone, target=TARGET)
    yield fails(
        "other-type", check, "/: 200 text/html", "/: 200 application/json", old_server=beside(exchange()), target=TARGET
    )
    yield fails(
        "other-path-allowed",
        check,
        "/: 200 text/html",
        "/: 404 text/html",
        old_server=gone,
        target=may_differ("status /x"),
    )


def of_bodies():
    check, differ = checks.test_bodies_are_those_of_the_old_server, beside(same_body=False)
    yield passes("same", check, old_server=beside(), target=TARGET)
    yield passes("allowed", check, old_server=differ, target=may_differ("body /"))
    yield fails("differ", check, "the same in all", "/", old_server=differ, target=TARGET)
    yield fails("status-allowed", check, "the same in all", "/", old_server=differ, target=may_differ("status /"))


def of_headers():
    check = checks.test_headers_of_the_old_server_are_kept
    bare = beside(exchange(200, "text/html"))
    yield passes("same", check, old_server=beside(), target=TARGET)
    yield passes("more", check, old_server=beside(old=exchange(200, "text/html")), target=TARGET)
    yield passes("allowed", check, old_server=bare, target=may_differ("header vary"))
    yield fails("dropped", check, "vary of /: Origin", "vary of /: absent", old_server=bare, target=TARGET)
    twice = replace(ANSWER, headers=(*ANSWER.headers, ("VARY", "Cookie")))
    yield fails(
        "changed", check, "vary of /: Origin", "vary of /: Origin | Cookie", old_server=beside(twice), target=TARGET
    )


def of_names():
    check = checks.test_certificate_has_the_old_ones_names
    less = beside(names=("www.example.com",))
    yield passes("same", check, old_server=beside(), target=TARGET)
    yield passes("allowed", check, old_server=less, target=may_differ("names"))
    yield fails("fewer", check, "none", "www.example.com", old_server=less, target=TARGET)


def of_records():
    check = checks.test_every_record_of_the_old_server_is_there
    yield passes("all", check, old_records=OldRecords(OLD, AT, 120, 121, 0, ()))
    yield fails(
        "two-lost", check, "all there", "2 of 120 missing or different, the first by id: 7, 9",
        old_records=OldRecords(OLD, AT, 120, 118, 2, ("7", "9")),
    )  # fmt: skip


ROWS = [*of_kind(), *of_bodies(), *of_headers(), *of_names(), *of_records()]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure


@pytest.mark.parametrize(
    ("promises", "why"),
    [
        (TARGET, "no old server is declared"),
        (Target(host=HOST, phase="post", old_server=(OLD,)), "phase post"),
    ],
)
def test_nothing_to_compare_with(promises, why):
    with pytest.raises(NotDeclared, match=why):
        probe.probe(promises, None)
    with pytest.raises(NotDeclared, match=why):
        probe.records(promises, None)
