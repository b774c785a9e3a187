"""Section 15: the jobs that watch the host, where cron or systemd really runs them."""

from cutover.check import control, promised, seen
from cutover.facts.crontab import Job
from cutover.facts.monitors import Monitors, alerts, found_at, notices_an_error_page

QUARTER, DAY, WEEK = 15, 24 * 60, 7 * 24 * 60  # minutes


def standing(jobs: tuple[Job, ...], minutes: int) -> str:
    """``it runs``, or why the one that comes nearest to it does not."""
    if not jobs:
        return "no such job"
    reasons = [job.reason_not or _too_seldom(job, minutes) for job in jobs]
    return "it runs" if "" in reasons else reasons[0]


def _too_seldom(job: Job, minutes: int) -> str:
    wait = job.longest_wait
    return "" if wait <= minutes else f"up to {wait / 60:.4g} hours between two runs"


def places(jobs: tuple[Job, ...]) -> str:
    """Where they are written."""
    return ", ".join(dict.fromkeys(job.source for job in jobs)) or "crontabs and timers"


@control("15.health-cron")
def test_health_is_asked_every_quarter_of_an_hour(monitors: Monitors) -> None:
    """A job that cron passes by (a dot in its file's name, no newline at its end, no curl) never tells of an outage.

    Mend: sudo crontab -e with the checklist's line for curl -f https://NAME/, then grep CRON /var/log/syslog
    """
    assert seen(standing(monitors.health, QUARTER), where=places(monitors.health)) == promised("it runs")


@control("15.health-cron")
def test_somebody_hears_of_an_outage(monitors: Monitors) -> None:
    """curl without -f takes a 502 for an answer, and a check that tells nobody is no check.

    Mend: curl -f … || echo "Health check failed" | mail -s "API Down" ADDRESS
    """
    heard = [alerts(job, monitors.programs) and notices_an_error_page(job) for job in monitors.health]
    assert seen(any(heard), where=places(monitors.health)) == promised(True)


@control("15.disk-cron")
def test_disk_usage_is_looked_at_every_day(monitors: Monitors) -> None:
    """A disk fills in days; a job that cron passes by, or that tells nobody, finds it too late.

    Mend: sudo crontab -e with a daily job of df, awk and mail, then grep CRON /var/log/syslog
    """
    assert seen(standing(monitors.disk, DAY), where=places(monitors.disk)) == promised("it runs")


@control("15.disk-cron")
def test_disk_alert_tells_full_from_empty(monitors: Monitors) -> None:
    """awk compares "9%" and "80%" as text, where 9 is more than 80 and 100 less. A snap is always full: a job that
    tells of it does so every day, and soon nobody reads its mail.

    Mend: df -P -x squashfs | awk 'NR > 1 && $5 + 0 > 80' in place of $5 > "80%", and in a crontab write \\% for %
    """
    fires = {f"at {full} %": any(found_at(job, full) for job in monitors.disk) for full in (9, 100)}
    for image in monitors.images:
        fires[f"by {image.mounted_on}"] = any(found_at(job, 0, (image,)) for job in monitors.disk)
    assert seen(fires, where=places(monitors.disk)) == promised({case: case == "at 100 %" for case in fires})


@control("15.certificate-cron")
def test_certificate_expiry_is_told_every_week(monitors: Monitors) -> None:
    """When renewal stops nobody notices for two months, and then the site is down for every browser.

    Mend: sudo crontab -e (root's: certbot certificates needs root) with the checklist's weekly job
    """
    assert seen(standing(monitors.certificate, WEEK), where=places(monitors.certificate)) == promised("it runs")
