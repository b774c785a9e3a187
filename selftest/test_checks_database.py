"""The checks of tests_server/test_database.py, each on facts that keep the promise and on facts that break it."""

from dataclasses import replace

import pytest

from cutover.facts.database import DatabaseRole, OwnUrl, Postgres
from cutover.inventory import Database
from selftest.rows import fails, judge, passes
from tests_server import test_database as database

DATABASE = Database()
UP = Postgres(True, True, frozenset(), frozenset(), ())
OWN = DatabaseRole(True, True, True, frozenset(), ())
RECORDS = {"users": 1, "knowledge": 120}
PARTS = {"host": "localhost", "database": "mirai_knowledge", "role": "mks_user"}
URL = OwnUrl(PARTS, True, "", RECORDS, RECORDS, ())


def of_install():
    check = database.test_postgresql_runs_now_and_after_a_boot
    yield passes("up", check, postgres=UP)
    yield fails("stopped", check, "runs: yes", "runs: no", postgres=replace(UP, running=False))
    yield fails("manual", check, "starts at boot: yes", "starts at boot: no", postgres=replace(UP, at_boot=False))

    check = database.test_postgresql_listens_on_loopback_only
    yield passes("loopback", check, postgres=UP)
    open_ = replace(UP, listens_beyond=frozenset({"0.0.0.0:5432"}))
    yield fails("everywhere", check, "none", "0.0.0.0:5432", postgres=open_)

    check = database.test_postgresql_trusts_nobody
    yield passes("scram", check, postgres=UP)
    rule = "host all all 127.0.0.1/32 trust"
    yield fails("trust", check, "none", rule, postgres=replace(UP, trusting=frozenset({rule})))


def of_role():
    check, facts = database.test_database_and_role_exist, {"database": DATABASE}
    yield passes("both", check, database_role=OWN, **facts)
    told = "mirai_knowledge: no"
    yield fails("no-database", check, "mirai_knowledge: yes", told, database_role=replace(OWN, database=False), **facts)
    for name, changed in (("no-role", {"role": False}), ("no-login", {"can_login": False})):
        changed = replace(OWN, **changed)
        yield fails(name, check, "mks_user: yes", "mks_user: no", database_role=changed, **facts)

    check = database.test_role_has_no_powers
    yield passes("none", check, database_role=OWN, **facts)
    powers = replace(OWN, powers=frozenset({"superuser", "may create roles"}))
    yield fails("superuser", check, "none", "may create roles, superuser", database_role=powers, **facts)


def of_url():
    check = database.test_own_url_connects
    yield passes("connects", check, own_url=URL)
    refusal = 'FATAL:  password authentication failed for user "mks_user"'
    yield fails("refused", check, "connects", refusal, own_url=replace(URL, connects=False, refusal=refusal))
    none = OwnUrl({}, False, "", {}, RECORDS, ())
    yield fails("none", check, "connects", "no MKS_DATABASE_URL", own_url=none)

    check, facts = database.test_own_url_leads_to_the_declared_database, {"database": DATABASE}
    yield passes("declared", check, own_url=URL, **facts)
    other = replace(URL, leads_to=PARTS | {"database": "dev"})
    yield fails("other", check, "database: mirai_knowledge", "database: dev", own_url=other, **facts)
    told = "database: ; role: "
    yield fails("none", check, "database: mirai_knowledge; role: mks_user", told, own_url=none, **facts)

    check = database.test_every_record_was_migrated
    yield passes("all", check, own_url=URL)
    yield passes("more", check, own_url=replace(URL, rows={"users": 3, "knowledge": 200, "audit": 9}))
    yield passes("files-gone", check, own_url=replace(URL, records={}))
    short = replace(URL, rows=RECORDS | {"knowledge": 119})
    yield fails("one-short", check, "knowledge: 120", "knowledge: 119", own_url=short)
    yield fails("no-table", check, "knowledge: 120", "knowledge: 0", own_url=replace(URL, rows={"users": 1}))
    yield fails("empty", check, "any table: 1", "any table: 0", own_url=replace(URL, records={}, rows={}))


ROWS = [*of_install(), *of_role(), *of_url()]


@pytest.mark.parametrize("row", ROWS)
def test_check(row):
    assert judge(row) == row.failure
