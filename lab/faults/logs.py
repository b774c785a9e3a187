"""Defects of the logs and of their rotation."""

from lab.faults import fault
from lab.faults.application import SERVICE
from lab.faults.web import SITE, edit
from lab.host import Host

RULES = "/etc/logrotate.d/mirai-knowledge-system"
LOGS = "/var/log/mirai-knowledge-system"


@fault(fails={"own_requests_are_in_the_access_log", "site_writes_its_own_log"})
def access_log_off(host: Host) -> None:
    """Switched off to spare the disk."""
    edit(host, SITE, "s|access_log .*|access_log off;|")


@fault(fails={"application_reports_no_error"})
def application_logs_an_error(host: Host) -> None:
    """A page that looks right, and an error behind it that nobody has read."""
    host.run(f"echo \"$(date '+%Y-%m-%d %H:%M:%S,000') ERROR [mks] could not save a record\" >>{LOGS}/app.log")


@fault(fails={"logrotate_accepts_its_configuration", "every_log_is_rotated", "logs_are_kept_long_enough"})
def directory_that_others_may_write(host: Host) -> None:
    """The group may write the log directory, and the rule has no su: logrotate passes it by."""
    host.run(f"chmod g+w {LOGS} && sed -i '/^    su /d' {RULES}")


@fault(fails={"logrotate_accepts_its_configuration", "every_log_is_rotated", "logs_are_kept_long_enough"})
def rule_with_a_typing_error(host: Host) -> None:
    """A number was written as a word, and the whole file does not count."""
    host.run(f"sed -i 's/rotate 30/rotate thirty/' {RULES}")


@fault(fails={"logs_are_kept_long_enough"})
def logs_kept_a_week(host: Host) -> None:
    """rotate 7 was left from a trial."""
    host.run(f"sed -i 's/rotate 30/rotate 7/' {RULES}")


@fault(fails={"old_logs_are_compressed"})
def logs_not_compressed(host: Host) -> None:
    """Compression was switched off to grep in old logs."""
    host.run(f"sed -i '/compress/d' {RULES}")


@fault(fails={"every_log_is_rotated", "logs_are_kept_long_enough"})
def rule_for_another_directory(host: Host) -> None:
    """The pattern names the application's short name, and no file matches."""
    host.run(f"sed -i 's|^/var/log/mirai-knowledge-system/|/var/log/mirai/|' {RULES}")


@fault(fails={"logrotate_runs_by_itself"})
def logrotate_timer_off(host: Host) -> None:
    """The timer was stopped and disabled."""
    host.run("systemctl disable --now logrotate.timer")


@fault(fails={"nginx_reports_no_trouble"})
def nginx_lost_the_application_for_a_moment(host: Host) -> None:
    """The application was away for a moment a minute ago, and answers again."""
    host.run(
        f"sleep 1; kill -STOP $(systemctl show {SERVICE} -p MainPID --value); "
        "echo \"$(date '+%Y/%m/%d %H:%M:%S') [error] 1#1: *1 connect() failed (111: Connection refused) while "
        'connecting to upstream, client: 192.0.2.1" >>/var/log/nginx/mirai-knowledge-system-error.log; '
        f"kill -CONT $(systemctl show {SERVICE} -p MainPID --value)"
    )
