"""The checks of tests_server/test_backups.py, each on facts that keep the promise and on facts that break it."""

from dataclasses import replace

import pytest

from cutover.facts.backups import Archive, Backups, BackupScript, File
from cutover.inventory import Database, Limits, Server, Target
from selftest.cron_facts import SCRIPT, cron
from selftest.rows import HOST, TARGET, fails, judge, passes
from tests_server import test_backups as backups

SERVER = Server(way_in="local://")
PLACE = "/var/backups/mirai-knowledge-system"
NEW, OLD, DUMP = f"{PLACE}/data_2.tar.gz", f"{PLACE}/data_1.tar.gz", f"{PLACE}/db_2.sql"
HOUR, DAY = 3600, 86400
GOOD = Backups(
    mode="rwxr-x---",
    free=10**9,
    archives=(File(NEW, HOUR, 4000), File(OLD, HOUR + DAY, 3900)),
    dumps=(File(DUMP, HOUR, 900),),
    read_back={NEW: Archive(NEW, True, frozenset({"users.json", "knowledge.json", "files/a.pdf"}))},
    whole_dumps=frozenset({DUMP}),
    data={"users.json": 9 * DAY, "knowledge.json": 2 * HOUR, "files/a.pdf": DAY, "files/new.pdf": 60},
    evidence=(),
)
EMPTY = replace(GOOD, archives=(), dumps=(), read_back={}, whole_dumps=frozenset())
JOBS = tuple(job for job in cron().jobs if SCRIPT in job.words)
MADE = BackupScript(SCRIPT, "rwxr-xr-x", True, JOBS, ())


def archives(*sizes_and_ages):
    return replace(
        GOOD, archives=tuple(File(f"{PLACE}/{n}.tgz", age, size) for n, (size, age) in enumerate(sizes_and_ages))
    )


def holding(*members, whole=True):
    return replace(GOOD, read_back={NEW: Archive(NEW, whole, frozenset(members))})


def of_directory():
    check, facts = backups.test_backup_directory_is_there_and_private, {"promises": SERVER}
    yield passes("750", check, backups=GOOD, **facts)
    yield passes("700", check, backups=replace(GOOD, mode="rwx------"), **facts)
    for mode in ("rwxr-xr-x", "rwxrwx--x", "rwxrwxrwx"):
        yield fails(mode, check, "others: ---", f"others: {mode[6:]}", backups=replace(GOOD, mode=mode), **facts)
    yield fails("none", check, "others: ---", "absent", backups=replace(GOOD, mode=None), **facts)

    check = backups.test_next_backup_has_room
    yield passes("room", check, backups=GOOD, **facts)
    yield passes("first", check, backups=EMPTY, **facts)
    big = archives((10**9, HOUR))
    yield fails("full", check, "twice the largest archive (2.000 GB)", "1.0 GB free", backups=big, **facts)
    none = replace(EMPTY, free=None)
    yield fails("none", check, "twice the largest archive (0.000 GB)", "0.0 GB free", backups=none, **facts)


def of_newest():
    check, facts = backups.test_newest_backup_is_fresh, {"promises": SERVER, "target": TARGET}
    yield passes("fresh", check, backups=GOOD, **facts)
    yield fails("none", check, "at most 26 hours old", "no archive", backups=EMPTY, **facts)
    late = archives((4000, 27 * HOUR))
    yield fails("late", check, "at most 26 hours old", "27.0 hours old", backups=late, **facts)
    rpo = Target(host=HOST, limits=Limits(backup_hours=6))
    late = {"backups": archives((4000, 7 * HOUR)), "promises": SERVER, "target": rpo}
    yield fails("rpo", check, "at most 6 hours old", "7.0 hours old", **late)

    check, facts = backups.test_newest_backup_can_be_read_to_its_end, {"promises": SERVER}
    yield passes("whole", check, backups=GOOD, **facts)
    yield fails("cut-off", check, "whole", "broken", backups=holding("users.json", whole=False), **facts)
    yield fails("none", check, "whole", "no fresh archive", backups=EMPTY, **facts)

    check = backups.test_newest_backup_holds_the_data
    yield passes("relative", check, backups=GOOD, **facts)
    absolute = holding(*(f"var/lib/data/{name}" for name in ("users.json", "knowledge.json", "files/a.pdf")))
    yield passes("absolute", check, backups=absolute, **facts)
    wanted = "files/a.pdf, knowledge.json, users.json"
    yield fails("one", check, wanted, "users.json", backups=holding("users.json"), **facts)
    yield fails("nothing", check, wanted, "none", backups=holding(""), **facts)
    yield fails("other", check, wanted, "none", backups=holding("old-users.json", "knowledge.json.tmp"), **facts)
    nothing = replace(GOOD, data={})
    yield fails("no-data", check, "none", "no data at all", backups=nothing, **facts)

    check = backups.test_newest_backup_has_not_shrunk
    yield passes("grown", check, backups=GOOD, **facts)
    yield passes("first", check, backups=archives((4000, HOUR)), **facts)
    yield passes("half", check, backups=archives((2000, HOUR), (4000, DAY)), **facts)
    least = "at least 50% of the one before"
    shrunk = archives((400, HOUR), (4000, DAY))
    yield fails("shrunk", check, least, "10% of the one before", backups=shrunk, **facts)

    check, facts = backups.test_old_backups_are_removed, {"promises": SERVER, "target": TARGET}
    yield passes("pruned", check, backups=archives((1, HOUR), (1, 31 * DAY)), **facts)
    yield passes("first", check, backups=EMPTY, **facts)
    told = "the oldest is 33.0 days old"
    kept = archives((1, HOUR), (1, 33 * DAY))
    yield fails("kept", check, "none older than 30 days", told, backups=kept, **facts)
    kept = replace(GOOD, dumps=(File(DUMP, 33 * DAY, 1),))
    yield fails("dump-kept", check, "none older than 30 days", told, backups=kept, **facts)

    check, facts = backups.test_newest_database_dump_is_whole, {**facts, "database": Database()}
    yield passes("whole", check, backups=GOOD, **facts)
    yield fails("cut-off", check, "whole", "broken", backups=replace(GOOD, whole_dumps=frozenset()), **facts)
    yield fails("none", check, "whole", "no fresh dump", backups=EMPTY, **facts)
    late = replace(GOOD, dumps=(File(DUMP, 27 * HOUR, 1),))
    yield fails("late", check, "whole", "no fresh dump", backups=late, **facts)


def of_script():
    check = backups.test_backup_script_is_valid
    yield passes("checklist", check, backup_script=MADE)
    yield passes("python", check, backup_script=replace(MADE, parses=None))
    yield fails("broken", check, "valid", "no valid script", backup_script=replace(MADE, parses=False))
    yield fails("none", check, "valid", "absent", backup_script=replace(MADE, mode=None, parses=False))

    check = backups.test_backup_script_is_executable
    yield passes("checklist", check, backup_script=MADE)
    yield passes("owner-alone", check, backup_script=replace(MADE, mode="rwx------"))
    yield fails("644", check, "executable", "rw-r--r--", backup_script=replace(MADE, mode="rw-r--r--"))
    yield fails("none", check, "executable", "absent", backup_script=replace(MADE, mode=None))

    check, facts = backups.test_backup_is_made_often_enough, {"target": TARGET}
    weekly = replace(JOBS[0], wait=7 * 1440.0)
    yield passes("daily", check, backup_script=MADE, **facts)
    yield passes("one-of-two", check, backup_script=replace(MADE, jobs=(weekly, *JOBS)), **facts)
    yield fails("none", check, "it runs", "no such job", backup_script=replace(MADE, jobs=()), **facts)
    told = "up to 168 hours between two runs"
    yield fails("weekly", check, "it runs", told, backup_script=replace(MADE, jobs=(weekly,)), **facts)
    off = replace(JOBS[0], reason_not="cron does not run")
    yield fails("off", check, "it runs", "cron does not run", backup_script=replace(MADE, jobs=(off,)), **facts)


ROWS = [*of_directory(), *of_newest(), *of_script()]


@pytest.mark.parametrize("row", ROWS)
def test_check(row):
    assert judge(row) == row.failure
