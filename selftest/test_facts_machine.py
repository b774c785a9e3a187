"""Parsers of clock, programs, file systems and sockets, on what Debian 11–13 and Ubuntu 20.04–24.04 print."""

import pytest

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.clock import Clock, TimeZone
from cutover.facts.evidence import Output, Outputs
from cutover.facts.listeners import Listener, Listeners
from cutover.facts.software import Software
from cutover.facts.storage import FileSystem, Storage
from selftest.rows import AT, HOST, printed

ZONE = "is JST +0900\nleads /usr/share/zoneinfo/Asia/Tokyo\nsame yes\n"


@pytest.mark.parametrize(
    ("text", "name", "told", "same"),
    [
        (ZONE, "Asia/Tokyo", "JST +0900", True),
        (ZONE.replace("Asia/Tokyo", "Japan"), "Japan", "JST +0900", True),
        ("is JST +0900\nleads /etc/localtime\nsame yes\n", "/etc/localtime", "JST +0900", True),
        ("is UTC +0000\nleads /usr/share/zoneinfo/Etc/UTC\nsame no\n", "Etc/UTC", "UTC +0000", False),
        ("is UTC +0000\nleads \nsame no\n", "no /etc/localtime", "UTC +0000", False),
    ],
)
def test_time_zone(text, name, told, same):
    zone = TimeZone.read(printed({"time-zone": text}))
    assert (zone.name, zone.told, zone.as_declared) == (name, told, same)


@pytest.mark.parametrize("text", ["", "is UTC +0000\n", ZONE.replace("same yes", "same"), ZONE + "same no\n"])
def test_time_zone_in_an_unknown_form(text):
    with pytest.raises(ProbeError, match="unknown form"):
        TimeZone.read(printed({"time-zone": text}))


CHRONY = (
    "1790000000,C0248F82,192.36.143.130,2,1789999900.1,-0.000006,0.0001,0.0001,-3.2,0.0,0.1,0.02,0.001,1042.2,Normal"
)
NTP = "associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync, version=4.2.8p15, "


def clock(sync="kernel yes\n", began=100.2, seconds=1.0, sent=100.0, answered=101.4, limit=2.0):
    """A visit of 1.4 s, of which the host knows 1 s."""
    visited = {"time-sync": Output("time-sync", 0, sync, "", seconds, began=began)}
    return Clock.read(Outputs(AT, HOST, visited, sent=sent, answered=answered), limit)


@pytest.mark.parametrize(
    ("text", "synchronised"),
    [
        ("kernel yes\n", {"kernel": True}),
        ("kernel no\n", {"kernel": False}),
        (f"chrony {CHRONY}\nkernel no\n", {"chrony": True}),
        (f"chrony {CHRONY.replace('Normal', 'Insert second')}\n", {"chrony": True}),
        (f"chrony {CHRONY.replace('Normal', 'Not synchronised')}\nkernel yes\n", {"chrony": False}),
        (f"chrony {CHRONY.replace('1789999900', '1789900000')}\nkernel yes\n", {"chrony": False}),
        (f"ntp {NTP}\nkernel no\n", {"ntp": True}),
        (f"ntp {NTP.replace('leap_none', 'leap_alarm')}\nkernel no\n", {"ntp": False}),
        ("ntp leap=00\n", {"ntp": True}),
        ("ntp leap=11\n", {"ntp": False}),
        ("ntp ntpq: read: Connection refused \nkernel yes\n", {"kernel": True}),
    ],
)
def test_who_keeps_the_clock(text, synchronised):
    assert clock(text).synchronised == synchronised


@pytest.mark.parametrize(
    "text", ["", "kernel \n", "kernel maybe\n", "chrony 506 Cannot talk to daemon\n", "chrony a,b\n"]
)
def test_nobody_tells_of_the_clock(text):
    with pytest.raises(ProbeError):
        clock(text)


@pytest.mark.parametrize(("ahead", "told"), [(0, 0.0), (60, 60.0), (-5, -5.0)])
def test_how_far_the_clock_is(ahead, told):
    facts = clock(began=100.2 + ahead)
    assert facts.ahead_seconds == pytest.approx(told)
    assert facts.uncertain_seconds == pytest.approx(0.2)


def test_a_long_way_hides_a_wrong_clock():
    with pytest.raises(ProbeError, match=r"the way there took 5\.4 s"):
        clock(answered=106.4)


@pytest.mark.parametrize("unknown", [{"sent": 0.0}, {"began": 0.0}])
def test_a_visit_without_its_times(unknown):
    with pytest.raises(ProbeError, match="does not tell when it was"):
        clock(**unknown)


DEBIAN = "python Python 3.11.2\nnginx nginx version: nginx/1.22.1\ngit git version 2.39.5\ncertbot certbot 2.1.0\n"
FOCAL = """\
python Python 3.8.10
python Python 3.9.5
nginx nginx version: nginx/1.18.0 (Ubuntu)
git git version 2.25.1
certbot certbot 2.11.0
"""


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        (DEBIAN, {"python": (3, 11, 2), "nginx": (1, 22, 1), "git": (2, 39, 5), "certbot": (2, 1, 0)}),
        (FOCAL, {"python": (3, 9, 5), "nginx": (1, 18, 0), "git": (2, 25, 1), "certbot": (2, 11, 0)}),
        ("nginx nginx version: openresty/1.21.4.1\n", {"nginx": (1, 21, 4, 1)}),
        ("certbot snap 5.2.2\n", {"certbot": (5, 2, 2)}),
        ("", {}),
    ],
)
def test_software(text, versions):
    assert Software.read(printed({"software": text})).versions == versions


@pytest.mark.parametrize(
    "text", ["certbot \n", "certbot snap \n", "certbot ModuleNotFoundError: No module named 'OpenSSL'\n", "git 2\n"]
)
def test_a_program_that_does_not_run(text):
    with pytest.raises(ProbeError, match="does not tell its version"):
        Software.read(printed({"software": text}))


DATA, LOGS, BACKUPS = "/var/lib/mirai/data", "/var/log/mirai", "/var/backups/mirai"
END = f"end {DATA} {LOGS} {BACKUPS}\n"
DF = f"""\
File                        Avail   Inodes    IFree Mounted on
/                     82870591488 16777216 16272261 /
{DATA}   82870591488 16777216 16272261 /
{LOGS}          1000000        -        - /var/log
{BACKUPS}      5000000    1000      10 /mnt/back up
"""


def test_file_systems():
    root = FileSystem("/", 82870591488, 16272261 / 16777216)
    assert Storage.read(printed({"df-places": DF + END})).places == {
        "/": root,
        "data": root,
        "logs": FileSystem("/var/log", 1000000, None),
        "backups": FileSystem("/mnt/back up", 5000000, 0.01),
    }


def test_a_directory_that_is_not_there():
    rest = "".join(line for line in DF.splitlines(keepends=True) if DATA not in line)
    missing = Output("df", 0, rest + END, f"df: {DATA}: No such file or directory", 0.01)
    assert Storage.read(printed({"df-places": missing})).places["data"] is None


@pytest.mark.parametrize("text", ["", END, DF, DF.replace("82870591488", "-") + END])
def test_df_in_an_unknown_form(text):
    with pytest.raises(ProbeError, match="df answered in an unknown form"):
        Storage.read(printed({"df-places": text}))


def test_df_without_sudo_is_not_reviewed():
    refused = Output("df", 0, END, "sudo: a password is required", 0.01)
    with pytest.raises(NotDeclared):
        Storage.read(Outputs(AT, HOST, {"df-places": refused}, sudo=False))


SS = """\
udp UNCONN 0      0          127.0.0.1:323       0.0.0.0:*    users:(("chronyd",pid=412,fd=5))
udp UNCONN 0      0      127.0.0.53%lo:53        0.0.0.0:*    users:(("systemd-resolve",pid=4,fd=13))
udp UNCONN 0      0              [::1]:323          [::]:*
udp UNCONN 0      0    192.0.2.7%eth0:68         0.0.0.0:*    users:(("systemd-network",pid=3,fd=15))
tcp LISTEN 0      511          0.0.0.0:443       0.0.0.0:*    users:(("nginx",pid=62,fd=9),("nginx",pid=61,fd=9))
tcp LISTEN 0      128             [::]:22           [::]:*    users:(("sshd",pid=56,fd=4))
tcp LISTEN 0      4096               *:9100            *:*
tcp LISTEN 0      50 [::ffff:127.0.0.1]:8080           *:*    users:(("java",pid=9,fd=4))
"""


def test_listeners():
    assert Listeners.read(printed({"listeners": SS})).exposed == {
        Listener("68/udp", "192.0.2.7%eth0", "systemd-network"),
        Listener("443/tcp", "0.0.0.0", "nginx"),  # noqa: S104
        Listener("22/tcp", "[::]", "sshd"),
        Listener("9100/tcp", "*", ""),
    }


@pytest.mark.parametrize(
    "text", ["", "tcp LISTEN 0\n", "tcp LISTEN 0 128 somewhere *:*\n", "Cannot open netlink socket\n"]
)
def test_ss_that_does_not_tell(text):
    with pytest.raises(ProbeError, match="ss "):
        Listeners.read(printed({"listeners": text}))
