"""The checks of sections 9, 10 and 13, each with facts that keep the promise and facts that break it."""

from dataclasses import replace

import pytest

from cutover.facts.app_logs import AppLogs, Trouble
from cutover.facts.application import Memory, Run, StartScript
from cutover.facts.environment import Agreement, Environment
from cutover.facts.load_memory import LoadMemory, MemorySample
from cutover.facts.service import Service
from cutover.inventory import Server, Target
from cutover.policies import GIB
from selftest.rows import HOST, TARGET, fails, judge, passes
from selftest.service_facts import GROUP, MASTER, NOW, RUNNING, STOPPED, WORKERS
from tests_perf import test_memory as memory
from tests_server import test_application as application
from tests_server import test_service as service

PROMISES = Server(way_in="ssh://ops@api.example.com")
BIND = Environment({"MKS_GUNICORN_BIND": "127.0.0.1:8000", "MKS_GUNICORN_WORKERS": "5"}, frozenset(), ())
UNSET = Environment({}, frozenset(), ())
LOGS = AppLogs(NOW - 1200, {"/l/error.log": NOW - 1200}, frozenset({"/l/error.log"}), frozenset({"/l"}), (), ())
SCRIPT = "/opt/app/run_production.sh"
UNIT = Service(
    load="loaded",
    file="enabled",
    active="active",
    sub="running",
    reload_owed=False,
    user="mks",
    group=GROUP,
    restart="on-failure",
    restarts=0,
    age=1200,
    programs={SCRIPT: True},
    evidence=(),
)
BY_HAND = replace(MASTER, group="/user.slice/user-1000.slice/session-3.scope")


def of_script():
    script = application.test_start_script_is_executable
    yes = StartScript("-rwxr-xr-x", "mks", True, ())
    yield passes("yes", script, start_script=yes)
    no = replace(yes, mode="-rwxr--r--", executable=False)
    yield fails("no", script, "executable", "-rwxr--r--, for mks", start_script=no)
    none = replace(yes, mode="", executable=False)
    yield fails("none", script, "executable", "no such file, for mks", start_script=none)

    check = application.test_configuration_check_ends_well
    yield passes("0", check, script_check=Run(0, "", ()))
    yield fails("2", check, "status 0", "status 2: not set", script_check=Run(2, "not set", ()))

    same = application.test_running_application_has_the_variables_of_the_file
    yield passes("same", same, agreement=Agreement(frozenset(), frozenset(), ()))
    other = Agreement(frozenset({"MKS_LOG_LEVEL"}), frozenset({"MKS_CORS_ORIGINS"}), ())
    yield fails("other", same, "the same variables", "MKS_CORS_ORIGINS, MKS_LOG_LEVEL", agreement=other)

    status = application.test_status_agrees_with_what_runs
    yield passes("both", status, script_status=Run(0, "", ()), application=RUNNING)
    yield fails("status-3", status, "status: yes", "status: no", script_status=Run(3, "", ()), application=RUNNING)
    lies = {"script_status": Run(0, "", ()), "application": replace(RUNNING, workers=())}
    parts = "master and workers on the port"
    yield fails("lies", status, f"{parts}: yes", f"{parts}: no", **lies)


def of_processes():
    one, promised = application.test_one_gunicorn_holds_the_port, "one gunicorn"
    yield passes("one", one, application=RUNNING, promises=PROMISES)
    yield fails("none", one, promised, "nobody", application=STOPPED, promises=PROMISES)
    two = replace(RUNNING, masters=(MASTER, replace(MASTER, pid=900)))
    yield fails("two", one, promised, "gunicorn 134, gunicorn 900", application=two, promises=PROMISES)
    other = replace(RUNNING, masters=(replace(MASTER, gunicorn=False),), workers=())
    yield fails("other", one, promised, "another program 134", application=other, promises=PROMISES)

    listens = application.test_application_listens_where_it_is_configured
    everywhere = replace(RUNNING, addresses=frozenset({"0.0.0.0:8000"}))
    for name, values in (("set", BIND), ("unset", UNSET)):
        facts = {"environment": values, "promises": PROMISES}
        yield passes(name, listens, application=RUNNING, **facts)
        yield fails(name, listens, "127.0.0.1:8000", "0.0.0.0:8000", application=everywhere, **facts)
        yield fails(f"{name}-stopped", listens, "127.0.0.1:8000", "none", application=STOPPED, **facts)

    workers = application.test_workers_are_as_many_as_configured
    fewer = replace(RUNNING, workers=WORKERS[1:])
    yield passes("5", workers, application=RUNNING, environment=BIND, promises=PROMISES)
    yield fails("4", workers, "5", "4", application=fewer, environment=BIND, promises=PROMISES)
    yield passes("unset", workers, application=fewer, environment=UNSET, promises=PROMISES)
    yield fails("none", workers, "some", "0", application=STOPPED, environment=UNSET, promises=PROMISES)
    three = PROMISES.model_copy(update={"workers": 3})
    yield fails("declared", workers, "3", "5", application=RUNNING, environment=UNSET, promises=three)


def of_logs():
    written, promised = application.test_logs_are_written_since_the_start, "a *.log file written to since the start"
    for late in (0, -2, 600):
        yield passes(f"{late}", written, app_logs=replace(LOGS, written={"/l/a.log": LOGS.started + late, "/b": 0}))
    early = replace(LOGS, written={"/l/a.log": LOGS.started - 3})
    yield fails("early", written, promised, "3 s before the start", app_logs=early)
    yield fails("none", written, promised, "no log file", app_logs=replace(LOGS, written={}))

    place, promised = application.test_open_logs_are_the_ones_people_read, "only files that are in place"
    yield passes("in-place", place, app_logs=LOGS)
    yield passes("none", place, app_logs=replace(LOGS, open=frozenset()))
    elsewhere = frozenset({"/other/error.log"})
    yield passes("both", place, app_logs=replace(LOGS, open=LOGS.open | elsewhere))
    yield fails("elsewhere", place, promised, "/other/error.log", app_logs=replace(LOGS, open=elsewhere))
    for path in ("/l/error.log.1", "/l/error.log (deleted)"):
        yield fails(path, place, promised, path, app_logs=replace(LOGS, open=LOGS.open | {path}))

    trouble = application.test_no_traceback_since_the_start
    before, after = Trouble("ValueError", LOGS.started - 1.0), Trouble("KeyError", LOGS.started + 0.0)
    yield passes("none", trouble, app_logs=LOGS)
    yield passes("before", trouble, app_logs=replace(LOGS, troubles=(before,)))
    yield fails("after", trouble, "none", "1: KeyError", app_logs=replace(LOGS, troubles=(before, after)))
    undated = replace(LOGS, troubles=(replace(before, at=None), after))
    yield fails("undated", trouble, "none", "2: KeyError, ValueError", app_logs=undated)


def of_unit():
    loaded = service.test_unit_is_loaded_as_it_is_on_disk
    yield passes("loaded", loaded, service=UNIT)
    yield fails("owed", loaded, "reload owed: no", "reload owed: yes", service=replace(UNIT, reload_owed=True))
    none = replace(UNIT, load="not-found")
    yield fails("none", loaded, "loaded: loaded", "loaded: not-found", service=none)

    user, promised = service.test_service_runs_as_an_unprivileged_user, "a user that is not root"
    yield passes("mks", user, service=UNIT, application=RUNNING)
    yield passes("stopped", user, service=UNIT, application=STOPPED)
    no_user = replace(UNIT, user="")
    yield fails("no-user", user, promised, "mks, root", service=no_user, application=RUNNING)
    as_root = replace(RUNNING, masters=(replace(MASTER, user="root"),))
    yield fails("process", user, promised, "mks, root", service=UNIT, application=as_root)

    starts, promised = service.test_unit_starts_what_exists, "programs that can be run"
    yield passes("there", starts, service=UNIT)
    yield fails("gone", starts, promised, SCRIPT, service=replace(UNIT, programs={SCRIPT: False}))
    yield fails("nothing", starts, promised, "no ExecStart", service=replace(UNIT, programs={}))

    restart, promised = service.test_unit_restarts_after_a_failure, "on-failure or always"
    for policy in ("on-failure", "always"):
        yield passes(policy, restart, service=replace(UNIT, restart=policy))
    for policy in ("no", "on-abort"):
        yield fails(policy, restart, promised, policy, service=replace(UNIT, restart=policy))


def of_enabled():
    enabled, active = service.test_service_is_enabled, service.test_service_is_active
    yield passes("enabled", enabled, service=UNIT)
    for word in ("disabled", "masked", "enabled-runtime"):
        yield fails(word, enabled, "enabled", word, service=replace(UNIT, file=word))
    none = replace(UNIT, file="", load="not-found")
    yield fails("none", enabled, "enabled", "not-found", service=none)
    yield passes("active", active, service=UNIT)
    for word, sub in (("inactive", "dead"), ("failed", "failed"), ("activating", "auto-restart"), ("active", "exited")):
        facts = replace(UNIT, active=word, sub=sub)
        yield fails(f"{word}-{sub}", active, "active (running)", f"{word} ({sub})", service=facts)

    belong = service.test_processes_belong_to_the_unit
    yield passes("unit", belong, service=UNIT, application=RUNNING)
    below = replace(RUNNING, masters=(replace(MASTER, group=f"{GROUP}/main"),), workers=())
    yield passes("below", belong, service=UNIT, application=below)
    by_hand = replace(RUNNING, masters=(BY_HAND,), workers=())
    yield fails("by-hand", belong, GROUP, BY_HAND.group, service=UNIT, application=by_hand)
    other = replace(MASTER, group=f"{GROUP}x")
    sibling = replace(RUNNING, masters=(other,), workers=())
    yield fails("sibling", belong, GROUP, other.group, service=UNIT, application=sibling)
    yield fails("stopped", belong, GROUP, "none", service=UNIT, application=STOPPED)
    inactive = {"service": replace(UNIT, group=""), "application": by_hand}
    yield fails("inactive", belong, "the unit's", BY_HAND.group, **inactive)

    calm, promised = service.test_service_is_not_restarting_again_and_again, "no restart by systemd within the hour"
    yield passes("none", calm, service=UNIT)
    yield passes("settled", calm, service=replace(UNIT, restarts=3, age=3600))
    late = replace(UNIT, restarts=3, age=3599)
    yield fails("late", calm, promised, "3 restarts, active for 3599 s", service=late)
    down = replace(UNIT, restarts=5, age=None)
    yield fails("down", calm, promised, "5 restarts, active for no time", service=down)


def of_memory():
    fits, left = memory.test_application_fits_into_its_tier, memory.test_memory_is_left
    facts = Memory(2 * GIB, GIB, ())
    yield passes("half", fits, memory=facts, target=TARGET)
    more = replace(facts, used_bytes=3 * GIB)
    yield fails("more", fits, "at most 2.0 GiB for tier small", "3.00 GiB", memory=more, target=TARGET)
    yield passes("medium", fits, memory=more, target=Target(host=HOST, tier="medium"))
    yield passes("room", left, memory=facts, target=TARGET)
    full = replace(facts, available_bytes=GIB // 4)
    yield fails("full", left, "at least 0.4 GiB for tier small", "0.25 GiB", memory=full, target=TARGET)


def under_load(before, peak, after, available=GIB):
    """One process with these MiB in the three moments."""
    rows = (("before", before), ("load", peak), ("after", after))
    return LoadMemory(tuple(MemorySample(part, 0.0, available, {10: mib * 2**20}) for part, mib in rows), ())


def of_memory_under_load():
    fits, left = memory.test_application_fits_into_its_tier_under_load, memory.test_memory_is_left_under_load
    comes_back = memory.test_memory_comes_back_after_load
    yield passes("half", fits, load_memory=under_load(100, 2048, 100), target=TARGET)
    seen = "2.50 GiB, 1 processes (before 100, peak 2560, after 100 MiB)"
    more = under_load(100, 2560, 100)
    yield fails("more", fits, "at most 2.0 GiB for tier small", seen, load_memory=more, target=TARGET)
    yield passes("medium", fits, load_memory=more, target=Target(host=HOST, tier="medium"))
    yield passes("room", left, load_memory=more, target=TARGET)
    full = under_load(100, 100, 100, available=GIB // 4)
    yield fails("full", left, "at least 0.4 GiB for tier small", "0.25 GiB", load_memory=full, target=TARGET)
    yield passes("peak-only", comes_back, load_memory=under_load(100, 900, 100))
    yield passes("less", comes_back, load_memory=under_load(100, 100, 80))
    yield passes("a-little", comes_back, load_memory=under_load(100, 132, 132))
    yield passes("a-tenth", comes_back, load_memory=under_load(1000, 1100, 1100))
    for case, memories, promised, seen in (
        ("leak", (100, 300, 300), 32, "+200.0 MiB (before 100, peak 300, after 300 MiB)"),
        ("just", (100, 133, 133), 32, "+33.0 MiB (before 100, peak 133, after 133 MiB)"),
        ("of-much", (1000, 1101, 1101), 100, "+101.0 MiB (before 1000, peak 1101, after 1101 MiB)"),
    ):
        facts = under_load(*memories)
        yield fails(case, comes_back, f"at most {promised} MiB more than before", seen, load_memory=facts)


ROWS = [*of_memory_under_load(), *of_script(), *of_processes(), *of_logs(), *of_unit(), *of_enabled(), *of_memory()]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure
