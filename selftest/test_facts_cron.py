"""Crontabs and timers, read as cron and systemd read them."""

import pytest

from cutover.errors import ProbeError
from cutover.facts.crontab import effective, programs_of
from cutover.facts.evidence import Output
from cutover.facts.schedule import NEVER, longest_wait, longest_wait_of_timer
from selftest.cron_facts import DAEMON, FILE, JOBS, SCRIPT, SERVICE, TIMER, cron

DAY = 24 * 60


@pytest.mark.parametrize(
    ("fields", "minutes"),
    [
        ("*/5 * * * *", 5),
        ("5/10 * * * *", 10),
        ("*/7 * * * *", 7),
        ("0 */6 * * *", 360),
        ("0 3 * * *", DAY),
        ("@daily", DAY),
        ("@hourly", 60),
        ("0 9 * * 1", 7 * DAY),
        ("0 9 * * mon", 7 * DAY),
        ("0 9 * * 0,7", 7 * DAY),
        ("0 3 * * 1-5", 3 * DAY),
        ("0 3 1 * *", 31 * DAY),
        ("0 3 1,15 * 1", 7 * DAY),
        ("0 3 */2 * *", 2 * DAY),
        ("0 0 1 jan *", 366 * DAY),
        ("@reboot", NEVER),
        ("0 0 30 2 *", NEVER),
    ],
)
def test_longest_wait(fields, minutes):
    assert longest_wait(fields) == minutes


@pytest.mark.parametrize("fields", ["60 * * * *", "* * * *", "a b c d e", "*/0 * * * *", "5-1 * * * *", "", "@noon"])
def test_what_cron_does_not_take(fields):
    with pytest.raises(ValueError, match=r"."):
        longest_wait(fields)


@pytest.mark.parametrize(
    ("calendar", "monotonic", "minutes"),
    [
        (["*-*-* 00,12:00:00"], [], 720),
        (["*-*-* 03:00:00 Asia/Tokyo"], [], DAY),
        (["Sun *-*-* 03:10:00"], [], 7 * DAY),
        (["Mon..Fri *-*-* 03:00:00"], [], 3 * DAY),
        (["*-*-* *:00/5:00"], [], 5),
        (["*-*-01 00:00:00"], [], 31 * DAY),
        # Ubuntu's own: snapd's choice for certbot, mdadm's, ubuntu-pro-client's, apport's.
        (["*-*-* 10:54:00", "*-*-* 18:19:00"], [], DAY),
        (["Sun *-*-01..07 01:00:00"], [], 35 * DAY),
        (["*-*-* 00,06,12,18:00:00"], [], 360),
        ([], ["OnStartupUSec=5min", "OnUnitInactiveUSec=3h"], 180),
        (["*-*-* 00:00:00", "*-*-* 12:00:00"], [], DAY),
        ([], ["OnUnitActiveUSec=1h 30min", "OnBootUSec=15min"], 90),
        ([], ["OnBootUSec=15min"], NEVER),
    ],
)
def test_longest_wait_of_a_timer(calendar, monotonic, minutes):
    assert longest_wait_of_timer(calendar, monotonic) == minutes


def test_a_calendar_beyond_this_is_no_number():
    with pytest.raises(ValueError, match="does not understand"):
        longest_wait_of_timer(["2026-*-* 03:00:00"], [])


@pytest.mark.parametrize(
    ("command", "programs"),
    [
        ("curl -f https://x/ || echo down | mail -s x y", ["curl", "mail"]),
        ('full=$(df -P | awk \'$5\'); [ -z "$full" ] || echo "$full" | mail x', ["df", "awk", "mail"]),
        ("cd / && /opt/backup.sh >/dev/null 2>&1", ["/opt/backup.sh"]),
        ("test -x /usr/bin/certbot -a \\! -d /run && certbot -q renew", ["certbot"]),
        ("if curl -f x; then :; else mail y; fi", ["curl", "mail"]),
        ("A=b nice -n 10 tar cf x y", ["nice"]),
    ],
)
def test_programs_of_a_command(command, programs):
    assert programs_of(command) == programs


@pytest.mark.parametrize(
    ("line", "command"),
    [("date +\\%F", "date +%F"), ("awk '$5 > \"80%\" {print}'", "awk '$5 > \"80"), ("mail -s x y%body", "mail -s x y")],
)
def test_a_percent_sign_ends_a_command(line, command):
    assert effective(line) == command


def reasons(**changed):
    return {job.reason_not for job in cron(**changed).jobs if job.source == changed.get("path", FILE)}


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"path": "/etc/cron.d/mirai.cron"}, "cron passes by a file with such a name (letters, digits, _ and - only)"),
        ({"mode": "-rw-rw-r--"}, "cron refuses a file that others may write"),
        ({"mode": "-rw-r--rw-"}, "cron refuses a file that others may write"),
        ({"owner": "ops"}, "cron refuses a file of ops"),
        ({"links": 2}, "cron refuses a file with several names"),
        ({"jobs": JOBS.rstrip("\n")}, "its last line has no end, and cron passes such a file by"),
        ({"jobs": f"{JOBS}60 * * * * root x\n"}, "line 9 has a schedule that cron does not take ('60' is not between"),
        ({"jobs": f"{JOBS}5 * * * * gone x\n"}, "line 9 names no user but 'gone', and cron passes the whole file by"),
        ({"jobs": f"{JOBS}today\n"}, "line 9 is no line of a crontab, and cron passes the whole file by"),
        ({"cron_daemon": "Id=cron.service\nActiveState=inactive\nUnitFileState=enabled\n"}, "cron does not run"),
        ({"cron_daemon": "Id=cron.service\nActiveState=active\nUnitFileState=disabled\n"}, "cron does not start at"),
    ],
)
def test_a_file_that_cron_passes_by(changed, reason):
    for told in reasons(**changed):
        assert told.startswith(reason)
        assert bool(told) == bool(reason)


@pytest.mark.parametrize(
    ("name", "mode", "owner", "runs"),
    [("ops", "-rw-------", "ops", True), ("ops", "-rw-r--r--", "ops", False), ("gone", "-rw-------", "ops", False)],
)
def test_a_crontab_of_a_user(name, mode, owner, runs):
    path = f"/var/spool/cron/crontabs/{name}"
    (job,) = [job for job in cron(f"@daily {SCRIPT}\n", path=path, mode=mode, owner=owner).jobs if job.source == path]
    assert (job.user, job.command, job.path, job.runs) == (name, SCRIPT, "/usr/bin:/bin", runs)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"without": "/usr/bin/mail"}, "mail is not in its PATH"),
        ({"jobs": "0 3 * * * mks /opt/gone.sh\n", "programs": ["absent /opt/gone.sh"]}, "/opt/gone.sh does not exist"),
        ({"jobs": "0 3 * * * mks /opt/x.sh\n", "programs": ["file 644 /opt/x.sh"]}, "/opt/x.sh is not executable"),
        (
            {"jobs": "0 3 * * * mks /opt/x.sh\n", "programs": ["file 755 /opt/x.sh", "broken /opt/x.sh"]},
            "/opt/x.sh is no valid shell script",
        ),
        ({"jobs": "0 9 * * * ops df | awk '$5 > \"80%\"'\n"}, "its quotes do not close"),
    ],
)
def test_a_job_whose_command_cannot_run(changed, reason):
    assert any(told.startswith(reason) for told in reasons(**changed))


# /etc/environment of Ubuntu 22.04, whose cron is started with -P.
UBUNTU_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/games:/usr/local/games:/snap/bin"
WEEKLY = "0 9 * * 1 root certbot certificates\n"


@pytest.mark.parametrize(
    ("daemon", "jobs", "reason"),
    [
        (DAEMON, WEEKLY, "certbot is not in its PATH (/usr/bin:/bin)"),
        (f"{DAEMON}\ninherits {UBUNTU_PATH}\n", WEEKLY, ""),
        (f"{DAEMON}\ninherits {UBUNTU_PATH}\n", f"PATH=/usr/bin:/bin\n{WEEKLY}", "certbot is not in its PATH"),
        (f"{DAEMON}\ninherits \n", WEEKLY, "certbot is not in its PATH (/usr/bin:/bin)"),
    ],
)
def test_a_snap_where_cron_looks_for_programs(daemon, jobs, reason):
    snap = ["file 755 /snap/bin/certbot"]
    (told,) = reasons(cron_daemon=daemon, jobs=jobs, programs=snap, without="/usr/bin/certbot")
    assert told.startswith(reason)
    assert bool(told) == bool(reason)


@pytest.mark.parametrize(
    ("path", "mode", "runs"),
    [
        ("/etc/cron.daily/backup", "-rwxr-xr-x", True),
        ("/etc/cron.daily/backup.sh", "-rwxr-xr-x", False),
        ("/etc/cron.daily/backup", "-rw-r--r--", False),
        ("/etc/cron.weekly/backup", "-rwxr-xr-x", False),
    ],
)
def test_a_script_in_a_directory(path, mode, runs):
    (job,) = [job for job in cron(others=[(path, mode)]).jobs if job.source == path]
    assert (job.user, job.runs) == ("root", runs)


@pytest.mark.parametrize(
    ("timer", "service", "runs"),
    [
        ("", "", True),
        ("ActiveState=inactive", "", False),
        ("UnitFileState=disabled", "", False),
        ("", "LoadState=not-found", False),
    ],
)
def test_a_timer(timer, service, runs):
    (job,) = [job for job in cron(timer=TIMER + timer, service=SERVICE + service).jobs if job.source.endswith("timer")]
    assert (job.user, job.command, job.longest_wait, job.runs) == (
        "root",
        "/usr/sbin/logrotate /etc/logrotate.conf",
        DAY,
        runs,
    )


@pytest.mark.parametrize(
    "broken",
    [
        {"cron_jobs": ""},
        {"cron_jobs": "## timers\n\n## files\n\n## programs\n## crontabs\n==> /etc/crontab <==\n"},
        {"cron_daemon": ""},
        {"cron_users": Output("getent", 127, "", "sh: 1: getent: not found", 0.01)},
    ],
)
def test_a_server_that_does_not_tell_is_no_fact(broken):
    with pytest.raises(ProbeError):
        cron(**broken)
