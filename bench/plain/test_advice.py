"""Advice beyond the checklist; that on the kernel is not judged in a container, so it has no counterpart here."""

from places import LOGS, SERVICE


def test_memory_of_the_application_stays_out_of_files(host):
    pid = host.service(SERVICE).systemd_properties["MainPID"]
    assert "Max core file size        0" in host.file(f"/proc/{pid}/limits").content_string


def test_failed_logins_lead_to_a_ban(host):
    assert host.service("fail2ban").is_running
    assert "sshd" in host.check_output("fail2ban-client status")


def test_no_unit_has_failed(host):
    assert host.check_output("systemctl --failed --plain --no-legend") == ""


def test_services_run_what_is_installed(host):
    assert host.run("grep -l ' /usr/.*(deleted)$' /proc/[0-9]*/maps").stdout == ""


def test_no_secret_is_readable_by_everybody(host):
    assert host.check_output(f"find /etc /home /var/www {LOGS} -name '*.key' -perm -004 -type f") == ""


def test_unit_is_shut_in(host):
    told = host.check_output(f"systemd-analyze security --no-pager {SERVICE} | tail -n 1")
    assert float(told.split(":")[1].split()[0]) < 7.5
