"""The checks of updates, clock, disks, programs and listeners, with facts that keep the promise and that break it."""

from dataclasses import replace
from datetime import date

import pytest

from cutover.facts.clock import Clock, TimeZone
from cutover.facts.listeners import Listener, Listeners
from cutover.facts.reboot import Reboot
from cutover.facts.releases import Support
from cutover.facts.software import Software
from cutover.facts.storage import FileSystem, Storage
from cutover.facts.updates import PendingUpdates, Sources, UnattendedUpgrades
from cutover.inventory import Metrics, Ports, Server, Target
from cutover.policies import GB
from selftest.rows import HOST, TARGET, fails, judge, passes
from tests_server import test_clock as clock
from tests_server import test_listeners as listeners
from tests_server import test_software as software
from tests_server import test_storage as storage
from tests_server import test_updates as updates

TODAY = date(2026, 9, 21)
TOKYO = Target(host=HOST, server=Server(way_in="local://"))


def of_releases():
    check = updates.test_release_gets_security_updates
    for case, until in (("last-day", TODAY), ("years-left", date(2030, 1, 1))):
        yield passes(case, check, support=Support("Debian 12", until, TODAY, ()))
    ended = Support("Debian 11", date(2026, 9, 20), TODAY, ())
    yield fails("day-after", check, "supported on 2026-09-21", "Debian 11: until 2026-09-20", support=ended)
    check = updates.test_security_sources_are_configured
    yield passes("there", check, sources=Sources(frozenset({"http://security.debian.org/"}), ()))
    yield fails("none", check, "configured", "not configured", sources=Sources(frozenset(), ()))


def of_updates():
    pending = updates.test_no_security_update_is_pending
    yield passes("none", pending, pending_updates=PendingUpdates(frozenset(), 1.0, ()))
    two = PendingUpdates(frozenset({"openssl", "libssl3"}), 1.0, ())
    yield fails("two", pending, "none", "libssl3, openssl", pending_updates=two)

    on, started = updates.test_unattended_upgrades_are_on, updates.test_unattended_upgrades_are_started
    good = UnattendedUpgrades(
        installed=True,
        switches={"Enable": "1", "Update-Package-Lists": "1", "Unattended-Upgrade": "1"},
        timers=dict.fromkeys(("apt-daily.timer", "apt-daily-upgrade.timer"), "active, enabled"),
        uncovered=frozenset(),
        evidence=(),
    )
    for value in ("1", "always", "12h"):
        switches = good.switches | {"Unattended-Upgrade": value}
        yield passes(value, on, unattended_upgrades=replace(good, switches=switches))
    off = replace(good, switches=good.switches | {"Unattended-Upgrade": "0"})
    yield fails("off", on, "switched off: none", "switched off: Unattended-Upgrade", unattended_upgrades=off)
    gone = replace(good, installed=False)
    yield fails("removed", on, "installed: yes", "installed: no", unattended_upgrades=gone)
    other = replace(good, uncovered=frozenset({"focal-infra-security"}))
    told = "origins lack: focal-infra-security"
    yield fails("other-origins", on, "origins lack: none", told, unattended_upgrades=other)
    yield passes("both-timers", started, unattended_upgrades=good)
    yield passes("cron", started, unattended_upgrades=replace(good, timers={}))
    for state in ("inactive, disabled", "inactive, masked", "active, disabled", "inactive, enabled"):
        quiet = replace(good, timers=good.timers | {"apt-daily-upgrade.timer": state})
        promised, seen = (f"apt-daily-upgrade.timer: {word}" for word in ("active, enabled", state))
        yield fails(state.replace(", ", "-"), started, promised, seen, unattended_upgrades=quiet)


def of_reboots():
    check, none = updates.test_no_reboot_is_owed, Reboot(None, "6.1.0-18-amd64", frozenset(), ())
    newer = replace(none, newer_kernels=frozenset({"6.1.0-30-amd64"}))
    asked = replace(none, asked_for="libc6")
    yield passes("nobody-asks", check, reboot=newer, owed="by the packages")
    yield fails("libc6", check, "nothing", "libc6", reboot=asked, owed="by the packages")
    yield passes("same-kernel", check, reboot=asked, owed="by the kernel")
    yield fails("newer-kernel", check, "none", "6.1.0-30-amd64", reboot=newer, owed="by the kernel")


def of_clock():
    zone = clock.test_time_zone_is_the_declared_one
    yield passes("tokyo", zone, time_zone=TimeZone("Asia/Tokyo", "JST +0900", True, ()), target=TOKYO)
    yield passes("japan", zone, time_zone=TimeZone("Japan", "JST +0900", True, ()), target=TOKYO)
    utc = TimeZone("Etc/UTC", "UTC +0000", False, ())
    yield fails("utc", zone, "Asia/Tokyo", "Etc/UTC (UTC +0000)", time_zone=utc, target=TOKYO)

    kept, right = clock.test_clock_is_synchronised, clock.test_clock_is_right
    good = Clock({"chrony": True}, ahead_seconds=0.1, uncertain_seconds=0.2, evidence=())
    yield passes("chrony", kept, clock=good)
    alone = replace(good, synchronised={"kernel": False})
    yield fails("nobody", kept, "kernel: yes", "kernel: no", clock=alone)
    for ahead in (0.1, 2.2, -2.2):
        yield passes(f"{ahead:+}", right, clock=replace(good, ahead_seconds=ahead), target=TARGET)
    promised = "at most 2 s from the operator's clock"
    for ahead in (2.25, -2.25, 60.0):
        told = f"{ahead:+.2f} s, give or take 0.20 s"
        yield fails(f"{ahead:+}", right, promised, told, clock=replace(good, ahead_seconds=ahead), target=TARGET)


def of_storage():
    room, inodes = storage.test_disk_has_room_for_what_grows, storage.test_disk_has_inodes
    enough, small = FileSystem("/", 20 * GB, 0.1), FileSystem("/mnt", 20 * GB - 1, 0.04)
    places = Storage({"/": enough, "data": enough, "logs": replace(enough, free_inodes=None), "backups": small}, ())
    promised = "at least 20 GB free for tier small"
    yield passes("exactly", room, storage=places, target=TARGET, place="data")
    told = "20.0 GB free on /mnt"
    yield fails("one-byte-less", room, promised, told, storage=places, target=TARGET, place="backups")
    missing = Storage({"data": None}, ())
    yield fails("missing", room, promised, "no such directory", storage=missing, target=TARGET, place="data")
    yield passes("exactly", inodes, storage=places, place="/")
    yield passes("as-needed", inodes, storage=places, place="logs")
    promised = "at least 10% of the inodes free"
    yield fails("few", inodes, promised, "4% free on /mnt", storage=places, place="backups")
    used_up = Storage({"/": replace(enough, free_inodes=0.0)}, ())
    yield fails("none", inodes, promised, "0% free on /", storage=used_up, place="/")
    yield fails("missing", inodes, promised, "no such directory", storage=missing, place="data")


def of_software():
    check = software.test_program_is_there
    good = {"python": (3, 9), "nginx": (1, 18, 0), "git": (2, 25), "certbot": (0, 40)}
    for program in good:
        yield passes(program, check, software=Software(good, ()), program=program)
    old = Software({"python": (3, 8, 10), "nginx": (1, 14, 2)}, ())
    yield fails("python-3.8", check, "3.9 or later", "3.8.10", software=old, program="python")
    yield fails("nginx-1.14", check, "1.18 or later", "1.14.2", software=old, program="nginx")
    for program in ("git", "certbot"):
        yield fails(f"no-{program}", check, "any version", "not installed", software=old, program=program)


def of_listeners():
    check = listeners.test_nothing_else_listens
    ours = [Listener(port, "0.0.0.0", "") for port in ("22/tcp", "80/tcp", "443/tcp")]  # noqa: S104
    clients = [Listener("68/udp", "192.0.2.7%eth0", "dhclient"), Listener("123/udp", "*", "ntpd")]
    base = frozenset({*ours, *clients})
    told = "nothing but 22/tcp, 443/tcp, 80/tcp"
    yield passes("promised", check, listeners=Listeners(base, ()), target=TARGET)
    for more in (Listener("8000/tcp", "*", "gunicorn"), Listener("5353/udp", "[::]", "")):
        found = f"{more.port} on {more.address}" + (f" ({more.program})" if more.program else "")
        yield fails(more.port, check, told, found, listeners=Listeners(base | {more}, ()), target=TARGET)
    tunnel = Listeners(base | {Listener("51820/udp", "*", "")}, ())
    rules = Target(host=HOST, ports=Ports(firewall=("22/tcp", "80/tcp", "443/tcp", "51820/udp")))
    yield passes("declared", check, listeners=tunnel, target=rules)
    metrics = Listeners(base | {Listener("9100/tcp", "*", "")}, ())
    yield passes("metrics", check, listeners=metrics, target=Target(host=HOST, metrics=Metrics()))


ROWS = [
    *of_releases(),
    *of_updates(),
    *of_reboots(),
    *of_clock(),
    *of_storage(),
    *of_software(),
    *of_listeners(),
]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure
