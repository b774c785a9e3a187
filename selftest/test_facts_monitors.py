"""What a disk job's pipeline lets through, worked out and not run; what is beyond that is never guessed."""

import shutil
import subprocess

import pytest

from cutover.errors import ProbeError
from cutover.facts import awk
from cutover.facts.crontab import Job
from cutover.facts.monitors import Image, found_at

TABLE = [
    "Filesystem     1024-blocks     Used Available Capacity Mounted on",
    "/dev/vda1         41152736  3703746  35341964       9% /",
    "/dev/vda2         41152736 33333716   5341964      81% /srv",
    "/dev/vda3         41152736 41152736         0     100% /var",
]
PROGRAMS = [
    "NR > 1 && $5 + 0 > 80",
    '$5 > "80%"',
    '$5 > "80%" {print}',
    "$5 > 80",
    "int($5) >= 80 {print $6, $5}",
    '{gsub("%","",$5); if ($5 > 80) print $6}',
    'NR>1 {use=$5; sub(/%/,"",use); if (use > 80) {print "disk " $6 " at " use}}',
    "/^\\/dev/ && $5+0>80",
    "$6 ~ /srv/ || !($5+0 < 100)",
    "NR > 1 && substr($5,1,length($5)-1) + 0 > 80",
    '$NF == "/var" { print NR; print NF }',
    "$5+0 > 90; $5+0 > 99",
]


@pytest.mark.parametrize("program", [program for program in PROGRAMS if "\\" not in program])
@pytest.mark.skipif(not shutil.which("awk"), reason="no awk to compare with")
def test_as_awk_itself_has_it(program):
    done = subprocess.run(["awk", program], input="\n".join(TABLE) + "\n", capture_output=True, text=True, check=True)
    found = awk.select(program, TABLE)
    assert [line.split() for line in found] == [line.split() for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "program",
    [
        '$5+0 > 80 {system("reboot")}',
        '$5+0 > 80 {print > "/tmp/x"}',
        '$5+0 > 80 {print | "mail x"}',
        'BEGIN {while (("ls" | getline) > 0) print}',
        "{ print $5 / 2 }",
        '{ printf "%s", $5 }',
        "{ exit }",
        '$5 ~ "8" "\\""',
        "{ if ($5 > 80 print }",
        "{",
        "'",
    ],
)
def test_what_is_beyond_is_no_guess(program):
    with pytest.raises(ValueError, match=r"."):
        awk.select(program, TABLE)


def job(command, reason=""):
    return Job("crontab", "root", "0 9 * * *", 1440.0, command, "/usr/bin", None, frozenset(["df"]), reason)


@pytest.mark.parametrize(
    "command",
    [
        "/usr/local/bin/df-alert",
        "df -h | perl -ne print",
        "df -h | awk -f /opt/x.awk",
        "df -h | grep -P x",
        "df -h | grep x y",
        "df -h | awk '{print}' /etc/passwd",
        "df --output=file | awk '$1'",
        "df -h | sed -n 2p",
    ],
)
def test_a_pipeline_beyond_this_could_not_be_looked_at(command):
    with pytest.raises(ProbeError, match="cannot be worked out"):
        found_at(job(command), 100)


def test_a_job_that_does_not_run_finds_nothing():
    assert not found_at(job("df -h | awk '$5", "its quotes do not close"), 100)


@pytest.mark.parametrize(("percent", "found"), [(9, False), (80, False), (81, True), (100, True)])
def test_at(percent, found):
    assert found_at(job("df -P | awk 'NR > 1 && $5 + 0 > 80' | mail x"), percent) is found


SNAP = Image("/dev/loop0", "squashfs", "/snap/core20/2318")
NUMBERS = "awk 'NR > 1 && $5 + 0 > 80' | mail x"


@pytest.mark.parametrize(
    ("command", "found"),
    [
        (f"df -P | {NUMBERS}", True),
        (f"df -P -x tmpfs -x devtmpfs | {NUMBERS}", True),
        ("df -h | grep -E '^/dev/' | awk '$5+0 > 80' | mail x", True),
        ("df -hT | awk 'NR > 1 && $6+0 > 80' | mail x", True),
        ("df --output=pcent,target | tail -n +2 | tr -d % | awk '$1 > 80' | mail x", True),
        # Told by text, 100 is less than 80.
        ("df -h | grep -E '^/dev/' | awk '$5 > \"80%\"' | mail x", False),
        (f"df -P -x squashfs | {NUMBERS}", False),
        (f"df -Pxsquashfs | {NUMBERS}", False),
        (f"df -Ph --exclude-type=squashfs | {NUMBERS}", False),
        (f"df -P -x tmpfs -x squashfs | {NUMBERS}", False),
        (f"df -P -t ext4 | {NUMBERS}", False),
        (f"df -P --type=ext4 -t squashfs | {NUMBERS}", True),
        (f"df -P / /home | {NUMBERS}", False),
        (f"df -P /snap/core20/2318 | {NUMBERS}", True),
        (f"df -P | grep -v /snap/ | {NUMBERS}", False),
        (f"df -P | grep -v ^/dev/loop | {NUMBERS}", False),
        ("df -hT | awk 'NR > 1 && $2 != \"squashfs\" && $6+0 > 80' | mail x", False),
    ],
)
def test_an_image_that_is_always_full(command, found):
    assert found_at(job(command), 0, (SNAP,)) is found
