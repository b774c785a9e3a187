"""How the processes, the logs and the unit are read from what a server's commands print."""

import pytest

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.app_logs import AppLogs, Trouble
from cutover.facts.application import Application, Memory, Run, StartScript
from cutover.facts.evidence import Output
from cutover.facts.service import Service
from selftest.rows import printed

USERS = 'users:(("gunicorn",pid=140,fd=8),("gunicorn: maste",pid=134,fd=8))'
PORT = f"now 1000\nlistens LISTEN 0      2048   127.0.0.1:8000 0.0.0.0:* {USERS}\ngunicorn 134\ngunicorn 140\nend\n"
V2 = "0::/system.slice/app.service"
V1 = "11:blkio:/,4:memory:/system.slice/app.service,1:name=systemd:/system.slice/app.service"
HYBRID = "9:name=systemd:/system.slice/app.service,0::/system.slice/app.service"


def ps(groups=V2):
    return (
        f"      1       0    5000 root{' ' * 60}0::/init.scope\n      2       0    5000 root{' ' * 60}-\n"
        f"    134       1     600 mks {' ' * 60}{groups}\n    140     134     599 mks {' ' * 60}{groups}\n"
    )


PSS = (
    "/proc/1/smaps_rollup:Pss:     2274 kB\n/proc/134/smaps_rollup:Pss:   1000 kB\n/proc/140/smaps_rollup:Pss: 24 kB\n"
)
MEMINFO = "MemTotal:        4028400 kB\nMemFree:          100000 kB\nMemAvailable:    2048000 kB\n"
GOOD = {"app-port": PORT, "app-processes": ps(), "app-memory": PSS, "meminfo": MEMINFO}


def ended(rc, stdout="", stderr=""):
    return Output("command", rc, stdout, stderr, 0.01)


@pytest.mark.parametrize("groups", [V2, V1, HYBRID], ids=["bookworm", "focal", "hybrid"])
def test_application(groups):
    facts = Application.read(printed(GOOD | {"app-processes": ps(groups)}))
    assert facts.addresses == {"127.0.0.1:8000"}
    assert [(one.pid, one.user, one.group, one.gunicorn) for one in facts.masters] == [
        (134, "mks", "/system.slice/app.service", True)
    ]
    assert [one.pid for one in facts.workers] == [140]
    assert facts.started == 400


@pytest.mark.parametrize(
    ("told", "address"),
    [("*:8000", "[::]:8000"), ("[::1]:8000", "[::1]:8000"), ("127.0.0.1%lo:8000", "127.0.0.1:8000")],
)
def test_address(told, address):
    facts = Application.read(printed(GOOD | {"app-port": PORT.replace("127.0.0.1:8000", told)}))
    assert facts.addresses == {address}


def test_socket_that_systemd_has_opened():
    both = PORT.replace("users:((", 'users:(("systemd",pid=1,fd=40),(')
    facts = Application.read(printed(GOOD | {"app-port": both}))
    assert [one.pid for one in facts.masters] == [134]


def test_nothing_on_the_port():
    facts = Application.read(printed(GOOD | {"app-port": "now 1000\nend\n"}))
    assert (facts.processes, facts.addresses, facts.started) == ((), frozenset(), None)


@pytest.mark.parametrize(
    ("texts", "cause"),
    [
        ({"app-port": ""}, "ss answered"),
        ({"app-port": PORT.replace("now 1000\n", "")}, "ss answered"),
        ({"app-port": PORT.replace("LISTEN 0", "TOMATO 0")}, "ss answered"),
        ({"app-port": PORT.replace(USERS, "")}, "who holds"),
        ({"app-port": ended(1, "", "sudo: a password is required")}, "a password is required"),
        ({"app-processes": ""}, "no process"),
        ({"app-processes": "PID PPID\n"}, "ps answered"),
        ({"app-processes": ps().replace("    140 ", "    141 ")}, "does not tell of the processes"),
    ],
)
def test_application_that_cannot_be_judged(texts, cause):
    with pytest.raises(ProbeError, match=cause):
        Application.read(printed(GOOD | texts))


def test_memory():
    facts = Memory.read(printed(GOOD))
    assert (facts.used_bytes, facts.available_bytes) == (1024 * 1024, 2048000 * 1024)


@pytest.mark.parametrize(
    "texts",
    [
        {"app-memory": PSS.replace("/140/", "/141/")},
        {"app-memory": ""},
        {"meminfo": "MemTotal:        4028400 kB\n"},
        {"app-port": "now 1000\nend\n"},
    ],
)
def test_memory_that_cannot_be_judged(texts):
    with pytest.raises(ProbeError):
        Memory.read(printed(GOOD | texts))


def test_start_script():
    text = "user mks\nentry -rwxr-xr-x 1 root root 5718 Nov 24 09:30 /opt/app/run_production.sh\nexecutable\n"
    facts = StartScript.read(printed({"app-executable": text}))
    assert (facts.mode, facts.user, facts.executable) == ("-rwxr-xr-x", "mks", True)
    missing = ended(0, "user mks\n", "ls: cannot access '/opt/app/run_production.sh': No such file or directory")
    facts = StartScript.read(printed({"app-executable": missing}))
    assert (facts.mode, facts.executable) == ("", False)
    for text in ("nobody\n", "", "user mks\n"):
        with pytest.raises(ProbeError):
            StartScript.read(printed({"app-executable": text}))


def test_run_of_the_start_script():
    facts = Run.read(printed({"app-check": "ended 1\nsaid one\nsaid \nsaid two\n"}), "app-check")
    assert (facts.status, facts.said) == (1, "one; two")
    refused = ended(0, "ended 1\nsaid sudo: a password is required\n", "sudo: a password is required")
    astray = ended(0, "", "env: cannot change directory to '/opt/app': No such file or directory")
    for output in ("missing\n", "", "ended x\n", refused, astray):
        with pytest.raises(ProbeError):
            Run.read(printed({"app-check": output}), "app-check")


FILES = """\
file 1675133 -rw-r----- 1 999 997 1585 990 /var/log/app/error.log
file 1675134 -rw-r----- 1 999 997 1006 300 /var/log/app/access old.log
open /var/log/app/error.log (deleted)
place /var/log/app
"""
# 1970-01-01 00:10:00 +0000 is 600.
TROUBLE = """\
zone +0900
file /var/log/app/error.log
trouble ValueError 1970-01-01 09:10:00 +0900
trouble KeyError 1970-01-01 09:10:01,123
trouble KeyError 1970-01-01 09:10:01,456
trouble OSError 1970-01-01T00:10:02Z
trouble RuntimeError
trouble WORKER-TIMEOUT 1970-13-01 09:10:00
end
"""
LOGS = GOOD | {"app-log-files": FILES, "app-log-trouble": TROUBLE}


def test_logs():
    facts = AppLogs.read(printed(LOGS))
    assert facts.written == {"/var/log/app/error.log": 990, "/var/log/app/access old.log": 300}
    assert facts.open == {"/var/log/app/error.log (deleted)"}
    assert facts.places == {"/var/log/app"}
    assert facts.troubles == (
        Trouble("ValueError", 600),
        Trouble("KeyError", 601),
        Trouble("OSError", 602),
        Trouble("RuntimeError", None),
        Trouble("WORKER-TIMEOUT", None),
    )


def test_trouble_of_an_earlier_life_does_not_count():
    facts = AppLogs.read(printed(LOGS | {"app-port": PORT.replace("now 1000", "now 1202")}))
    assert [trouble.what for trouble in facts.since_start] == ["OSError", "RuntimeError", "WORKER-TIMEOUT"]


@pytest.mark.parametrize(
    "texts",
    [
        {"app-log-files": "file 1675133 -rw-r-----\n"},
        {"app-log-trouble": TROUBLE.replace("end\n", "")},
        {"app-log-trouble": TROUBLE.replace("zone +0900\n", "")},
        {"app-port": "now 1000\nend\n"},
    ],
)
def test_logs_that_cannot_be_judged(texts):
    with pytest.raises(ProbeError):
        AppLogs.read(printed(LOGS | texts))


UNIT = """\
Now=1795481939
Restart=on-failure
NRestarts=2
ExecStart={ path=/opt/app/run.sh ; argv[]=/opt/app/run.sh start ; ignore_errors=no ; pid=110 ; code=exited ; status=0 }
ControlGroup=/system.slice/app.service
User=mks
LoadState=loaded
ActiveState=active
SubState=running
UnitFileState=enabled
ActiveEnterTimestamp=Tue 2026-11-24 00:38:22 UTC
NeedDaemonReload=no
Exists=/opt/app/run.sh
"""


def test_service():
    facts = Service.read(printed({"unit": UNIT}))
    assert (facts.load, facts.file, facts.active, facts.sub) == ("loaded", "enabled", "active", "running")
    assert (facts.user, facts.group) == ("mks", "/system.slice/app.service")
    assert (facts.restart, facts.restarts, facts.age, facts.reload_owed) == ("on-failure", 2, 1237, False)
    assert facts.programs == {"/opt/app/run.sh": True}


def test_service_whose_program_is_gone():
    assert Service.read(printed({"unit": UNIT.replace("Exists=/opt/app/run.sh\n", "")})).programs == {
        "/opt/app/run.sh": False
    }


def test_unit_that_is_not_there():
    text = (
        "Now=1795481939\nRestart=no\nNRestarts=0\nControlGroup=\nLoadState=not-found\nActiveState=inactive\n"
        "SubState=dead\nUnitFileState=\nActiveEnterTimestamp=\nNeedDaemonReload=no\n"
    )
    facts = Service.read(printed({"unit": text}))
    assert (facts.load, facts.file, facts.user, facts.age, facts.programs) == ("not-found", "", "", None, {})


def test_host_without_systemd():
    with pytest.raises(NotDeclared):
        Service.read(printed({"unit": ""}))


@pytest.mark.parametrize(
    "output",
    [
        UNIT.replace("NeedDaemonReload=no", "NeedDaemonReload=maybe"),
        UNIT.replace("NRestarts=2\n", ""),
        UNIT.replace("NRestarts=2", "NRestarts=two"),
        UNIT.replace("Tue 2026-11-24 00:38:22 UTC", "yesterday"),
        UNIT.replace("Exists=", "Hidden="),
        "Now=1795481939\n",
        ended(1, "Now=1795481939\n", "System has not been booted with systemd as init system (PID 1). Can't operate."),
        ended(127, "Now=1795481939\n", "sh: 3: systemctl: not found"),
    ],
)
def test_unit_that_cannot_be_judged(output):
    with pytest.raises(ProbeError):
        Service.read(printed({"unit": output}))
