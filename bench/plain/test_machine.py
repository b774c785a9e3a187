"""Sections 1 and 3: the server, secrets, ssh, firewall."""

import re
import time

import pytest
from places import BACKUPS, DATA, ENV, KEYS, LOGS, value

# 1 the server


def test_release_is_one_the_checklist_allows(host):
    assert host.system_info.distribution == "debian"
    assert int(host.system_info.release.split(".")[0]) >= 11


def test_release_gets_security_updates(host):
    assert host.system_info.codename == "bookworm"
    assert int(host.check_output("date +%s")) < 1845244800


def test_security_sources_are_configured(host):
    assert "security" in host.check_output("apt-cache policy")


def test_no_security_update_is_pending(host):
    assert host.check_output("find /var/lib/apt/lists -maxdepth 1 -name '*InRelease' -mtime -7")
    assert "security" not in host.check_output("apt list --upgradable 2>/dev/null")


def test_unattended_upgrades_are_on(host):
    assert host.package("unattended-upgrades").is_installed
    assert 'APT::Periodic::Unattended-Upgrade "1"' in host.check_output("apt-config dump")


def test_unattended_upgrades_are_started(host):
    for name in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert host.service(name).is_running
        assert host.service(name).is_enabled


@pytest.mark.parametrize("by", ["packages", "kernel"])
def test_no_reboot_is_owed(host, by):
    if by == "packages":
        assert not host.file("/run/reboot-required").exists
    else:
        newest = host.check_output("ls /boot | sed -n 's/^vmlinuz-//p' | sort -V | tail -n 1")
        assert newest in ("", host.check_output("uname -r"))


def test_time_zone_is_the_declared_one(host):
    assert host.file("/etc/localtime").linked_to == "/usr/share/zoneinfo/Asia/Tokyo"


def test_clock_is_synchronised(host):
    assert "Leap status     : Normal" in host.check_output("chronyc tracking")


def test_clock_is_right(host):
    assert abs(float(host.check_output("date +%s.%N")) - time.time()) < 2


def test_processors(host):
    assert int(host.check_output("nproc")) >= 2


def test_memory(host):
    assert int(re.search(r"MemTotal:\s+(\d+)", host.file("/proc/meminfo").content_string)[1]) > 3_700_000


def test_disk_has_room(host):
    assert int(host.check_output("df -B1 --output=avail / | tail -n 1")) > 20e9


@pytest.mark.parametrize("place", [DATA, LOGS, BACKUPS])
def test_disk_has_room_for_what_grows(host, place):
    assert int(host.check_output("df -B1 --output=avail %s | tail -n 1", place)) > 1e9


@pytest.mark.parametrize("place", ["/", DATA, LOGS, BACKUPS])
def test_disk_has_inodes(host, place):
    assert int(host.check_output("df --output=iavail %s | tail -n 1", place)) > 10000


@pytest.mark.parametrize("program", ["python3 --version", "nginx -v", "git --version", "certbot --version"])
def test_program_is_there(host, program):
    assert host.run(program).rc == 0


# 3 secrets, ssh, firewall


@pytest.mark.parametrize("name", KEYS)
def test_secret_key_is_long(host, name):
    assert len(value(host, name)) >= 32


@pytest.mark.parametrize("name", KEYS)
def test_secret_key_looks_random(host, name):
    assert len(set(value(host, name))) >= 10


@pytest.mark.parametrize("name", KEYS)
def test_secret_key_is_no_placeholder(host, name):
    assert not re.search(r"(?i)change|secret|example|password", value(host, name))


def test_secret_keys_differ(host):
    found = re.findall(r"(?m)^MKS_(?:JWT_)?SECRET_KEY=(.*)$", host.file(ENV).content_string)
    assert len(set(found)) == 2


def test_ssh_takes_public_keys(host):
    assert "pubkeyauthentication yes" in host.check_output("sshd -T").splitlines()


def test_ssh_lets_nobody_in_without_a_key(host):
    told = host.check_output("sshd -T").splitlines()
    assert {"passwordauthentication no", "kbdinteractiveauthentication no"} <= set(told)


@pytest.mark.parametrize("line", ["permitrootlogin yes", "permitemptypasswords yes"])
def test_ssh_forbids(host, line):
    assert line not in host.check_output("sshd -T").splitlines()


def test_ssh_listens_on_the_declared_port(host):
    assert "port 22" in host.check_output("sshd -T").splitlines()


def test_ssh_runs_the_configuration_on_disk(host):
    assert host.file("/etc/ssh/sshd_config").mtime <= host.file("/run/sshd.pid").mtime


def test_firewall_is_active(host):
    assert "Status: active" in host.check_output("ufw status verbose")


def test_firewall_is_active_after_a_boot(host):
    assert host.service("ufw").is_enabled
    assert host.file("/etc/ufw/ufw.conf").contains("^ENABLED=yes")


@pytest.mark.parametrize("table", ["iptables", "ip6tables"])
def test_what_no_rule_names_is_dropped(host, table):
    assert "deny (incoming)" in host.check_output("ufw status verbose")
    assert "-P INPUT DROP" in host.check_output(f"{table} -S INPUT")


@pytest.mark.parametrize("mark", ["", " (v6)"])
def test_allowed_is_exactly_what_was_promised(host, mark):
    ports = re.findall(rf"(?m)^(\S+){re.escape(mark)} +ALLOW", host.check_output("ufw status"))
    assert set(ports) == {"22/tcp", "80/tcp", "443/tcp"}


@pytest.mark.parametrize(("table", "chain"), [("iptables", "ufw-user-input"), ("ip6tables", "ufw6-user-input")])
def test_packet_filter_lets_in_what_ufw_allows(host, table, chain):
    rules = host.check_output(f"{table} -S {chain}")
    assert set(re.findall(r"--dport (\d+) -j ACCEPT", rules)) == {"22", "80", "443"}


@pytest.mark.parametrize("table", ["iptables", "ip6tables"])
def test_nothing_is_forwarded_past_ufw(host, table):
    assert "-P FORWARD DROP" in host.check_output(f"{table} -S FORWARD")
    assert "DNAT" not in host.check_output(f"{table} -t nat -S")


def test_firewall_manages_ipv6(host):
    assert host.file("/etc/default/ufw").contains("^IPV6=yes")


def test_nothing_else_listens(host):
    ports = re.findall(r"(?:0\.0\.0\.0|\*|\[::\]):(\d+)", host.check_output("ss -ltnH"))
    assert set(ports) <= {"22", "80", "443"}
