"""Sections 14, 15 and 17: logs, monitors, backups."""

import re

from places import APP, BACKUPS, JOBS, LOGS, SERVICE


def test_nginx_reports_no_trouble(host):
    assert "[crit]" not in host.check_output(f"tail -n 1000 /var/log/nginx/{SERVICE}-error.log")


def test_application_reports_no_error(host):
    assert " ERROR " not in host.check_output(f"tail -n 1000 {LOGS}/app.log")


def test_logrotate_accepts_its_configuration(host):
    assert host.run("logrotate -d /etc/logrotate.conf").rc == 0


ROTATION = f"/etc/logrotate.d/{SERVICE}"


def test_every_log_is_rotated(host):
    assert host.file(ROTATION).contains(f"{LOGS}/[*].log")
    assert host.file("/etc/logrotate.d/nginx").contains("/var/log/nginx/[*].log")


def test_logs_are_kept_long_enough(host):
    assert host.file(ROTATION).contains("rotate 30")


def test_old_logs_are_compressed(host):
    assert host.file(ROTATION).contains("compress")


def test_logrotate_runs_by_itself(host):
    assert host.service("logrotate.timer").is_enabled
    assert host.service("logrotate.timer").is_running


def test_metrics_answer_inside(host):
    assert "node_cpu" in host.check_output("curl -fsS http://127.0.0.1:9100/metrics")


def test_health_is_asked_every_quarter_of_an_hour(host):
    assert host.service("cron").is_running
    assert re.search(r"(?m)^\*/5 .*curl", host.file(JOBS).content_string)
    assert host.exists("curl")


def test_somebody_hears_of_an_outage(host):
    assert host.file(JOBS).contains("curl -f.*mail -s")
    assert host.exists("mail")


def test_disk_usage_is_looked_at_every_day(host):
    assert host.service("cron").is_running
    assert host.file(JOBS).contains("df -P")


def test_disk_alert_tells_full_from_empty(host):
    assert host.file(JOBS).contains("[$]5 + 0 > 80")


def test_certificate_expiry_is_told_every_week(host):
    assert host.file(JOBS).contains("^0 9 .*certbot certificates")
    assert host.exists("certbot")


def test_backup_directory_is_there_and_private(host):
    assert host.file(BACKUPS).mode & 0o007 == 0


def test_next_backup_has_room(host):
    assert int(host.check_output(f"df -B1 --output=avail {BACKUPS} | tail -n 1")) > 1e9


def test_backup_script_is_valid(host):
    assert host.run(f"sh -n {APP}/backup.sh").rc == 0


def test_backup_script_is_executable(host):
    assert host.file(f"{APP}/backup.sh").mode & 0o100


def test_backup_is_made_often_enough(host):
    assert host.file(JOBS).contains("^0 3 .*backup.sh")


def test_newest_backup_is_fresh(host):
    assert host.check_output(f"find {BACKUPS} -name '*.tar.gz' -mmin -1560")


def newest(host):
    return host.check_output(f"ls -t {BACKUPS}/*.tar.gz | head -n 1")


def test_newest_backup_can_be_read_to_its_end(host):
    assert host.run("gzip -t %s", newest(host)).rc == 0


def test_newest_backup_holds_the_data(host):
    told = host.check_output("tar -tzf %s", newest(host))
    assert "knowledge.json" in told
    assert "users.json" in told


def test_newest_backup_has_not_shrunk(host):
    new, old = host.check_output(f"ls -t {BACKUPS}/*.tar.gz | head -n 2 | xargs stat -c %s").split()
    assert int(new) > int(old) / 2


def test_newest_database_dump_is_whole(host):
    dump = host.check_output(f"ls -t {BACKUPS}/*.sql | head -n 1")
    assert "dump complete" in host.check_output("tail -n 5 %s", dump)


def test_old_backups_are_removed(host):
    assert host.check_output(f"find {BACKUPS} -name '*.tar.gz' -mtime +32") == ""
