"""Where the deployment departs from the checklist's text, which followed to the letter makes a broken host, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Correction:
    """One place where the deployment departs from the checklist's text."""

    section: str
    what: str
    why: str


CORRECTIONS = (
    Correction(
        "3",
        "incoming traffic is denied by default, in so many words",
        "the text relies on the default of ufw",
    ),
    Correction(
        "4",
        "data and logs belong to a service user of their own; the checkout belongs to root",
        "$USER is whoever deploys; code that the service can write is code that an intruder can change",
    ),
    Correction(
        "6",
        "certbot uses --webroot and the challenge location of the template",
        "the template loads only with a certificate, and --nginx rewrites the configuration at each renewal",
    ),
    Correction(
        "6",
        "a deploy hook reloads nginx",
        "certonly leaves nginx alone: the old certificate would be served until it expires",
    ),
    Correction(
        "7",
        "the five headers are included again in /static/",
        "a location with its own add_header inherits none: the template loses all five there",
    ),
    Correction(
        "7",
        "the port-80 server sends the headers too, without Strict-Transport-Security",
        "the template sends none there; RFC 6797, 7.2 forbids that one over plain http",
    ),
    Correction("7", "server_tokens off", "the version of nginx helps nobody but an attacker"),
    Correction(
        "9",
        "backend/logs is a link to the log directory",
        "the text tails logs/error.log; no step makes it",
    ),
    Correction(
        "10",
        "the unit's PATH has the system's directories too",
        "with the venv alone, a start script that calls dirname ends with 127",
    ),
    Correction("10", "the pid file lies in /run", "in the checkout it needs a checkout that the service can write"),
    Correction(
        "10",
        "the unit first stops what was started by hand",
        "section 9 starts it by hand; systemd cannot adopt that, and deletes its pid file when it fails",
    ),
    Correction(
        "14",
        "logrotate works as the service user and accepts a missing log",
        "root would follow links in a directory of another user's",
    ),
    Correction(
        "15",
        "the jobs are a file in /etc/cron.d, with a user each, PATH and MAILTO",
        "it is the place cron reads whoever deployed",
    ),
    Correction(
        "15",
        "disk usage is compared as a number, on every real file system, and mailed only with a finding",
        "as strings 9% alerts and 100% does not; % ends a command in a crontab; not every device is in /dev",
    ),
    Correction("15", "a mail command is installed", "the alerts pipe to `mail`, which no step installs"),
    Correction(
        "17",
        "the backup is written under another name, read back, then renamed; any failure is told",
        "the text leaves half an archive, under a good name, with status 0",
    ),
)
