"""The assertions of the server view as a user would write them with testinfra alone: one property, one command.

No trick that testinfra's documentation does not show: modules where there is one, ``check_output`` where there
is none. Run by bench/server_view.py.
"""

import re

import pytest

CHECKOUT = "/opt/mirai-knowledge-systems"
APP = f"{CHECKOUT}/backend"
ENV = f"{APP}/.env.production"
DATA = "/var/lib/mirai-knowledge-system/data"
LOGS = "/var/log/mirai-knowledge-system"
BACKUPS = "/var/backups/mirai-knowledge-system"
SERVICE = "mirai-knowledge-system"
SITE = "/etc/nginx/sites-available/mirai-knowledge-system"
LIVE = "/etc/letsencrypt/live/api.example.test"


# 1 the server


def test_release(host):
    assert host.system_info.distribution == "debian"
    assert int(host.system_info.release.split(".")[0]) >= 11


def test_no_security_updates(host):
    assert not re.search(r"(?m)^Inst .*Debian-Security", host.check_output("apt-get -s dist-upgrade"))


def test_package_lists_are_fresh(host):
    assert host.check_output("find /var/lib/apt/lists -maxdepth 1 -name '*InRelease' -mtime -7")


def test_no_reboot_pending(host):
    assert not host.file("/run/reboot-required").exists


def test_security_sources(host):
    assert "security" in host.check_output("apt-cache policy")


def test_unattended_upgrades(host):
    assert host.package("unattended-upgrades").is_installed
    assert 'APT::Periodic::Unattended-Upgrade "1"' in host.check_output("apt-config dump")


def test_upgrade_timer(host):
    assert host.service("apt-daily-upgrade.timer").is_enabled


def test_time_zone(host):
    assert host.file("/etc/localtime").linked_to == "/usr/share/zoneinfo/Asia/Tokyo"


def test_clock(host):
    assert "Leap status     : Normal" in host.check_output("chronyc tracking")


def test_processors(host):
    assert int(host.check_output("nproc")) >= 2


def test_memory(host):
    assert int(re.search(r"MemTotal:\s+(\d+)", host.file("/proc/meminfo").content_string)[1]) > 3_700_000


@pytest.mark.parametrize("place", ["/", DATA, LOGS, BACKUPS])
def test_disk(host, place):
    assert int(host.check_output("df -B1 --output=avail %s | tail -n 1", place)) > 20e9


@pytest.mark.parametrize("place", ["/", DATA, LOGS, BACKUPS])
def test_inodes(host, place):
    assert int(host.check_output("df --output=iavail %s | tail -n 1", place)) > 10000


@pytest.mark.parametrize("program", ["python3 --version", "nginx -v", "git --version", "certbot --version"])
def test_software(host, program):
    assert host.run(program).rc == 0


# 3 secrets, ssh, firewall


@pytest.mark.parametrize("name", ["MKS_SECRET_KEY", "MKS_JWT_SECRET_KEY"])
def test_secret(host, name):
    assert len(re.search(rf"(?m)^{name}=(.*)$", host.file(ENV).content_string)[1]) >= 32


def test_secrets_differ(host):
    found = re.findall(r"(?m)^MKS_(?:JWT_)?SECRET_KEY=(.*)$", host.file(ENV).content_string)
    assert len(set(found)) == 2


@pytest.mark.parametrize(
    "line",
    [
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "permitrootlogin no",
        "permitemptypasswords no",
        "pubkeyauthentication yes",
        "port 22",
    ],
)
def test_sshd(host, line):
    assert line in host.check_output("sshd -T").splitlines()


def test_ufw_is_active(host):
    assert "Status: active" in host.check_output("ufw status verbose")


def test_ufw_denies(host):
    assert "deny (incoming)" in host.check_output("ufw status verbose")


def test_ufw_at_boot(host):
    assert host.service("ufw").is_enabled
    assert host.file("/etc/ufw/ufw.conf").contains("^ENABLED=yes")


@pytest.mark.parametrize("port", [22, 80, 443])
def test_ufw_allows(host, port):
    assert f"{port}/tcp" in host.check_output("ufw status")


@pytest.mark.parametrize("table", ["iptables", "ip6tables"])
def test_filter_drops(host, table):
    assert "-P INPUT DROP" in host.check_output(f"{table} -S INPUT")


@pytest.mark.parametrize("port", [22, 80, 443])
def test_listens(host, port):
    assert host.socket(f"tcp://0.0.0.0:{port}").is_listening


def test_nothing_else_listens(host):
    ports = re.findall(r"(?:0\.0\.0\.0|\*|\[::\]):(\d+)", host.check_output("ss -ltnH"))
    assert set(ports) <= {"22", "80", "443"}


# 4 the application's tree


def test_remote(host):
    assert host.check_output(f"git -c safe.directory=* -C {CHECKOUT} remote get-url origin")


def test_commit(host):
    assert host.check_output(f"git -c safe.directory=* -C {CHECKOUT} rev-parse HEAD")


def test_clean(host):
    assert host.check_output(f"git -c safe.directory=* -C {CHECKOUT} status --porcelain") == ""


def test_venv_python(host):
    assert int(host.check_output(f"{APP}/venv/bin/python -c 'import sys; print(sys.version_info[1])'")) >= 9


def test_pip_check(host):
    assert host.pip.check(pip_path=f"{APP}/venv/bin/pip").rc == 0


@pytest.mark.parametrize("place", [DATA, LOGS])
def test_directory(host, place):
    found = host.file(place)
    assert found.is_directory
    assert found.user == "mks"
    assert found.mode & 0o022 == 0


# 5 the environment file


def test_env_is_private(host):
    assert host.file(ENV).mode == 0o600


def test_env_owner(host):
    assert host.file(ENV).user == "mks"


def test_env_has_no_copy(host):
    assert host.check_output(f"find {APP} -maxdepth 1 -name '.env*' -perm /044 ! -name '*.example'") == ""


@pytest.mark.parametrize(
    "line",
    [
        r"MKS_CORS_ORIGINS=https://[^*]+",
        "MKS_FORCE_HTTPS=true",
        "MKS_TRUST_PROXY_HEADERS=true",
        r"MKS_GUNICORN_WORKERS=\d+",
        r"MKS_GUNICORN_THREADS=2",
        r"MKS_GUNICORN_BIND=127\.0\.0\.1:8000",
        "MKS_LOG_LEVEL=INFO",
    ],
)
def test_env_line(host, line):
    assert re.search(rf"(?m)^{line}$", host.file(ENV).content_string)


def test_check(host):
    assert host.run(f"{APP}/run_production.sh check").rc == 0


# 6 the certificate


def test_certbot(host):
    assert host.package("certbot").is_installed


@pytest.mark.parametrize("name", ["fullchain.pem", "privkey.pem"])
def test_certificate_file(host, name):
    assert host.file(f"{LIVE}/{name}").exists


def test_private_key_is_private(host):
    key = host.check_output(f"readlink -f {LIVE}/privkey.pem")
    assert host.file(key).mode == 0o600


def test_key_matches(host):
    of_key = host.check_output(f"openssl pkey -in {LIVE}/privkey.pem -pubout")
    assert of_key == host.check_output(f"openssl x509 -in {LIVE}/fullchain.pem -noout -pubkey")


def test_renewal_configured(host):
    assert host.file("/etc/letsencrypt/renewal/api.example.test.conf").exists


def test_renewal_timer(host):
    timer = host.service("certbot.timer")
    assert timer.is_enabled
    assert timer.is_running


def test_reload_hook(host):
    assert host.check_output("ls /etc/letsencrypt/renewal-hooks/deploy")


# 7 nginx


def test_site(host):
    assert host.file(SITE).exists


def test_site_is_linked(host):
    assert host.file("/etc/nginx/sites-enabled/mirai-knowledge-system").linked_to == SITE


def test_default_site_is_off(host):
    assert not host.file("/etc/nginx/sites-enabled/default").exists


def test_nginx_syntax(host):
    assert host.run("nginx -t").rc == 0


def test_nginx_runs(host):
    service = host.service("nginx")
    assert service.is_running
    assert service.is_enabled


@pytest.mark.parametrize(
    "line",
    [
        "return 301 https://",
        "location /.well-known/acme-challenge/",
        "ssl_protocols TLSv1.2 TLSv1.3;",
        "client_max_body_size 10M;",
        "proxy_set_header Host ",
        "proxy_set_header X-Real-IP ",
        "proxy_set_header X-Forwarded-For ",
        "proxy_set_header X-Forwarded-Proto ",
        "proxy_read_timeout 60s;",
        "proxy_buffering on;",
        "location /static/",
        "listen [::]:443",
        "listen [::]:80",
        "access_log /var/log/nginx/mirai-knowledge-system-access.log",
        "error_log /var/log/nginx/mirai-knowledge-system-error.log",
    ],
)
def test_site_has(host, line):
    assert line in host.check_output("nginx -T")


# 9, 10 the application and its service


def test_start_script(host):
    assert host.file(f"{APP}/run_production.sh").mode & 0o100


def test_status(host):
    assert host.run(f"{APP}/run_production.sh status").rc == 0


def test_bound_to_loopback(host):
    assert host.socket("tcp://127.0.0.1:8000").is_listening


def test_workers(host):
    assert len(host.process.filter(user="mks")) >= 5


@pytest.mark.parametrize("name", ["access.log", "error.log", "app.log"])
def test_log_is_written(host, name):
    assert host.file(f"{LOGS}/{name}").exists


def test_service_runs(host):
    service = host.service(SERVICE)
    assert service.is_running
    assert service.is_enabled


@pytest.mark.parametrize(
    "line", ["User=mks", "NeedDaemonReload=no", "NRestarts=0", "Restart=on-failure", "UnitFileState=enabled"]
)
def test_service_property(host, line):
    assert line in host.check_output(f"systemctl show {SERVICE}").splitlines()


# 14, 15, 17 logs, monitors, backups


def test_access_log(host):
    assert host.file("/var/log/nginx/mirai-knowledge-system-access.log").size > 0


def test_error_log(host):
    assert "[crit]" not in host.check_output("tail -n 1000 /var/log/nginx/mirai-knowledge-system-error.log")


def test_logrotate(host):
    assert host.run("logrotate -d /etc/logrotate.conf").rc == 0


@pytest.mark.parametrize("line", ["rotate 30", "daily", "compress"])
def test_logrotate_line(host, line):
    assert line in host.file(f"/etc/logrotate.d/{SERVICE}").content_string


def test_cron_runs(host):
    cron = host.service("cron")
    assert cron.is_running
    assert cron.is_enabled


@pytest.mark.parametrize("words", ["curl -f", "df ", "certbot certificates", "backup.sh"])
def test_cron_job(host, words):
    assert words in host.check_output("cat /etc/cron.d/*")


@pytest.mark.parametrize("program", ["curl", "mail", "df", "awk", "certbot"])
def test_cron_command(host, program):
    assert host.exists(program)


def test_backup_directory(host):
    assert host.file(BACKUPS).mode & 0o007 == 0


def test_backup_script(host):
    assert host.file(f"{APP}/backup.sh").mode & 0o100


def test_backup_is_fresh(host):
    assert host.check_output(f"find {BACKUPS} -name '*.tar.gz' -mmin -1560")


def test_backup_is_readable(host):
    newest = host.check_output(f"ls -t {BACKUPS}/*.tar.gz | head -n 1")
    assert host.run("tar -tzf %s", newest).rc == 0


def test_backup_keeps_no_older(host):
    assert host.check_output(f"find {BACKUPS} -name '*.tar.gz' -mtime +32") == ""
