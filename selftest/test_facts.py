"""Parsers of what servers print: real texts are read, and a text that does not tell is a ProbeError, never a fact."""

import pytest

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.evidence import Output, Outputs
from cutover.facts.resources import Resources
from cutover.facts.system import OperatingSystem
from selftest.rows import AT, printed

MEMINFO = """\
MemTotal:        4018528 kB
MemFree:          233212 kB
MemAvailable:    3180464 kB
SwapTotal:             0 kB
HugePages_Total:       0
"""
DF = """\
Filesystem         1-blocks        Used   Available Capacity Mounted on
/dev/sda1       42006183936 7816323072 32443326464      20% /
"""


def os_release(text):
    return OperatingSystem.read(printed({"os-release": text}))


def resources(nproc="2\n", meminfo=MEMINFO, df=DF):
    return Resources.read(printed({"nproc": nproc, "meminfo": meminfo, "df": df}))


def debian(number, word):
    return f"""\
PRETTY_NAME="Debian GNU/Linux {number} ({word})"
NAME="Debian GNU/Linux"
VERSION_ID="{number}"
VERSION="{number} ({word})"
VERSION_CODENAME={word}
ID=debian
HOME_URL="https://www.debian.org/"
SUPPORT_URL="https://www.debian.org/support"
BUG_REPORT_URL="https://bugs.debian.org/"
"""


def ubuntu(number, patch, word):
    return f"""\
NAME="Ubuntu"
VERSION="{number}{patch} LTS ({word})"
ID=ubuntu
ID_LIKE=debian
PRETTY_NAME="Ubuntu {number}{patch} LTS"
VERSION_ID="{number}"
HOME_URL="https://www.ubuntu.com/"
PRIVACY_POLICY_URL="https://www.ubuntu.com/legal/terms-and-policies/privacy-policy"
UBUNTU_CODENAME={word.split()[0].lower()}
"""


SID = 'PRETTY_NAME="Debian GNU/Linux trixie/sid"\nNAME="Debian GNU/Linux"\nVERSION_CODENAME=trixie\nID=debian\n'


@pytest.mark.parametrize(
    ("text", "id_", "version", "name"),
    [
        (debian(11, "bullseye"), "debian", (11,), "Debian GNU/Linux 11 (bullseye)"),
        (debian(12, "bookworm"), "debian", (12,), "Debian GNU/Linux 12 (bookworm)"),
        (debian(13, "trixie") + "DEBIAN_VERSION_FULL=13.1\n", "debian", (13,), "Debian GNU/Linux 13 (trixie)"),
        (ubuntu("20.04", ".6", "Focal Fossa"), "ubuntu", (20, 4), "Ubuntu 20.04.6 LTS"),
        (ubuntu("22.04", ".5", "Jammy Jellyfish"), "ubuntu", (22, 4), "Ubuntu 22.04.5 LTS"),
        (ubuntu("24.04", ".1", "Noble Numbat"), "ubuntu", (24, 4), "Ubuntu 24.04.1 LTS"),
        ("ID=alpine\nVERSION_ID=3.20.3\n", "alpine", (3, 20, 3), "alpine"),
        ("ID='debian'\nVERSION_ID='12'\nPRETTY_NAME='It'\"'\"'s Debian'\n", "debian", (12,), "It's Debian"),
        ('#ID=ubuntu\n\n  \nID=debian\nnonsense\nVERSION_ID=12\nBROKEN="\n', "debian", (12,), "debian"),
        ("ID=debian\r\nVERSION_ID=12\r\n", "debian", (12,), "debian"),
        ("ID=centos\nVERSION_ID=7\nID=debian\n", "debian", (7,), "debian"),
    ],
)
def test_os_release(text, id_, version, name):
    read = os_release(text)
    assert (read.id, read.version, read.name) == (id_, version, name)
    assert [entry.asked for entry in read.evidence] == ["api.example.com$ cat os-release"]


@pytest.mark.parametrize(
    "text",
    [
        SID,
        "",
        "\n",
        "ID=debian\n",
        "VERSION_ID=12\n",
        "ID=debian\nVERSION_ID=\n",
        "ID=debian\nVERSION_ID=twelve\n",
        "ID=debian\nVERSION_ID=12.\n",
        "ID=debian\nVERSION_ID=.12\n",
        "ID=debian\nVERSION_ID=12-rc1\n",
        'ID=debian\nVERSION_ID="12\n',
        "\\x7fELF\\x02\\x01",
        "<html>ID=debian</html>",
        pytest.param(
            "ID=debian\nVERSION_ID=1_2\n",
        ),
        pytest.param(
            "ID=debian\nVERSION_ID=-12\n",
        ),
    ],
)
def test_an_os_release_without_a_release_is_no_fact(text):
    with pytest.raises(ProbeError, match="names no release with a number"):
        os_release(text)


@pytest.mark.parametrize(
    ("df", "free"),
    [
        (DF, 32443326464),
        ("Filesystem 1-blocks Used Available Capacity Mounted on\noverlay 1000 400 550 43% /\n", 550),
        (
            "Filesystem                              1-blocks       Used  Available Capacity Mounted on\n"
            "/dev/mapper/debian--vg-root--of--a--very--long--name 1000000000 1000000000 0     100% /\n",
            0,
        ),
        ("Filesystem 1-blocks Used Available Capacity Mounted on\n//nas/root share 1000 400 600 40% /\n", 600),
        ("Filesystem 1-blocks Used Available Capacity Mounted on\nrpool/ROOT/ubuntu 9 1 8 12% /", 8),
    ],
)
def test_disk(df, free):
    assert resources(df=df).disk_free_bytes == free


def test_processors_and_memory():
    read = resources(nproc="16")
    assert (read.cpus, read.memory_bytes) == (16, 4018528 * 1024)
    asked = [entry.asked.rpartition(" ")[2] for entry in read.evidence]
    assert asked == ["nproc", "df", "meminfo"]


@pytest.mark.parametrize(
    "broken",
    [
        {"nproc": ""},
        {"nproc": "two\n"},
        {"nproc": "-1\n"},
        {"nproc": "2 4\n"},
        {"nproc": "2.0\n"},
        {"meminfo": ""},
        {"meminfo": "MemFree: 233212 kB\n"},
        {"meminfo": "MemTotal: many kB\n"},
        {"meminfo": "MemTotal: 4018528\n"},
        {"df": ""},
        {"df": DF.splitlines()[0] + "\n"},
        {"df": DF.replace(" /\n", " /boot\n")},
        {"df": DF.replace("32443326464", "-").replace("20%", "-")},
        {"df": "Filesystem 1-blocks Used Available Capacity Mounted on\noverlay - - - - /\n"},
        {"df": "df: /: Transport endpoint is not connected\n"},
    ],
)
def test_resources_that_are_not_told_are_no_fact(broken):
    with pytest.raises(ProbeError, match="answered in an unknown form"):
        resources(**broken)


def output(rc=0, stdout="2\n", stderr="", truncated=False):
    return Output("nproc", rc, stdout, stderr, 0.01, truncated)


ROOT_REFUSED = "sudo: a password is required"


@pytest.mark.parametrize(
    ("nproc", "cause"),
    [
        (output(rc=1, stderr="nproc: no\nsecond line"), "'nproc' failed: nproc: no"),
        (output(rc=1), "'nproc' failed: exit status 1"),
        (output(rc=127, stderr="sh: 1: nproc: not found"), "'nproc' failed: sh: 1: nproc: not found"),
        (output(rc=124), "'nproc' did not end in time"),
        (output(rc=137), "'nproc' did not end in time"),
        (output(truncated=True), "'nproc' printed more than is read"),
        (output(rc=1, stderr=ROOT_REFUSED), f"api.example.com: {ROOT_REFUSED}"),
    ],
)
def test_a_command_that_failed_is_a_probe_error_with_its_cause(nproc, cause):
    with pytest.raises(ProbeError) as caught:
        Resources.read(printed({"nproc": nproc, "meminfo": MEMINFO, "df": DF}))
    assert caught.value.cause.endswith(cause)
    assert caught.value.cause.startswith("api.example.com: ")


def test_a_command_that_is_missing_in_the_answer_is_a_probe_error():
    with pytest.raises(ProbeError, match="holds no output of 'df'"):
        Resources.read(printed({"nproc": "2\n", "meminfo": MEMINFO}))


def test_root_that_was_not_declared_is_not_reviewed():
    outputs = Outputs(AT, "api.example.com", {"nproc": output(rc=1, stderr=ROOT_REFUSED)}, sudo=False)
    with pytest.raises(NotDeclared, match="sudo = false"):
        outputs.text("nproc")


def test_a_warning_of_sudo_is_no_refusal():
    warned = output(stderr="sudo: unable to resolve host api: Name or service not known")
    assert Outputs(AT, "api.example.com", {"nproc": warned}).text("nproc") == "2\n"
