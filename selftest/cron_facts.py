"""What a host with the checklist's jobs answers when it is asked for them."""

from cutover.facts.cron import Cron
from selftest.rows import HOST, printed

SCRIPT = "/opt/mirai-knowledge-systems/backend/backup.sh"
JOBS = f"""\
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
MAILTO=root

*/5 * * * * nobody curl -fsS https://{HOST}/ || echo "Health check failed" | mail -s "API Down" root
0 9 * * * nobody df -P | awk 'NR > 1 && $5 + 0 > 80' | mail -E -s "Disk Usage Alert" root
0 9 * * 1 root certbot certificates | grep -A2 "Expiry Date" | mail -s "SSL Certificate Status" root
0 3 * * * mks {SCRIPT}
"""
FILE = "/etc/cron.d/mirai-knowledge-system"
SYSTEM = """\
SHELL=/bin/sh
PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
17 *\t* * *\troot\tcd / && run-parts --report /etc/cron.hourly
25 6\t* * *\troot\ttest -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }
"""
PROGRAMS = [
    f"file 755 /usr/bin/{name}" for name in ["awk", "certbot", "curl", "df", "grep", "mail", "run-parts", "tail", "tr"]
]
PROGRAMS += ["file 755 /usr/sbin/sendmail", f"file 755 {SCRIPT}", f"parses {SCRIPT}", f"uses {SCRIPT} tar"]
TIMER = """\
Unit=logrotate.service
TimersCalendar={ OnCalendar=*-*-* 00:00:00 ; next_elapse=Wed 2026-11-25 00:00:00 JST }
Id=logrotate.timer
ActiveState=active
UnitFileState=enabled
"""
SERVICE = """\
ExecStart={ path=/usr/sbin/logrotate ; argv[]=/usr/sbin/logrotate /etc/logrotate.conf ; ignore_errors=no ; pid=0 }
User=
Id=logrotate.service
LoadState=loaded
"""
DAEMON = "Id=cron.service\nActiveState=active\nUnitFileState=enabled\n\nId=cronie.service\nActiveState=inactive\n"
USERS = "root\nnobody\nmks\nops\n"


def listed(path, mode="-rw-r--r--", links=1, owner="root"):
    """A line of find -ls."""
    return f"   263180      4 {mode}   {links} {owner:<8} root          802 Apr 16  2023 {path}"


def answers(
    jobs=JOBS, *, path=FILE, mode="-rw-r--r--", links=1, owner="root", others=(), programs=(), without="", **changed
):
    """The answers, with other jobs, in another file, with programs there or gone."""
    there = [line for line in (*PROGRAMS, *programs) if not without or without not in line]
    listing = [listed("/etc/crontab"), listed(path, mode, links, owner), *(listed(*other) for other in others)]
    told = (
        f"## timers\n{changed.pop('timer', TIMER)}\n\n{changed.pop('service', SERVICE)}\n## files\n"
        + "\n".join(listing)
        + "\n## programs\n"
        + "".join(f"{line}\n" for line in there)
        + f"## crontabs\n==> /etc/crontab <==\n{SYSTEM}\n==> {path} <==\n{jobs}"
    )
    texts = {"cron-jobs": told, "cron-daemon": DAEMON, "cron-users": USERS, "images": ""}
    return printed(texts | {name.replace("_", "-"): answer for name, answer in changed.items()})


def cron(*arguments, **changed):
    return Cron.read(answers(*arguments, **changed))
