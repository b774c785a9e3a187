"""The deployment on each Ubuntu release that the checklist allows, healthy and not: every check of the server."""

import re
from pathlib import Path

import pytest

from cutover.plugin import VERIFICATION
from cutover.probes import server, survey
from selftest.ubuntu_facts import outputs_of

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[1]
ALL = ("tests_server", "tests_security", "tests_perf")
# What Ubuntu's own ways can change.
OF_THE_SYSTEM = (
    *(f"tests_server/test_{name}.py" for name in ("clock", "listeners", "monitors", "renewal", "software", "storage")),
    *(f"tests_server/test_{name}.py" for name in ("system", "updates", "virtualenv")),
    "tests_security/test_ssh.py",
)
TARGET = """
[[target]]
host = "api.example.test"
name = "{name}"
addresses = ["127.0.0.1"]
database = {{}}
metrics = {{}}

[target.server]
way_in = "local://"
remote = "/srv/git/mirai-knowledge-systems.git"
cors_origins = ["https://example.test"]
"""
# What nothing is declared for, on no host, and what the recorded one, a container, has no kernel of its own for.
NOT_REVIEWED = {
    "checkout_is_at_the_declared_commit",
    "rehearsed_renewal_succeeds",
    "kernel_believes_no_strangers_routes",
    "kernel_keeps_users_apart",
    "programs_are_confined_by_the_kernel",
}


def put(old, new):
    """Replace what must be there."""

    def change(text):
        assert old in text, f"{old!r} is not in it"
        return text.replace(old, new)

    return change


def instead(text):
    """Another text altogether."""
    return lambda _: text


# Ubuntu Pro: its sources, and their lists beside those that have had nothing new since the end of support.
PRO_SOURCES = """\
https://esm.ubuntu.com/apps/ubuntu/|UbuntuESMApps|UbuntuESMApps|focal-apps-security|focal|main
https://esm.ubuntu.com/apps/ubuntu/|UbuntuESMApps|UbuntuESMApps|focal-apps-updates|focal|main
https://esm.ubuntu.com/infra/ubuntu/|UbuntuESM|UbuntuESM|focal-infra-security|focal|main
https://esm.ubuntu.com/infra/ubuntu/|UbuntuESM|UbuntuESM|focal-infra-updates|focal|main
"""
PRO_LISTS = """\
@-200000@.0000000000 esm.ubuntu.com_apps_ubuntu_dists_focal-apps-security_InRelease
@-100000@.0000000000 esm.ubuntu.com_infra_ubuntu_dists_focal-infra-security_InRelease
"""
PRO = {"apt-sources": lambda text: text + PRO_SOURCES, "apt-lists": lambda text: text + PRO_LISTS}
PRO_PENDING = """\
upgradable 1
libssl1.1:
  Installed: 1.1.1f-1ubuntu2.24
  Candidate: 1.1.1f-1ubuntu2.24+esm1
  Version table:
     1.1.1f-1ubuntu2.24+esm1 510
        510 https://esm.ubuntu.com/infra/ubuntu focal-infra-security/main amd64 Packages
 *** 1.1.1f-1ubuntu2.24 500
        500 http://security.ubuntu.com/ubuntu focal-security/main amd64 Packages
        100 /var/lib/dpkg/status
"""
PRO_ORIGINS = put('Unattended-Upgrade::Allowed-Origins:: "${distro_id}ESM:${distro_codename}-infra-security";\n', "")
PENDING = """\
upgradable 1
libssl3t64:
  Installed: 3.0.13-0ubuntu3.5
  Candidate: 3.0.13-0ubuntu3.6
  Version table:
     3.0.13-0ubuntu3.6 500
        500 http://archive.ubuntu.com/ubuntu noble-updates/main amd64 Packages
        500 http://security.ubuntu.com/ubuntu noble-security/main amd64 Packages
 *** 3.0.13-0ubuntu3.5 100
        100 /var/lib/dpkg/status
"""
NEW_KERNEL = (
    "required linux-base linux-image-6.8.0-1041-aws \n{}"
    "kernel installed linux-image-6.8.0-1041-aws 6.8.0-1041.43~22.04.1\n"
)


def snap_alone(text):
    """certbot is nowhere but in /snap/bin, and the jobs' file sets no PATH."""
    text = put("file 755 /usr/bin/certbot\nfile 755 /bin/certbot\n", "")(text)
    return put("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nMAILTO", "MAILTO")(text)


FAILED = "failed"
# By name: the release, what the host answers otherwise, and which checks do not pass there.
HEALTHY = {
    # Its support has ended, and nobody has subscribed.
    "20.04": ("20.04", {}, {"release_gets_security_updates": FAILED}),
    "20.04-pro": ("20.04", PRO, {}),
    "22.04": ("22.04", {}, {}),
    "24.04": ("24.04", {}, {}),
}
VARIANTS = {
    "20.04-pro-pending": (
        "20.04",
        PRO | {"apt-upgradable": instead(PRO_PENDING)},
        {"no_security_update_is_pending": FAILED},
    ),
    "20.04-pro-not-unattended": ("20.04", PRO | {"apt-config": PRO_ORIGINS}, {"unattended_upgrades_are_on": FAILED}),
    # apt gets 401 from esm.ubuntu.com, and keeps the lists it has.
    "20.04-pro-ended": (
        "20.04",
        PRO | {"apt-lists": lambda text: text + PRO_LISTS.replace("@-100000@", "@-4000000@")},
        {"no_security_update_is_pending": "error"},
    ),
    "20.04-old-python": (
        "20.04",
        {"venv": put("3.9.5", "3.8.10"), "software": put("python Python 3.9.5\n", "")},
        {
            "release_gets_security_updates": FAILED,
            "program_is_there": FAILED,
            "virtualenv_has_a_python_that_runs": FAILED,
        },
    ),
    "22.04-snap-alone": ("22.04", {"cron-jobs": snap_alone, "certbot": instead("/snap/bin/certbot\n")}, {}),
    "22.04-snap-timer-off": (
        "22.04",
        {
            "renewal-timers": put(
                "ActiveState=active\nUnitFileState=enabled", "ActiveState=inactive\nUnitFileState=disabled"
            )
        },
        {"renewal_runs_by_itself": FAILED},
    ),
    "22.04-snaps-told-of": (
        "22.04",
        {"cron-jobs": put(" -x squashfs", "")},
        {"disk_alert_tells_full_from_empty": FAILED},
    ),
    "22.04-not-booted": ("22.04", {"reboot": NEW_KERNEL.format}, {"no_reboot_is_owed": FAILED}),
    # The turn of the year.
    "22.04-quiet": ("22.04", {"apt-lists": lambda text: re.sub(r"\d+(\S+ security)", r"@-1468800@\1", text)}, {}),
    "24.04-mirror": (
        "24.04",
        {
            "apt-sources": put("security.ubuntu.com", "jp.archive.ubuntu.com"),
            "apt-lists": put("security.ubuntu.com", "jp.archive.ubuntu.com"),
        },
        {},
    ),
    "24.04-no-security-source": (
        "24.04",
        {
            "apt-sources": lambda text: re.sub(r"(?m)^.*noble-security.*\n", "", text),
            "apt-lists": lambda text: re.sub(r"(?m)^.*noble-security.*\n", "", text),
        },
        {
            "security_sources_are_configured": FAILED,
            "no_security_update_is_pending": "error",
            "unattended_upgrades_are_on": FAILED,
        },
    ),
    "24.04-pending": ("24.04", {"apt-upgradable": instead(PENDING)}, {"no_security_update_is_pending": FAILED}),
    "24.04-unsynchronised": ("24.04", {"time-sync": put("yes", "no")}, {"clock_is_synchronised": FAILED}),
    "24.04-utc": (
        "24.04",
        {"time-zone": instead("is UTC +0000\nleads /usr/share/zoneinfo/Etc/UTC\nsame no\n")},
        {"time_zone_is_the_declared_one": FAILED},
    ),
    # Entered by another way than ssh, before the first connection.
    "24.04-no-sshd-yet": (
        "24.04",
        {
            "sshd-run": lambda text: re.sub(r"loaded .*\n", "", text).replace(
                "service ActiveState=", "service ActiveState=in"
            )
        },
        {},
    ),
    "24.04-other-port": (
        "24.04",
        {"sshd-run": put(":22 ", ":2222 "), "listeners": put(":22 ", ":2222 ")},
        {"ssh_listens_on_the_declared_port": FAILED, "nothing_else_listens": FAILED},
    ),
    # cloud-init's file comes first in the alphabet.
    "24.04-passwords": (
        "24.04",
        {
            "sshd": put("passwordauthentication no", "passwordauthentication yes"),
            "sshd-files": put("10-keys-only", "60-keys-only"),
        },
        {"ssh_lets_nobody_in_without_a_key": FAILED},
    ),
}


class OfTheServer:
    """Leaves out what looks from outside, and what looks again after that."""

    def pytest_collection_modifyitems(self, items):
        asked = [set(item.fixturenames) for item in items]
        items[:] = [item for item, names in zip(items, asked, strict=True) if "server" in names and "peer" not in names]


@pytest.mark.parametrize(
    ("hosts", "checks", "at_least"),
    [(HEALTHY, ALL, 150), (VARIANTS, OF_THE_SYSTEM, 40)],
    ids=["healthy", "variants"],
)
def test_verdicts(pytester, monkeypatch, hosts, checks, at_least):
    inventory = pytester.path / "hosts.toml"
    inventory.write_text("".join(TARGET.format(name=name) for name in hosts))
    outputs = {name: outputs_of(release, changes) for name, (release, changes, _) in hosts.items()}
    probe = survey.PROBES["server"]._replace(run=lambda target, _: outputs[target.label])
    monkeypatch.setitem(survey.PROBES, "server", probe)
    # Where nothing comes between the two looks at a server, they are one.
    monkeypatch.setattr(server, "look_once", lambda target: outputs[target.label])
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    options = ["-p", "cutover.plugin", "--import-mode=importlib", f"--inventory={inventory}"]
    ran = pytester.inline_run(
        *options, f"--rootdir={pytester.path}", *(ROOT / check for check in checks), plugins=[OfTheServer()]
    )
    (finish,) = ran.getcalls("pytest_sessionfinish")
    verdicts = finish.session.config.stash[VERIFICATION]._run.verdicts

    found = {name: {} for name in hosts}
    for verdict in verdicts:
        check = verdict.check.removeprefix("test_").partition("[")[0]
        if verdict.word != "passed" and check not in NOT_REVIEWED:
            found[verdict.target][check] = verdict.word
    assert found == {name: not_passed for name, (_, _, not_passed) in hosts.items()}
    assert len(verdicts) >= at_least * len(hosts)
