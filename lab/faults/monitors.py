"""Defects of the jobs that watch the host."""

from lab.faults import fault
from lab.host import Host

JOBS = "/etc/cron.d/mirai-knowledge-system"
ALL_JOBS = {
    "health_is_asked_every_quarter_of_an_hour",
    "disk_usage_is_looked_at_every_day",
    "disk_alert_tells_full_from_empty",
    "certificate_expiry_is_told_every_week",
    "backup_is_made_often_enough",
}


def edit(host: Host, expression: str) -> None:
    """Change the jobs by a sed expression, which must change something."""
    host.run(f"cp {JOBS} /tmp/before && sed -i '{expression}' {JOBS} && ! cmp -s {JOBS} /tmp/before")


@fault(fails=ALL_JOBS)
def jobs_in_a_file_with_a_dot(host: Host) -> None:
    """The jobs' file got an ending, and cron passes by such names."""
    host.run(f"mv {JOBS} {JOBS}.cron")


@fault(fails=ALL_JOBS)
def jobs_without_a_last_newline(host: Host) -> None:
    """The file was written by a program that ends no last line: cron passes the whole file by."""
    host.run(f'printf %s "$(cat {JOBS})" >/tmp/jobs && cat /tmp/jobs >{JOBS}')


@fault(fails=ALL_JOBS)
def jobs_writable_by_the_group(host: Host) -> None:
    """Opened to the group so that colleagues can edit it: cron refuses it."""
    host.run(f"chmod 664 {JOBS}")


@fault(fails=ALL_JOBS)
def cron_stopped_at_boot(host: Host) -> None:
    """cron was disabled during maintenance and never enabled again; it still runs, until the next boot."""
    host.run("systemctl disable cron")


@fault(fails={"somebody_hears_of_an_outage"})
def health_job_takes_an_error_page_for_an_answer(host: Host) -> None:
    """curl without -f: a 502 is an answer like any other."""
    edit(host, "s/curl -fsS/curl -sS/")


@fault(fails={"health_is_asked_every_quarter_of_an_hour", "somebody_hears_of_an_outage"})
def health_job_asks_the_inside(host: Host) -> None:
    """The check asks gunicorn itself, and nginx, certificate and firewall may be down without anybody hearing."""
    edit(host, "s|https://api.example.test/|http://127.0.0.1:8000/|")


@fault(fails={"disk_alert_tells_full_from_empty"})
def disk_job_compares_text(host: Host) -> None:
    """The checklist's own awk, with the % written as a crontab wants it: 9% alerts and 100% does not."""
    edit(host, 's/$5 + 0 > 80/$5 > "80\\\\%"/')


@fault(fails={"disk_usage_is_looked_at_every_day", "disk_alert_tells_full_from_empty"})
def disk_job_ends_at_a_percent_sign(host: Host) -> None:
    """The checklist's line as it stands: in a crontab an unescaped % ends the command, within its quotes."""
    edit(host, 's/\\$5 + 0 > 80/$5 > "80%"/')


@fault(fails={"certificate_expiry_is_told_every_week"})
def certificate_job_without_root(host: Host) -> None:
    """certbot certificates needs root; as another user it says so, once a week, to nobody."""
    edit(host, "s/root certbot/mks certbot/")


@fault(
    fails={
        "health_is_asked_every_quarter_of_an_hour",
        "disk_usage_is_looked_at_every_day",
        "disk_alert_tells_full_from_empty",
        "certificate_expiry_is_told_every_week",
    }
)
def mail_not_installed(host: Host) -> None:
    """The alerts pipe to mail, which no step of the checklist installs."""
    host.run("apt-get -y -q remove bsd-mailx mailutils >/dev/null 2>&1 || dpkg -r --force-depends bsd-mailx")
