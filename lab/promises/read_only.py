"""Read-only: before and after a whole run a host differs in what is written about visitors, and in nothing else."""

from __future__ import annotations

import time

from lab.deploy import SERVICE
from lab.promises.snapshot import Difference, Snapshot, differences, matches, take
from lab.promises.trial import Trial

QUIET_SECONDS = 60  # in which all that a visit woke is gone: its user's manager after ten, timedated after thirty
WOKEN = "systemctl -q is-active 'user@*.service' systemd-timedated.service systemd-hostnamed.service"

# What visitors leave in logs, and what the host does by itself meanwhile. Only the end of these may be new.
MAY_GROW = {
    r"/var/log/nginx/.*(access|error)\.log": "each request, and each that nginx refused",
    rf"/var/log/{SERVICE}/.*\.log": "each request and each login, as the application tells them",
    r"/var/log/(auth|cron|daemon|kern|user|mail|sys)(\.log|log)?": "each visit and each sudo, where rsyslog is",
    r"/var/log/(wtmp|btmp|lastlog)": "each visit, as utmp(5) has them",
    r"/var/log/(ufw|fail2ban)\.log": "packets that were refused",
    r"/var/log/postgresql/.*\.log": "each connection to the database, and checkpoints",
    r"/var/log/chrony/.*\.log": "chrony's own",
}
# These are no lines of text: they may differ anyhow.
MAY_DIFFER = {
    r"(/run|/var)/log/journal(/.*)?": "the journal: each visit, each sudo, each unit",
    r"/var/log/lastlog": "one record for each account, written over",
    rf"/run/{SERVICE}(/login-limit\.sqlite3(-journal|-wal|-shm)?)?": "the application counts logins against its limit",
    r"/run/utmp": "who is logged in now",
    r"/run/systemd/(sessions|users|transient|inhibit|units|journal|propagate)(/.*)?": "systemd on sessions",
    r"/run/(user|sshd|lock|sudo|sudo/ts)(/.*)?": "sessions: a folder of their own, locks and tickets",
    r"/var/lib/systemd/(timers|linger)(/.*)?": "timers that came due meanwhile",
    r"/var/lib/chrony(/.*)?": "chrony's idea of this machine's clock",
    r"/run/chrony(/.*)?": "chronyc's own socket, as long as it asks",
    r"/var/lib/postgresql/.*": "PostgreSQL's own housekeeping; its content is compared as a dump",
    r"/run/postgresql(/.*)?": "PostgreSQL's own housekeeping",
    r"/dev/shm(/.*)?": "PostgreSQL's shared memory",
    r"/run(/systemd)?|/run/motd\.dynamic": "folders in memory, and the greeting that PAM makes at each visit",
    r"/run/ufw\.lock": "whoever asks ufw for its status takes it; in memory",
    r"/tmp|/var/tmp": "services with temporary folders of their own come and go: timedatectl asks one",
    r"/var/spool/dma(/flush)?": "cron has the mailer look at its queue every five minutes",
    r"/var/lib/fail2ban/fail2ban\.sqlite3": "how far fail2ban has read the logs",
}
STATES_MAY_DIFFER = {
    r"(user@\d+\.service|user-\d+\.slice|user-runtime-dir@\d+\.service) .*": "sessions",
    r"(run-user-\d+\.mount|session-.*\.scope) .*": "sessions",
    r"tmpfs /run/user/\d+ .*": "sessions",
}
# Each is one thing that a tool which is not read-only might leave; the comparer has to tell every one.
LEFT_BEHIND = {
    "a file": ("touch /etc/x", "/etc/x"),
    "a mode that was changed and changed back": ("chmod 600 /etc/hosts; chmod 644 /etc/hosts", "/etc/hosts"),
    "content with its old time": (
        "touch -r /etc/issue /run/t; printf y | dd of=/etc/issue conv=notrunc status=none; touch -r /run/t /etc/issue",
        "/etc/issue",
    ),
    "a log that was emptied": (": >/var/log/nginx/access.log", "/var/log/nginx/access.log"),
    "a stopped unit": ("systemctl stop cron", "cron.service loaded inactive dead"),
    "a rule": ("ufw allow 9999/tcp", "9999/tcp"),
    "a listener": ("systemd-run -q --unit=left python3 -m http.server --bind 127.0.0.1 9998", "127.0.0.1:9998"),
    "an account": ("useradd --system left", "left:x:"),
    "a row": (
        "runuser -u postgres -- psql -qc 'create table left_behind (it int)' postgres",
        "CREATE TABLE public.left_behind (",
    ),
    "a job": ("echo '0 0 * * * true' | crontab -u nobody -", "0 0 * * * true"),
}


def prove(trial: Trial) -> bool:
    """Compare a copy before and after a run, then with things left behind in it."""
    trial.copy.run("systemctl is-system-running --wait || true; sleep 2", check=False)
    began = time.monotonic()
    before = take(trial.copy)
    took = time.monotonic() - began
    run = trial.start()
    status = run.end()
    # What failed was looked at; what could not be looked at was perhaps not touched only for that.
    whole = status in (0, 1) and "error" not in run.verdicts().values()
    if status:
        trial.tell(whole, f"status {status}: {run.bad()}")
    after, found = _settled(trial, before)
    odd = [each for each in found if not _may_be(each)]
    for each in odd:
        trial.tell(False, f"{each.what} {each.how}: {each.name}")
    logs = [each.name for each in found if each.grew and matches(MAY_GROW, each.name)]
    told = f"{len(before.files)} paths and {sum(map(len, before.states.values()))} lines of state in {took:.0f} s"
    kept = trial.tell(
        not odd and whole and bool(logs),
        f"{told}; after a run of {len(run.verdicts())} verdicts, status {status}, {len(found)} differ, "
        f"{len(logs)} of them logs that grew ({', '.join(logs)}), {len(odd)} that may not",
    )
    for line, _ in LEFT_BEHIND.values():
        trial.copy.run(line)
    time.sleep(1)
    told_of = [f"{each.name}" for each in differences(trial.copy, after, take(trial.copy)) if not _may_be(each)]
    missed = [what for what, (_, name) in LEFT_BEHIND.items() if not any(name in each for each in told_of)]
    return kept & trial.tell(
        not missed, f"{len(LEFT_BEHIND)} things left behind, not told: {', '.join(missed) or 'none'}"
    )


def _settled(trial: Trial, before: Snapshot) -> tuple[Snapshot, list[Difference]]:
    """The host once the sessions of the visits have ended, and what differs then."""
    end = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < end and trial.copy.run(WOKEN, check=False).returncode == 0:
        time.sleep(1)
    after = take(trial.copy)
    return after, list(differences(trial.copy, before, after))


def _may_be(each: Difference) -> bool:
    if each.what != "file":
        return matches(STATES_MAY_DIFFER, each.name) is not None
    return matches(MAY_DIFFER, each.name) is not None or (each.grew and matches(MAY_GROW, each.name) is not None)
