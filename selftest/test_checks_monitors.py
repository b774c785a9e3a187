"""The checks of tests_server/test_monitors.py, each on the checklist's jobs and on broken ones."""

import pytest

from cutover.facts.monitors import Monitors
from selftest.cron_facts import FILE, JOBS, answers
from selftest.rows import HOST, fails, judge, passes
from tests_server import test_monitors as monitors

HEALTH, DISK, CERTIFICATE, BACKUP = JOBS.splitlines()[4:]


def of(*arguments, **changed):
    return Monitors.read(answers(*arguments, **changed), HOST)


def edited(old, new, **changed):
    assert old in JOBS
    return of(JOBS.replace(old, new), **changed)


def script(*words, line="*/5 * * * * root /opt/watch.sh\n"):
    uses = [f"uses /opt/watch.sh {word}" for word in words if word != "names"]
    named = ["names /opt/watch.sh"] if "names" in words else []
    return of(f"MAILTO=\n{line}", programs=["file 755 /opt/watch.sh", "parses /opt/watch.sh", *uses, *named])


def of_health():
    check = monitors.test_health_is_asked_every_quarter_of_an_hour
    timer = (
        "Unit=w.service\nTimersMonotonic={ OnUnitActiveUSec=5min ; next_elapse=0 }\nId=w.timer\nActiveState=active\n"
    )
    service = f"ExecStart={{ path=/usr/bin/curl ; argv[]=/usr/bin/curl -f https://{HOST}/ ; ignore_errors=no ; }}\n"
    by_timer = of(BACKUP + "\n", timer=timer, service=f"{service}Id=w.service\nLoadState=loaded\n")
    no_curl = "curl is not in its PATH (/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)"
    for name, good in (
        ("checklist", of()),
        ("every-quarter", edited("*/5 ", "*/15 ")),
        ("wget", edited("curl -fsS", "wget -q -O /dev/null", programs=["file 755 /usr/bin/wget"])),
        ("script", script("curl", "mail", "names")),
        ("timer", by_timer),
        ("one-of-two", of(f"{HEALTH}\n0 4 * * 0 root curl https://{HOST}/\n")),
    ):
        yield passes(name, check, monitors=good)
    for name, bad, told in (
        ("none", edited(HEALTH, ""), "no such job"),
        ("inside", edited(f"https://{HOST}/", "http://127.0.0.1:8000/"), "no such job"),
        ("another", edited(f"https://{HOST}/", f"https://{HOST}.example.net/"), "no such job"),
        ("hourly", edited("*/5 * * * *", "0 * * * *"), "up to 1 hours between two runs"),
        ("at-boot", edited("*/5 * * * *", "@reboot"), "up to inf hours between two runs"),
        ("no-curl", of(without="/usr/bin/curl"), no_curl),
        ("group", of(mode="-rw-rw-r--"), "cron refuses a file that others may write"),
    ):
        yield fails(name, check, "it runs", told, monitors=bad)

    check = monitors.test_somebody_hears_of_an_outage
    hook = f"*/5 * * * * root curl -f https://{HOST}/ || curl -d down https://hooks.example.net/x >/dev/null 2>&1\n"
    for name, good in (
        ("checklist", of()),
        ("hook", of(f"MAILTO=\n{hook}")),
        ("mail-of-cron", of(f"MAILTO=ops\n*/5 * * * * root curl -fsS -o /dev/null https://{HOST}/\n")),
        ("script", script("curl", "mail", "names")),
        ("status", of(f'*/5 * * * * root [ "$(curl -w \\%{{http_code}} https://{HOST}/)" = 200 ] || echo | mail x\n')),
    ):
        yield passes(name, check, monitors=good)
    for name, bad in (
        ("without-f", edited("curl -fsS", "curl -sS")),
        ("nobody", of(f"MAILTO=\n*/5 * * * * root curl -f https://{HOST}/\n")),
        ("thrown-away", of(f"*/5 * * * * root curl -f https://{HOST}/ >/dev/null 2>&1\n", without="mail")),
        ("none", edited(HEALTH, "")),
    ):
        yield fails(name, check, "yes", "no", monitors=bad)


def of_disk():
    check = monitors.test_disk_usage_is_looked_at_every_day
    yield passes("checklist", check, monitors=of())
    yield passes("script", check, monitors=script("df", "mail", line="0 9 * * * root /opt/watch.sh\n"))
    yield fails("none", check, "it runs", "no such job", monitors=edited(DISK, ""))
    told = "up to 168 hours between two runs"
    yield fails("weekly", check, "it runs", told, monitors=edited("0 9 * * * nobody df", "0 9 * * 0 nobody df"))
    quotes = "its quotes do not close (in a crontab an unescaped % ends the command)"
    yield fails("percent", check, "it runs", quotes, monitors=edited("$5 + 0 > 80", '$5 > "80%"'))

    check = monitors.test_disk_alert_tells_full_from_empty
    for number, good in enumerate(
        (
            "df -P | awk 'NR > 1 && $5 + 0 > 80' | mail x",
            "df -h | grep -E '^/dev/' | awk '$5+0 > 80 {print}' | mail x",
            "df -hT | awk 'NR>1 {use=$6+0; if (use >= 90) print $7}' | mail x",
            "df --output=pcent,target | tail -n +2 | tr -d '\\%' | awk '$1 > 80' | mail x",
            'df -P / | tail -1 | awk \'{gsub("\\%","",$5); if ($5+0 > 80) {print "disk at " $5}}\' | mail x',
            "df -h | grep -E '(8[1-9]|9[0-9]|100)\\%' | mail x",
            'full=$(df -P | awk -v most=80 \'int($5) > most\'); [ -z "$full" ] || echo "$full" | mail x',
        )
    ):
        yield passes(number, check, monitors=of(f"0 9 * * * root {good}\n"))
    for name, bad, told in (
        ("checklist", "df -h | grep -E '^/dev/' | awk '$5 > \"80\\%\" {print}' | mail x", "at 9 %: yes; at 100 %: no"),
        ("text", "df -h | awk '$5 > 80' | mail x", "at 9 %: yes; at 100 %: no"),
        ("unescaped", "df -h | awk '$5 > \"80%\" {print}' | mail x", "at 100 %: no"),
        ("always", "df -h | mail x", "at 9 %: yes"),
        ("gsub", 'df -P / | awk \'{gsub("\\%","",$5); if ($5 > 80) print}\' | mail x', "at 9 %: yes; at 100 %: no"),
        ("column", "df -hT | awk '$5+0 > 80' | mail x", "at 100 %: no"),
    ):
        promised = "; ".join(line for line in ("at 9 %: no", "at 100 %: yes") if line.partition(":")[0] in told)
        yield fails(name, check, promised, told, monitors=of(f"0 9 * * * root {bad}\n"))
    yield fails("none", check, "at 100 %: yes", "at 100 %: no", monitors=edited(DISK, ""))
    snaps = {"images": "/dev/loop0 squashfs /snap/core20/2318\n/dev/loop1 squashfs /snap/lxd/28373\n"}
    yield passes("no-snaps", check, monitors=edited("df -P", "df -P -x squashfs", **snaps))
    promised, told = (f"by /snap/core20/2318: {word}; by /snap/lxd/28373: {word}" for word in ("no", "yes"))
    yield fails("snaps", check, promised, told, monitors=of(**snaps))


def of_certificate():
    check = monitors.test_certificate_expiry_is_told_every_week
    openssl = f"0 9 * * * ops openssl x509 -checkend 864000 -in /etc/ssl/{HOST}.pem || echo soon | mail x\n"
    yield passes("checklist", check, monitors=of())
    yield passes("openssl", check, monitors=of(openssl, programs=["file 755 /usr/bin/openssl"]))
    yield fails("none", check, "it runs", "no such job", monitors=edited(CERTIFICATE, ""))
    yield fails("renewal", check, "it runs", "no such job", monitors=edited("certbot certificates", "certbot -q renew"))
    told = "mks may not ask certbot, which needs root"
    yield fails("not-root", check, "it runs", told, monitors=edited("root certbot", "mks certbot"))
    told = "up to 744 hours between two runs"
    yield fails("monthly", check, "it runs", told, monitors=edited("0 9 * * 1 root", "0 9 1 * * root"))


ROWS = [*of_health(), *of_disk(), *of_certificate()]


@pytest.mark.parametrize("row", ROWS)
def test_check(row):
    assert judge(row) == row.failure


def test_the_file_is_named():
    assert {job.source for job in of().health} == {FILE}
