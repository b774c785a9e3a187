"""Deploys the application on a host, by the checklist: first into its tree, and the rest when it has booted.

Where the checklist's own text would make a broken host, the corrected form is deployed: see ``lab.corrections``.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from lab.machine import STATE
from lab.network import TIME

APPLICATION = Path(__file__).parent / "app"
SITE = Path(__file__).parent / "site"
REQUIREMENTS = APPLICATION / "backend" / "requirements.txt"

SERVICE = "mirai-knowledge-system"
REPOSITORY = "/srv/git/mirai-knowledge-systems.git"
CHECKOUT = "/opt/mirai-knowledge-systems"
# What the suite logs in with; made anew by every `up`.
PASSWORD_FILE = STATE / "operator-password"


class Host(Protocol):
    """A booted host: runs a POSIX sh script as root inside."""

    def run(self, script: str, check: bool = True) -> subprocess.CompletedProcess[str]: ...


@dataclass(frozen=True)
class Settings:
    """What differs from deployment to deployment."""

    operator_password: str = field(repr=False)
    acme_directory: str
    # PEM files on the operator's machine that the host shall trust: what verifies the ACME server itself,
    # and the root of what it issues (the host's own health check asks by name).
    acme_ca: Path
    issuing_ca: Path
    domain: str = "api.example.test"
    operator: str = "admin"
    email: str = "admin@example.test"
    # Where cron's alerts go: a local mailbox, as no mail leaves the lab.
    alert_to: str = "root"
    cors_origins: str = "https://example.test"
    timezone: str = "Asia/Tokyo"
    time_server: str = TIME.ipv4
    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))


# $OPERATOR, $TIMEZONE, $ORIGINS and $WORKERS come by the environment, the password by standard input.
IN_THE_TREE = f"""
mount -t proc proc /proc
umask 022
update-ca-certificates >/dev/null 2>&1

# 1. OS
ln -sf "/usr/share/zoneinfo/$TIMEZONE" /etc/localtime
echo "$TIMEZONE" >/etc/timezone
# Debian's own time servers are out of reach; etc/chrony/sources.d names one that is not.
sed -i '/^pool /d' /etc/chrony/chrony.conf
# What `apt-get update` leaves behind on a host; the base tree's lists were fetched elsewhere.
apt-cache gencaches

# 3. Firewall. The rules first: enabled, ufw would load them, and nothing is to be loaded here.
ufw default deny incoming
ufw default allow outgoing
for port in 22 80 443; do ufw allow "$port/tcp"; done
sed -i 's/^ENABLED=.*/ENABLED=yes/' /etc/ufw/ufw.conf
systemctl enable ufw

# 4. Application. A fixed author and date: the same content is the same commit on every host.
useradd --system --user-group --home-dir /var/lib/{SERVICE} --no-create-home --shell /usr/sbin/nologin mks
export GIT_AUTHOR_NAME=mirai GIT_AUTHOR_EMAIL=mirai@example.test GIT_AUTHOR_DATE='1735225200 +0900'
export GIT_COMMITTER_NAME=mirai GIT_COMMITTER_EMAIL=mirai@example.test GIT_COMMITTER_DATE="$GIT_AUTHOR_DATE"
git -C /srv/application init -q -b main
git -C /srv/application add -A
git -C /srv/application commit -q -m 'Release 1.0.0'
git clone -q --bare /srv/application {REPOSITORY}
rm -rf /srv/application
git clone -q {REPOSITORY} {CHECKOUT}
cd {CHECKOUT}/backend
python3 -m venv venv
venv/bin/python -m pip install -q --no-index --find-links /opt/wheels --upgrade pip
venv/bin/python -m pip install -q --no-index --find-links /opt/wheels -r requirements.txt
venv/bin/python -m compileall -q mks wsgi.py
install -d -o mks -g mks -m 0750 /var/lib/{SERVICE} /var/lib/{SERVICE}/data /var/log/{SERVICE}
install -d -o mks -g mks -m 0750 /var/backups/{SERVICE}
ln -s /var/log/{SERVICE} logs

# 5. Environment. The secrets are made here and leave the host nowhere.
secret() {{ python3 -c 'import secrets; print(secrets.token_hex(32))'; }}
install -o mks -g mks -m 0600 /dev/null .env.production
cat >.env.production <<EOF
MKS_SECRET_KEY=$(secret)
MKS_JWT_SECRET_KEY=$(secret)
MKS_CORS_ORIGINS=$ORIGINS
MKS_FORCE_HTTPS=true
MKS_TRUST_PROXY_HEADERS=true
MKS_GUNICORN_WORKERS=$WORKERS
MKS_GUNICORN_THREADS=2
MKS_GUNICORN_BIND=127.0.0.1:8000
MKS_LOG_LEVEL=INFO
EOF
as_service() {{ setpriv --reuid=mks --regid=mks --clear-groups --no-new-privs -- "$@"; }}
as_service env MKS_DATA_DIR=/var/lib/{SERVICE}/data venv/bin/python -B seed.py "$OPERATOR"
as_service ./run_production.sh check

# 7. nginx, for now with the site that needs no certificate
rm -f /etc/nginx/sites-enabled/default
ln -s /etc/nginx/sites-available/certificate-first /etc/nginx/sites-enabled/

# 16. Metrics, for the inside only
echo 'ARGS="--web.listen-address=127.0.0.1:9100"' >/etc/default/prometheus-node-exporter

# 10, 15. What has to come up by itself
systemctl enable {SERVICE} nginx cron chrony certbot.timer logrotate.timer unattended-upgrades
test -z "$(git status --porcelain)"
"""


def install(root: Path, settings: Settings) -> None:
    """Everything that can be done in the tree before it boots. It carries its packages and /opt/wheels."""
    shutil.copytree(APPLICATION, root / "srv/application", ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    values = {"@DOMAIN@": settings.domain, "@ALERT_TO@": settings.alert_to, "@TIME_SERVER@": settings.time_server}
    _copy_site(root, values)
    trusted = root / "usr/local/share/ca-certificates"
    trusted.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(settings.acme_ca, trusted / "acme-server.crt")
    shutil.copyfile(settings.issuing_ca, trusted / "acme-issuer.crt")
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        # git looks for a home, and root's may not be in the environment of a service that deploys.
        "HOME": "/root",
        "OPERATOR": settings.operator,
        "TIMEZONE": settings.timezone,
        "ORIGINS": settings.cors_origins,
        "WORKERS": str(settings.cores * 2 + 1),
    }
    # Its own network and mount table: ufw looks at the packet filter, and /proc is gone with the script.
    done = subprocess.run(
        ["unshare", "--net", "--mount", "chroot", str(root), "sh", "-ceu", IN_THE_TREE],
        input=f"{settings.operator_password}\n",
        capture_output=True,
        text=True,
        env=environment,
        timeout=600,
    )
    if done.returncode != 0:
        raise RuntimeError(f"deployment into {root} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")


def start(host: Host, settings: Settings) -> None:
    """What needs the booted host, step by step; the last step is an answer over https."""
    for script in _steps(settings):
        host.run(f"set -eu\n{script}")


def _steps(settings: Settings) -> tuple[str, ...]:
    domain, site = shlex.quote(settings.domain), "/etc/nginx/sites-available"
    return (
        # 6. Certificate. Its authority is the default of certbot, so that a rehearsal of the renewal asks it too.
        # Debian 11's file ends without a newline.
        f"printf '\\nserver = {settings.acme_directory}\\n' >>/etc/letsencrypt/cli.ini",
        f"certbot certonly --quiet --webroot --webroot-path /var/www/html --domain {domain}"
        f" --email {shlex.quote(settings.email)}"
        " --agree-tos --no-eff-email --non-interactive",
        # 7. nginx
        f"ln -sf {site}/{SERVICE} /etc/nginx/sites-enabled/",
        f"rm -f /etc/nginx/sites-enabled/certificate-first {site}/certificate-first",
        "nginx -t -q && systemctl restart nginx",
        # 3. Firewall: the boot has started it; this tells whether it is so.
        "ufw --force enable",
        # 1. Clock
        "chronyc waitsync 60 0 0 1",
        # 9, 10. Service
        f"systemctl start {SERVICE}",
        f"{CHECKOUT}/backend/run_production.sh status",
        # 14. logrotate tells on standard error what it would do; then it does it, as its timer would.
        "logrotate -d /etc/logrotate.conf",
        "systemctl start logrotate.service",
        # 6, 17. Renewal and backup, as their timers run them
        "systemctl start certbot.timer certbot.service",
        f"setpriv --reuid=mks --regid=mks --clear-groups -- {CHECKOUT}/backend/backup.sh",
        # 11. By name, with the host's own trust store
        f"curl -fsS --max-time 20 -o /dev/null https://{domain}/",
    )


def commit(root: Path) -> str:
    """The commit that is deployed in this tree."""
    head = root / CHECKOUT.lstrip("/") / ".git/refs/heads/main"
    return head.read_text().strip()


def declare_commit(root: Path, inventory: Path) -> None:
    """Let the inventory promise the commit that is deployed. The same content has the same, so it seldom changes."""
    text = re.sub(r'(?m)^commit = ".*"$', f'commit = "{commit(root)}"', inventory.read_text("utf-8"))
    inventory.write_text(text, encoding="utf-8")


def forget_logins(host: Host) -> None:
    """Empty the login limit's count. Each run logs in once, and the lab has more than 20 runs an hour."""
    host.run(f"rm -f /run/{SERVICE}/login-limit.sqlite3")


def _copy_site(root: Path, values: dict[str, str]) -> None:
    for source in sorted((SITE / "etc").rglob("*")):
        if source.is_dir():
            continue
        text = source.read_text(encoding="utf-8")
        for name, value in values.items():
            text = text.replace(name, value)
        target = root / source.relative_to(SITE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        # The modes of the checkout are the operator's; cron, for one, refuses what others may write.
        target.chmod(0o755 if os.access(source, os.X_OK) and text.startswith("#!") else 0o644)


def new_password() -> str:
    """What the operator logs in to the application with, new at every ``up``."""
    password = secrets.token_urlsafe(18)
    PASSWORD_FILE.touch(mode=0o600)
    PASSWORD_FILE.write_text(f"{password}\n")
    return password
