"""Section 14: logs are rotated, compressed and kept as long as promised."""

from cutover.check import control, promised, seen
from cutover.facts.logrotate import Logrotate
from cutover.inventory import Server, Target

DAY = 24 * 60 * 60
RECENT = 2 * DAY  # logrotate comes daily; a day may be lost to a reboot


@control("14.logrotate")
def test_logrotate_accepts_its_configuration(logrotate: Logrotate) -> None:
    """One unknown word, or a directory that others may write, and logrotate passes the whole block by.

    Mend: sudo logrotate -d /etc/logrotate.conf, and mend what it calls an error
    """
    assert seen(logrotate.errors, where="logrotate -d /etc/logrotate.conf") == promised((), "no error")


@control("14.logrotate")
def test_every_log_is_rotated(logrotate: Logrotate) -> None:
    """A log that no rule matches grows until the disk is full.

    Mend: let a pattern in /etc/logrotate.d/ match it, then sudo logrotate -d /etc/logrotate.conf
    """
    rotated = {file for file in logrotate.files if logrotate.rule_of(file)}
    assert seen(logrotate.files - rotated, where="files that no rule matches") == promised(frozenset())


@control("14.logrotate")
def test_logs_are_kept_long_enough(logrotate: Logrotate, target: Target, promises: Server) -> None:
    """What is looked into after a month is gone when only a fortnight was kept.

    Mend: daily and rotate 30 in /etc/logrotate.d/mirai-knowledge-system
    """
    rules = [rule for rule in logrotate.rules if any(file.startswith(f"{promises.log_dir}/") for file in rule.files)]
    least = target.limits.log_keep_days
    days = min((rule.keeps_days or 0 for rule in rules), default=0)
    where = ", ".join(rule.pattern for rule in rules) or promises.log_dir
    assert seen(days, f"{days:g} days", where=where) >= promised(least, f"at least {least} days")


@control("14.logrotate")
def test_old_logs_are_compressed(logrotate: Logrotate) -> None:
    """Uncompressed, 30 days of logs take ten times the room.

    Mend: compress and delaycompress in the block of /etc/logrotate.d/ that matches the log
    """
    rules = {rule for rule in map(logrotate.rule_of, logrotate.files) if rule}
    plain = frozenset(rule.pattern for rule in rules if not rule.compressed)
    assert seen(plain, where="rules without compress") == promised(frozenset())


@control("14.logrotate")
def test_logrotate_runs_by_itself(logrotate: Logrotate) -> None:
    """A rule that nothing carries out rotates nothing.

    Mend: sudo systemctl enable --now logrotate.timer, then sudo systemctl start logrotate.service
    """
    fresh = logrotate.up_seconds < RECENT and logrotate.last_run is None
    age = logrotate.now - (logrotate.last_run or 0)
    state = {"timer or cron": logrotate.scheduled, "ran within two days": fresh or age <= RECENT}
    assert seen(state, where="logrotate.timer, /var/lib/logrotate/status") == promised(dict.fromkeys(state, True))
