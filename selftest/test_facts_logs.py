"""What is read of logs and of logrotate, as Debian 11 to 13 and Ubuntu 20.04 to 24.04 write it."""

import pytest

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.evidence import Output, Outputs
from cutover.facts.logrotate import Logrotate
from cutover.facts.logs import AccessLog, ErrorLogs
from selftest.rows import AT, HOST, printed

APP = "/var/log/mirai-knowledge-system"
TOLD = f"""\
warning: logrotate in debug mode does nothing except printing debug messages!  Consider using verbose mode
Allocating hash table for state file, size 64 entries
Handling 12 logs
rotating pattern: /var/log/alternatives.log  monthly (12 rotations)
considering log /var/log/alternatives.log
rotating pattern: {APP}/*.log  after 1 days (30 rotations)
switching euid from 0 to 999 and egid from 0 to 997 (pid 893)
considering log {APP}/access.log
considering log {APP}/app.log
not running postrotate script, since no logs were rotated
rotating pattern: /var/log/nginx/*.log  weekly (5 rotations)
considering log /var/log/nginx/access.log
rotating pattern: /var/log/ufw.log
 weekly (4 rotations)
considering log /var/log/ufw.log
rotating pattern: /var/log/unattended-upgrades/unattended-upgrades.log{" "}
/var/log/unattended-upgrades/unattended-upgrades-dpkg.log
 monthly (6 rotations)
considering log /var/log/unattended-upgrades/unattended-upgrades.log
rotating pattern: /var/log/big.log  1048576 bytes (5 rotations)
considering log /var/log/big.log
rotating pattern: /var/log/none.log  after 1 days (no old logs will be kept)
considering log /var/log/none.log
"""
# logrotate 3.22, of Debian 13.
TRIXIE = f"""\
rotating pattern: {APP}/*.log after 1 days empty log files are not rotated, (30 rotations), old logs are removed
considering log {APP}/app.log
rotating pattern: /var/log/unattended-upgrades/unattended-upgrades.log{" "}
/var/log/unattended-upgrades/unattended-upgrades-dpkg.log monthly empty log files are rotated, (6 rotations), old logs
rotating pattern: /var/log/ufw.log weekly empty log files are not rotated, (4 rotations), old logs are removed
considering log /var/log/ufw.log
"""
CONF = f"""\
==> /etc/logrotate.conf <==
# see "man logrotate" for details
weekly
rotate 4
create
#compress
include /etc/logrotate.d

==> /etc/logrotate.d/alternatives <==
/var/log/alternatives.log {{
\tmonthly
\tcompress
\tdelaycompress
}}
==> /etc/logrotate.d/mirai <==
# The checklist's: {{ with a brace in a comment
{APP}/*.log {{
    daily
    rotate 30
    compress
    postrotate
        if [ -f /run/x ]; then {{ kill -USR1 $(cat /run/x); }}; fi
    endscript
}}

==> /etc/logrotate.d/nginx <==
/var/log/nginx/*.log {{
\tweekly
}}
/var/log/ufw.log
{{
\tcompress
}}
/var/log/unattended-upgrades/unattended-upgrades.log{" "}
/var/log/unattended-upgrades/unattended-upgrades-dpkg.log
{{
  compress
}}
"""
FILES = f"{APP}/access.log\n{APP}/app.log\n{APP}/app.log.1\n{APP}/app.log.2.gz\n{APP}/app.log-20260301\n"
RUNS = "now 1000000\nup 5000\nrun 990000\nActiveState active\nUnitFileState enabled\n"
UP = {"logrotate": TOLD, "logrotate-conf": CONF, "log-files": FILES, "logrotate-runs": RUNS}


def read(**changed):
    return Logrotate.read(printed(UP | {name.replace("_", "-"): answer for name, answer in changed.items()}))


def test_rules():
    found = {rule.pattern.split()[0]: (rule.keeps_days, rule.compressed) for rule in read().rules}
    assert found == {
        "/var/log/alternatives.log": (360.0, True),
        f"{APP}/*.log": (30.0, True),
        "/var/log/nginx/*.log": (35.0, False),
        "/var/log/ufw.log": (28.0, True),
        "/var/log/unattended-upgrades/unattended-upgrades.log": (180.0, True),
        "/var/log/big.log": (None, False),
        "/var/log/none.log": (0.0, False),
    }


def test_rules_of_a_newer_logrotate():
    found = {rule.pattern.split()[0]: (rule.keeps_days, len(rule.files)) for rule in read(logrotate=TRIXIE).rules}
    assert found == {
        f"{APP}/*.log": (30.0, 1),
        "/var/log/unattended-upgrades/unattended-upgrades.log": (180.0, 0),
        "/var/log/ufw.log": (28.0, 1),
    }


def test_a_host_on_which_logrotate_never_ran():
    told = f"error: error opening state file /var/lib/logrotate/status: No such file or directory\n{TOLD}"
    assert read(logrotate=told).errors == ()


def test_what_is_live_and_what_matches():
    facts = read()
    assert facts.files == {f"{APP}/access.log", f"{APP}/app.log"}
    assert facts.rule_of(f"{APP}/app.log").pattern == f"{APP}/*.log"
    assert facts.rule_of("/var/log/other.log") is None
    assert (facts.errors, facts.scheduled, facts.last_run, facts.now) == ((), True, 990000, 1000000)


def test_compression_for_all_that_comes_after():
    assert all(rule.compressed for rule in read(logrotate_conf=CONF.replace("#compress", "compress")).rules[:5])


def test_a_block_that_ends_with_its_file():
    text = CONF.replace("    endscript\n}", "    endscript\n")
    assert read(logrotate_conf=text).rule_of(f"{APP}/app.log").compressed


def test_a_log_that_is_skipped_is_not_rotated():
    skipped = f'error: skipping "{APP}/app.log" because parent directory has insecure permissions\n'
    facts = read(logrotate=TOLD.replace("not running postrotate", f"{skipped}not running postrotate", 1))
    assert facts.rule_of(f"{APP}/app.log") is None
    assert facts.rule_of(f"{APP}/access.log")


def test_errors_are_facts():
    told = f"error: mirai-knowledge-system:3 unknown option 'dialy' -- ignoring line\n{TOLD}error: found error in x\n"
    assert len(read(logrotate=told).errors) == 2


@pytest.mark.parametrize(
    ("runs", "scheduled", "last_run"),
    [
        ("now 1\nup 2\nActiveState inactive\nUnitFileState enabled\n", False, None),
        ("now 1\nup 2\nActiveState active\nUnitFileState disabled\n", False, None),
        ("now 1\nup 2\nrun 5\nrun 7\ncron daily\n", True, 7),
    ],
)
def test_runs(runs, scheduled, last_run):
    facts = read(logrotate_runs=runs)
    assert (facts.scheduled, facts.last_run) == (scheduled, last_run)


@pytest.mark.parametrize(
    "broken",
    [
        {"logrotate": ""},
        {"logrotate": Output("logrotate", 127, "", "sudo: logrotate: command not found", 0.1)},
        {"logrotate_conf": Output("cat", 1, "", "cat: /etc/logrotate.conf: No such file or directory", 0.1)},
        {"logrotate_runs": "up 5\n"},
        {"log_files": Output("find", 1, "", "sudo: a password is required", 0.1)},
    ],
)
def test_a_logrotate_that_does_not_tell_is_no_fact(broken):
    with pytest.raises(ProbeError):
        read(**broken)


def test_without_sudo_it_is_not_reviewed():
    refused = {name: Output(name, 1, "", "sudo: a password is required", 0.1) for name in UP}
    with pytest.raises(NotDeclared, match="needs root"):
        Logrotate.read(Outputs(AT, HOST, refused, sudo=False))


def test_access_log():
    log = AccessLog.read(printed({"access-logs": "marked 12 /var/log/nginx/a.log\nmarked 0 /var/log/nginx/b.log\n"}))
    assert log.marked == {"/var/log/nginx/a.log": 12, "/var/log/nginx/b.log": 0}
    assert AccessLog.read(printed({"access-logs": ""})).marked == {}


def test_error_logs():
    told = "since 2026/03/01 00:00:00\nnginx 2\nline /var/log/nginx/e.log 2026/03/01 [error] x\napplication 1\n"
    logs = ErrorLogs.read(printed({"error-logs": told}))
    assert (logs.nginx, logs.application, logs.since) == (2, 1, "2026/03/01 00:00:00")
    assert logs.lines == ("/var/log/nginx/e.log 2026/03/01 [error] x",)


@pytest.mark.parametrize(
    ("facts", "name", "told"),
    [
        (AccessLog, "access-logs", "marked x\n"),
        (AccessLog, "access-logs", "marked many /var/log/nginx/a.log\n"),
        (ErrorLogs, "error-logs", ""),
        (ErrorLogs, "error-logs", "since 2026/03/01\nnginx 2\n"),
    ],
)
def test_counts_in_an_unknown_form(facts, name, told):
    with pytest.raises(ProbeError, match="unknown form"):
        facts.read(printed({name: told}))
