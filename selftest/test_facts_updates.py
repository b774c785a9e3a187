"""Parsers of what apt, dpkg and the kernel tell, as Debian 11–13 and Ubuntu 20.04–24.04 print it."""

import datetime
import os
import re
import subprocess

import pytest

from cutover.errors import ProbeError
from cutover.facts import updates
from cutover.facts.reboot import Reboot
from cutover.facts.releases import Support
from cutover.facts.updates import PendingUpdates, Sources, UnattendedUpgrades
from selftest.rows import printed

NOW = 1_790_000_000  # 2026-09-21
HOUR = 3600
DEBIAN = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'
UBUNTU = 'ID=ubuntu\nVERSION_ID="24.04"\nVERSION_CODENAME=noble\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\n'
FOCAL = 'ID=ubuntu\nVERSION_ID="20.04"\nVERSION_CODENAME=focal\nPRETTY_NAME="Ubuntu 20.04.6 LTS"\n'
DEBIAN_SOURCES = """\
http://deb.debian.org/debian-security/|Debian|Debian-Security|oldstable-security|bookworm-security|main
http://deb.debian.org/debian/|Debian|Debian|oldstable-updates|bookworm-updates|main
http://deb.debian.org/debian/|Debian|Debian|oldstable|bookworm|main
"""
UBUNTU_SOURCES = """\
http://archive.ubuntu.com/ubuntu/|Ubuntu|Ubuntu|noble|noble|main
http://archive.ubuntu.com/ubuntu/|Ubuntu|Ubuntu|noble-updates|noble|universe
http://security.ubuntu.com/ubuntu/|Ubuntu|Ubuntu|noble-security|noble|main
"""
FOCAL_SOURCES = UBUNTU_SOURCES.replace("noble", "focal")
ESM = "https://esm.ubuntu.com/infra/ubuntu/|UbuntuESM|UbuntuESM|focal-infra-security|focal|main\n"
ESM_APPS = "https://esm.ubuntu.com/apps/ubuntu/|UbuntuESMApps|UbuntuESMApps|focal-apps-security|focal|main\n"
DEBIAN_CONFIG = """\
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Origins-Pattern:: "origin=Debian,codename=${distro_codename},label=Debian";
Unattended-Upgrade::Origins-Pattern:: "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
end
"""
UBUNTU_CONFIG = """\
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Allowed-Origins:: "${distro_id}:${distro_codename}";
Unattended-Upgrade::Allowed-Origins:: "${distro_id}:${distro_codename}-security";
end
"""
ESM_CONFIG = """\
Unattended-Upgrade::Allowed-Origins:: "${distro_id}ESMApps:${distro_codename}-apps-security";
Unattended-Upgrade::Allowed-Origins:: "${distro_id}ESM:${distro_codename}-infra-security";
end
"""
TIMERS = "package installed\ntimer apt-daily.timer active, enabled\ntimer apt-daily-upgrade.timer active, enabled\n"
LISTS = "deb.debian.org_debian-security_dists_bookworm-security_InRelease"
OTHER_LISTS = "deb.debian.org_debian_dists_bookworm_InRelease"
UBUNTU_LISTS = "security.ubuntu.com_ubuntu_dists_noble-security_InRelease"
FOCAL_LISTS = "security.ubuntu.com_ubuntu_dists_focal-security_InRelease"
ESM_LISTS = "esm.ubuntu.com_infra_ubuntu_dists_focal-infra-security_InRelease"
APPS_LISTS = "esm.ubuntu.com_apps_ubuntu_dists_noble-apps-security_InRelease"
ENDED = 1_748_476_800  # focal's last, 2025-05-29
DAY = 24 * HOUR
HOST = {
    "os-release": DEBIAN,
    "now": f"{NOW}\n",
    "apt-sources": DEBIAN_SOURCES,
    "apt-lists": f"{NOW - 2 * HOUR}.0000000000 {LISTS}\n{NOW - HOUR}.5 {OTHER_LISTS}\n",
    "apt-upgradable": "upgradable 0\n",
    "apt-config": DEBIAN_CONFIG,
    "apt-timers": TIMERS,
}


def host(**changed):
    return printed(HOST | {name.replace("_", "-"): text for name, text in changed.items()})


@pytest.mark.parametrize(
    ("release", "sources", "until"),
    [
        (DEBIAN, DEBIAN_SOURCES, "2028-06-30"),
        (DEBIAN.replace("12", "13"), DEBIAN_SOURCES, "2030-06-30"),
        (DEBIAN.replace("12", "11"), DEBIAN_SOURCES, "2026-08-31"),
        (UBUNTU, UBUNTU_SOURCES, "2029-05-31"),
        (FOCAL, UBUNTU_SOURCES, "2025-05-29"),
        (FOCAL, ESM, "2030-04-23"),
    ],
)
def test_end_of_support(release, sources, until):
    support = Support.read(host(os_release=release, apt_sources=sources))
    assert (support.until.isoformat(), support.today) == (until, datetime.date(2026, 9, 21))


@pytest.mark.parametrize(
    "release", [DEBIAN.replace("12", "14"), UBUNTU.replace("24.04", "28.04"), "ID=alpine\nVERSION_ID=3.20\n"]
)
def test_a_release_that_the_table_does_not_know_could_not_be_looked_at(release):
    with pytest.raises(ProbeError, match="table knows no end of support"):
        Support.read(host(os_release=release))


@pytest.mark.parametrize("told", ["", "yesterday\n", "1.5\n", "-1\n"])
def test_a_host_without_a_date(told):
    with pytest.raises(ProbeError, match="date answered in an unknown form"):
        Support.read(host(now=told))


@pytest.mark.parametrize(
    ("release", "sources", "found"),
    [
        (DEBIAN, DEBIAN_SOURCES, {"http://deb.debian.org/debian-security/"}),
        (UBUNTU, UBUNTU_SOURCES, {"http://security.ubuntu.com/ubuntu/"}),
        # A mirror near the host has the security updates too; ESM for applications has not those of the system.
        (
            UBUNTU,
            UBUNTU_SOURCES.replace("security.ubuntu", "jp.archive.ubuntu"),
            {"http://jp.archive.ubuntu.com/ubuntu/"},
        ),
        (FOCAL, ESM, {"https://esm.ubuntu.com/infra/ubuntu/"}),
        (FOCAL, ESM_APPS, set()),
        # Left behind by an upgrade of the release: another release's archive is of no use.
        (DEBIAN, DEBIAN_SOURCES.replace("bookworm-security", "bullseye-security"), set()),
        (DEBIAN, "http://deb.debian.org/debian/|Debian|Debian|stable|bookworm|main\n", set()),
        (DEBIAN, "\n", set()),
    ],
)
def test_security_sources(release, sources, found):
    assert Sources.read(host(os_release=release, apt_sources=sources)).security == found


@pytest.mark.parametrize("sources", ["http://deb.debian.org/debian|Debian\n", "E: unknown operation\n"])
def test_sources_in_an_unknown_form(sources):
    with pytest.raises(ProbeError, match="indextargets answered in an unknown form"):
        Sources.read(host(apt_sources=sources))


def package(name, *newer, installed="1.0-1"):
    """One package of apt-cache policy; ``newer`` are (version, archive) above the installed one."""
    table = "".join(f"     {version} 500\n        500 {archive} amd64 Packages\n" for version, archive in newer)
    head = f"{name}:\n  Installed: {installed}\n  Candidate: {newer[0][0] if newer else installed}\n  Version table:\n"
    return f"{head}{table} *** {installed} 100\n        100 /var/lib/dpkg/status\n"


SECURITY = "http://security.debian.org/debian-security bookworm-security/main"


@pytest.mark.parametrize(
    ("policy", "pending"),
    [
        ("upgradable 1\n" + package("openssl", ("3.0.17-1", SECURITY)), {"openssl"}),
        ("upgradable 1\n" + package("openssl", ("3.0.17-1", "http://deb.debian.org/debian bookworm/main")), set()),
        (
            "upgradable 2\n"
            + package(
                "openssl:amd64", ("3", "http://a/ubuntu noble-updates/main"), ("2", "http://a/u noble-security/main")
            )
            + package("tzdata", ("2026a", "http://archive.ubuntu.com/ubuntu noble-updates/main")),
            {"openssl:amd64"},
        ),
        (
            "upgradable 1\n"
            + package("libpam", ("2", "https://esm.ubuntu.com/infra/ubuntu focal-infra-security/main")),
            {"libpam"},
        ),
        # The security archive's version is the installed one or older: nothing waits.
        (
            "upgradable 1\n"
            + package("nginx", ("2", "http://a/debian bookworm/main")).replace(
                "100 /var", f"500 {SECURITY} amd64\n        100 /var"
            ),
            set(),
        ),
        # A phased update is no security update, whether or not this host is to have it yet; other fixes by ESM
        # are none either.
        (
            "upgradable 2\n"
            + package("systemd", ("255.4-1ubuntu8.5", "http://archive.ubuntu.com/ubuntu noble-updates/main")).replace(
                "8.5 500\n", "8.5 500 (phased 40%)\n"
            )
            + package("curl", ("7.68.0-1ubuntu2.26", "https://esm.ubuntu.com/infra/ubuntu focal-infra-updates/main")),
            set(),
        ),
        # Of another architecture, and by a mirror.
        (
            "upgradable 1\n"
            + package("libc6:i386", ("2", "http://ap-northeast-1.ec2.archive.ubuntu.com/ubuntu jammy-security/main")),
            {"libc6:i386"},
        ),
        # What redaction makes of a package with such a name.
        ("upgradable 1\n" + package("passwd", ("2", SECURITY)).replace("  Installed:", "  [redacted]"), {"passwd"}),
    ],
)
def test_pending_security_updates(policy, pending):
    assert PendingUpdates.read(host(apt_upgradable=policy), 24).security == pending


INSTALLED = {"openssl": "1", "held": "1", "pinned": "1", "here": "1", "half": "(none)"}
CANDIDATES = {"openssl": "2", "held": "2", "pinned": "1", "here": "1", "half": "2"}


@pytest.mark.parametrize(("lost", "told"), [("", "upgradable 2\n"), ("here", "4 packages of 5")])
def test_upgradable_is_what_has_its_candidate_above_what_is_installed(tmp_path, lost, told):
    policy = ""
    for name, installed in INSTALLED.items():
        rows = "".join(f" {'***' if one == installed else '   '} {one} 500\n        500 {SECURITY}\n" for one in "210")
        policy += f"{name}:\n  Installed: {installed}\n  Candidate: {CANDIDATES[name]}\n  Version table:\n{rows}"
    blocks = {block.partition(":")[0]: block for block in re.split(r"(?m)^(?=\w)", policy) if block}
    states = "".join(f"installed {name}\\n" for name in INSTALLED)
    programs = {
        "id": "echo 1000",
        "dpkg-query": f"printf 'config-files gone\\n{states}'",
        "apt-cache": f'[ "$*" = "policy {" ".join(INSTALLED)}" ] || exit 100\ncat {tmp_path}/policy',
    }
    (tmp_path / "policy").write_text("".join(block for name, block in blocks.items() if name != lost))
    for name, line in programs.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    line = updates.COMMANDS["apt-upgradable"].line
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LC_ALL": "C"}
    done = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, timeout=30)
    if lost:
        assert (done.returncode, done.stdout) == (1, "")
        assert told in done.stderr
    else:
        assert done.stdout == told + blocks["openssl"] + blocks["held"]
        assert PendingUpdates.read(host(apt_upgradable=done.stdout), 24).security == {"openssl", "held"}


@pytest.mark.parametrize(
    "policy",
    ["", "upgradable\n", "upgradable 2\n" + package("a", ("2", SECURITY)), "upgradable 1\nopenssl:\n  Installed: 1\n"],
)
def test_pending_updates_in_an_unknown_form(policy):
    with pytest.raises(ProbeError, match="apt answered in an unknown form"):
        PendingUpdates.read(host(apt_upgradable=policy), 24)


@pytest.mark.parametrize(
    ("lists", "cause"),
    [
        ("", "no package lists of a security source"),
        (f"{NOW} deb.debian.org_debian_dists_bookworm_InRelease\n", "no package lists of a security source"),
        (f"{NOW} update-success-stamp\n", "no package lists of a security source"),
        (f"{NOW - 25 * HOUR} {LISTS}\n", "are 25 hours old"),
        # Another archive answers, the security archive has not for 9 days.
        (f"{NOW} update-success-stamp\n{NOW - 9 * 24 * HOUR} {LISTS}\n", "are 9 days, the security source's, old"),
        ("long ago InRelease\n", "find answered in an unknown form"),
    ],
)
def test_package_lists_that_do_not_tell(lists, cause):
    with pytest.raises(ProbeError, match=cause):
        PendingUpdates.read(host(apt_lists=lists), 24)


STAMP = f"{NOW - HOUR} update-success-stamp\n"


@pytest.mark.parametrize(
    ("release", "lists"),
    [
        (UBUNTU, f"{NOW - 50 * HOUR} {UBUNTU_LISTS}\n"),
        # Over the turn of the year Ubuntu publishes nothing for two weeks.
        (UBUNTU, f"{NOW - 17 * DAY} {UBUNTU_LISTS}\n"),
        # After the end of a release nothing comes any more, but for subscribers.
        (FOCAL, f"{ENDED - DAY} {FOCAL_LISTS}\n"),
        (FOCAL, f"{ENDED - 40 * DAY} {FOCAL_LISTS}\n{NOW - 2 * DAY} {ESM_LISTS}\n"),
    ],
)
def test_a_quiet_archive_is_no_old_list(release, lists):
    assert PendingUpdates.read(host(os_release=release, apt_lists=STAMP + lists), 24).lists_hours == 1


@pytest.mark.parametrize(
    ("release", "lists"),
    [
        (UBUNTU, f"{NOW - 22 * DAY} {UBUNTU_LISTS}\n"),
        # The security archive does not answer; that of subscribers does, and has other updates.
        (UBUNTU, f"{NOW - 22 * DAY} {UBUNTU_LISTS}\n{NOW} {APPS_LISTS}\n"),
        (UBUNTU, f"{NOW - 22 * DAY} {UBUNTU_LISTS}\n{NOW} {ESM_LISTS.replace('focal', 'noble')}\n"),
        # A subscription that has run out; lists from before the end.
        (FOCAL, f"{ENDED - DAY} {FOCAL_LISTS}\n{NOW - 22 * DAY} {ESM_LISTS}\n"),
        (FOCAL, f"{ENDED - 22 * DAY} {FOCAL_LISTS}\n"),
        (DEBIAN, f"{NOW - 9 * DAY} {LISTS}\n"),
    ],
)
def test_an_archive_that_does_not_answer(release, lists):
    with pytest.raises(ProbeError, match="days, the security source's, old"):
        PendingUpdates.read(host(os_release=release, apt_lists=STAMP + lists), 24)


@pytest.mark.parametrize(
    ("release", "sources", "config", "uncovered"),
    [
        (DEBIAN, DEBIAN_SOURCES, DEBIAN_CONFIG, set()),
        (UBUNTU, UBUNTU_SOURCES, UBUNTU_CONFIG, set()),
        (
            DEBIAN,
            DEBIAN_SOURCES,
            DEBIAN_CONFIG.replace("${distro_codename}-security", "bullseye-security"),
            {"bookworm-security"},
        ),
        (
            UBUNTU,
            UBUNTU_SOURCES,
            UBUNTU_CONFIG.replace("${distro_codename}-security", "noble-proposed"),
            {"noble-security"},
        ),
        (FOCAL, FOCAL_SOURCES + ESM + ESM_APPS, UBUNTU_CONFIG, {"focal-infra-security", "focal-apps-security"}),
        (FOCAL, FOCAL_SOURCES + ESM + ESM_APPS, UBUNTU_CONFIG.replace("end\n", ESM_CONFIG), set()),
        (UBUNTU, ESM, UBUNTU_CONFIG, {"noble-security"}),
        (DEBIAN, DEBIAN_SOURCES, 'Unattended-Upgrade::Origins-Pattern:: "origin=*";\nend\n', set()),
        (DEBIAN, DEBIAN_SOURCES, 'Unattended-Upgrade::Origins-Pattern:: "o=Debian,a=*-security";\nend\n', set()),
        (DEBIAN, DEBIAN_SOURCES, 'Unattended-Upgrade::Origins-Pattern:: "site=deb.debian.org";\nend\n', set()),
        (DEBIAN, DEBIAN_SOURCES, "end\n", {"bookworm-security"}),
    ],
)
def test_unattended_upgrades_cover_security(release, sources, config, uncovered):
    told = host(os_release=release, apt_sources=sources, apt_config=config)
    assert UnattendedUpgrades.read(told).uncovered == uncovered


def test_unattended_upgrades():
    on = UnattendedUpgrades.read(host())
    assert on.installed
    assert on.switches == {"Enable": "1", "Update-Package-Lists": "1", "Unattended-Upgrade": "1"}
    assert on.timers == dict.fromkeys(("apt-daily.timer", "apt-daily-upgrade.timer"), "active, enabled")
    off = UnattendedUpgrades.read(host(apt_timers="package \n", apt_config='APT::Periodic::Enable "0";\nend\n'))
    assert (off.installed, off.timers) == (False, {})
    assert off.switches == {"Enable": "0", "Update-Package-Lists": "0", "Unattended-Upgrade": "0"}


@pytest.mark.parametrize("broken", [{"apt_config": ""}, {"apt_config": "APT"}, {"apt_timers": ""}])
def test_unattended_upgrades_in_an_unknown_form(broken):
    with pytest.raises(ProbeError, match="answered in an unknown form"):
        UnattendedUpgrades.read(host(**broken))


def booted(text):
    return Reboot.read(printed({"reboot": text}))


NOBLE = "running 6.8.0-45-generic\nbuild #45-Ubuntu SMP\n"
BOOKWORM = "running 6.1.0-18-amd64\nbuild #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01)\n"
TRIXIE = "running 6.12.43+deb13-amd64\nbuild #1 SMP Debian 6.12.43-1 (2025-08-27)\n"


def kernel(release, version, state="installed"):
    return f"kernel {state} linux-image-{release} {version}\n"


@pytest.mark.parametrize(
    ("text", "newer"),
    [
        (NOBLE + kernel("6.8.0-45-generic", "6.8.0-45.45"), set()),
        (NOBLE + kernel("6.8.0-101-generic", "6.8.0-101.101"), {"6.8.0-101-generic"}),
        (NOBLE + kernel("6.8.0-101-generic", "6.8.0-101.101", "config-files"), set()),
        (BOOKWORM + kernel("6.1.0-18-amd64", "6.1.76-1"), set()),
        (BOOKWORM + kernel("6.1.0-18-amd64", "6.1.82-1"), {"6.1.0-18-amd64 (6.1.82-1)"}),
        (BOOKWORM + kernel("6.1.0-9-amd64", "6.1.27-1") + kernel("6.1.0-18-amd64", "6.1.76-1"), set()),
        (TRIXIE + kernel("6.12.43+deb13-amd64", "6.12.43-1"), set()),
        (TRIXIE + kernel("6.12.57+deb13-amd64", "6.12.57-1"), {"6.12.57+deb13-amd64"}),
        # A container, or a kernel of the provider's own.
        ("running 6.18.44-fc-v657\nbuild #1 SMP PREEMPT_DYNAMIC @0\n", set()),
        ("running 6.18.44-custom\nbuild #1 SMP\n" + kernel("6.1.0-18-amd64", "6.1.82-1"), set()),
    ],
)
def test_newer_kernels(text, newer):
    assert booted(text).newer_kernels == newer


def test_packages_that_ask_for_a_boot():
    running = "running 6.1.0-18-amd64\nbuild #1 SMP\n"
    assert booted(running).asked_for is None
    assert booted(f"required libc6 linux-base \n{running}").asked_for == "libc6 linux-base"
    assert booted(f"required \n{running}").asked_for == "unknown"


@pytest.mark.parametrize("text", ["", "running \nbuild #1\n", "running 6.1.0\n", "running unknown\nbuild #1\n"])
def test_a_kernel_that_does_not_tell(text):
    with pytest.raises(ProbeError, match="uname answered in an unknown form"):
        booted(text)
