"""How the facts of the advice beyond the checklist are read from what a server's commands print."""

import os
import subprocess

import pytest

from cutover.errors import NotDeclared, ProbeError
from cutover.facts import readable_secrets
from cutover.facts.bans import Bans
from cutover.facts.core_dumps import CoreDumps
from cutover.facts.evidence import Output
from cutover.facts.kernel import KernelSettings, MandatoryAccess
from cutover.facts.readable_secrets import ReadableSecrets
from cutover.facts.replaced_files import ReplacedFiles
from cutover.facts.units import Exposure, FailedUnits
from selftest.rows import printed

GROUP = "0::/system.slice/app.service"
USERS = 'users:(("gunicorn",pid=140,fd=8),("gunicorn: maste",pid=134,fd=8))'
APPLICATION = {
    "app-port": f"now 1000\nlistens LISTEN 0 2048 127.0.0.1:8000 0.0.0.0:* {USERS}\ngunicorn 134\nend\n",
    "app-processes": f"""\
      1       0    5000 root {"0::/init.scope"}
     90       1    5000 postgres 0::/system.slice/system-postgresql.slice/postgresql@15-main.service
    134       1     600 mks {GROUP}
    140     134     599 mks {GROUP}
    300       1      60 ops 0::/user.slice/user-1000.slice/session-3.scope
    400       1      60 root 0::/system.slice/docker-0123.scope
""",
}
NO_PORT = APPLICATION | {"app-port": "now 1000\nend\n"}


@pytest.mark.parametrize(
    ("text", "profiles", "selinux"),
    [
        ("profiles 3 complain\nprofiles 12 enforce\napparmor Y\nselinux none\n", {"complain": 3, "enforce": 12}, False),
        ("apparmor Y\nselinux none\n", {}, False),
        ("apparmor N\nselinux none\n", None, False),
        ("apparmor none\nselinux 1\n", None, True),
        ("apparmor none\nselinux 0\n", None, False),
    ],
)
def test_mandatory_access(text, profiles, selinux):
    facts = MandatoryAccess.read(printed({"mandatory-access": text}))
    assert (facts.profiles, facts.selinux) == (profiles, selinux)


KERNEL = """\
kernel/kptr_restrict:0
kernel/randomize_va_space:2
net/ipv4/tcp_syncookies:1
"""


def interface(name, forwarding=0, filter_=0, accept=0, send=0, source=0, family="ipv4"):
    values = {"forwarding": forwarding, "accept_redirects": accept}
    if family == "ipv4":
        values |= {"rp_filter": filter_, "send_redirects": send, "accept_source_route": source}
    return "".join(f"net/{family}/conf/{name}/{key}:{value}\n" for key, value in values.items())


def kernel(*interfaces):
    return KernelSettings.read(printed({"kernel-settings": KERNEL + "".join(interfaces)}))


def test_kernel_settings():
    facts = kernel(interface("all", filter_=2), interface("eth0"))
    assert facts.values == {"kernel.kptr_restrict": 0, "kernel.randomize_va_space": 2, "net.ipv4.tcp_syncookies": 1}
    assert not facts.accepts_redirects | facts.sends_redirects | facts.accepts_source_routes | facts.accepts_any_source


ON, OFF = interface("all", 0, 2, 1, 1, 1), interface("all", 0, 2, 0, 0, 0)


@pytest.mark.parametrize(
    ("general", "own", "field"),
    [
        # A host accepts redirects when either says so, a router when both do.
        (OFF, {"accept": 1}, "accepts_redirects"),
        (interface("all", 0, 2, accept=1), {}, "accepts_redirects"),
        (interface("all", 0, 2, accept=1), {"forwarding": 1, "accept": 1}, "accepts_redirects"),
        (OFF, {"forwarding": 1, "send": 1}, "sends_redirects"),
        (interface("all", 0, 2, send=1), {"forwarding": 1}, "sends_redirects"),
        (interface("all", 0, 2, source=1), {"source": 1}, "accepts_source_routes"),
        (interface("all"), {}, "accepts_any_source"),
        (OFF, {"forwarding": 1, "accept": 1}, ""),
        (OFF, {"send": 1}, ""),
        (OFF, {"source": 1}, ""),
        (interface("all", 0, 2, source=1), {}, ""),
        (interface("all"), {"filter_": 1}, ""),
    ],
)
def test_what_an_interface_does(general, own, field):
    loopback = interface("lo", 1, 0, 1, 1, 1) + interface("default", 0, 0, 1, 1, 1)
    facts = kernel(general, interface("eth0.100", **own), loopback)
    fields = ("accepts_redirects", "sends_redirects", "accepts_source_routes", "accepts_any_source")
    assert {name: set(getattr(facts, name)) for name in fields if getattr(facts, name)} == (
        {field: {"eth0.100"}} if field else {}
    )


@pytest.mark.parametrize(("forwarding", "accepts"), [(0, {"eth0 (IPv6)"}), (1, set())])
def test_ipv6_redirects_are_for_hosts(forwarding, accepts):
    own = interface("eth0", forwarding, accept=1, family="ipv6") + interface("eth1", family="ipv6")
    facts = kernel(OFF, interface("all", accept=1, family="ipv6"), interface("lo", accept=1, family="ipv6"), own)
    assert facts.accepts_redirects == accepts


@pytest.mark.parametrize(
    "text", ["", "net/ipv4/tcp_syncookies:1\n", KERNEL + "net/ipv4/conf/eth0/rp_filter:1\n", KERNEL + interface("eth0")]
)
def test_kernel_in_an_unknown_form(text):
    with pytest.raises(ProbeError, match="unknown form"):
        KernelSettings.read(printed({"kernel-settings": text}))


@pytest.mark.parametrize(("kind", "name"), [(MandatoryAccess, "mandatory-access"), (KernelSettings, "kernel-settings")])
def test_a_container_has_no_kernel_of_its_own(kind, name):
    with pytest.raises(NotDeclared, match="the server is a container"):
        kind.read(printed({name: "container /run/systemd/container\n"}))


LIMITS = "pattern |/bin/false\nlimit 1 unlimited\nlimit 134 0\nlimit 140 1024\n"


def test_core_dumps():
    facts = CoreDumps.read(printed(APPLICATION | {"core-dumps": LIMITS}))
    assert (facts.pattern, facts.limits) == ("|/bin/false", {"0", "1024"})
    assert facts.evidence[0].answer == "|/bin/false; 134: 0; 140: 1024"


@pytest.mark.parametrize("text", ["", LIMITS.replace("limit 140 1024\n", ""), LIMITS.replace("pattern ", "")])
def test_core_dumps_in_an_unknown_form(text):
    with pytest.raises(ProbeError, match="does not tell the limits"):
        CoreDumps.read(printed(APPLICATION | {"core-dumps": text}))


def test_no_process_has_no_limits():
    with pytest.raises(ProbeError, match="nothing is on the application's port"):
        CoreDumps.read(printed(NO_PORT | {"core-dumps": LIMITS}))


@pytest.mark.parametrize(
    ("text", "programs", "jails"),
    [
        ("states active inactive inactive\njail sshd\njournal sshd\n", {"fail2ban"}, {"sshd": 0}),
        ("states active inactive active\n", {"fail2ban", "crowdsec-firewall-bouncer"}, {}),
        ("states active failed inactive\njail sshd\n", {"fail2ban"}, {"sshd": None}),
        ("states active inactive inactive\njail a\njail b\nquiet a 90\nquiet a 8\n", {"fail2ban"}, {"a": 8, "b": None}),
        ("states inactive inactive inactive\n", set(), {}),
    ],
)
def test_bans(text, programs, jails):
    facts = Bans.read(printed({"bans": text}))
    assert (facts.programs, facts.jails) == (programs, jails)


@pytest.mark.parametrize(
    "text", ["", "states \n", "states active\n", "states a b c\nquiet x 1\n", "states a b c\njail x\nquiet x y\n"]
)
def test_bans_in_an_unknown_form(text):
    with pytest.raises(ProbeError, match="unknown form"):
        Bans.read(printed({"bans": text}))


@pytest.mark.parametrize(
    ("text", "names"), [("looked\n", set()), ("failed a.service\nfailed b.mount\nlooked\n", {"a.service", "b.mount"})]
)
def test_failed_units(text, names):
    assert FailedUnits.read(printed({"failed-units": text})).names == names


@pytest.mark.parametrize("text", ["", "failed a.service\n", "a.service\nlooked\n"])
def test_failed_units_in_an_unknown_form(text):
    with pytest.raises(ProbeError, match="unknown form"):
        FailedUnits.read(printed({"failed-units": text}))


@pytest.mark.parametrize(
    ("text", "level", "opens"),
    [
        ("exposure 1.7 OK :-)\nopen 0.5 PrivateNetwork=\nopen 0.2 UMask=\n", 1.7, ("PrivateNetwork=", "UMask=")),
        ("exposure 9.2 UNSAFE 😨\n", 9.2, ()),
        ("exposure 10 DANGEROUS\n", 10.0, ()),
    ],
)
def test_exposure(text, level, opens):
    facts = Exposure.read(printed({"exposure": text}))
    assert (facts.level, facts.open) == (level, opens)


@pytest.mark.parametrize("text", ["open 0.5 PrivateNetwork=\n", "exposure high\n", "exposure 1.7.1 OK\n"])
def test_exposure_in_an_unknown_form(text):
    with pytest.raises(ProbeError, match="unknown form"):
        Exposure.read(printed({"exposure": text}))


def test_no_unit_has_no_exposure():
    with pytest.raises(NotDeclared, match="without systemd"):
        Exposure.read(printed({"exposure": ""}))


def test_replaced_files_are_told_by_service():
    text = (
        "134 /usr/bin/python3.11\n140 /usr/lib/libssl.so.3\n90 /usr/lib/libc.so.6\n"
        "300 /bin/bash\n400 /bin/x\n9 /bin/y\nlooked\n"
    )
    facts = ReplacedFiles.read(printed(APPLICATION | {"replaced-files": text}))
    assert facts.services == {
        "app.service": "/usr/bin/python3.11",
        "postgresql@15-main.service": "/usr/lib/libc.so.6",
    }


@pytest.mark.parametrize("text", ["", "134 /usr/bin/python3.11\n"])
def test_replaced_files_in_an_unknown_form(text):
    with pytest.raises(ProbeError, match="unknown form"):
        ReplacedFiles.read(printed(APPLICATION | {"replaced-files": text}))


def test_readable_secrets():
    text = "file /srv/a b.pem\nread\ncopy /home/ops/old.env\n"
    assert ReadableSecrets.read(printed({"readable-secrets": text})).paths == {"/srv/a b.pem", "/home/ops/old.env"}
    assert ReadableSecrets.read(printed({"readable-secrets": "read\n"})).paths == frozenset()


@pytest.mark.parametrize("text", ["", "file /srv/a\n", "read\nread\n", "other /srv/a\nread\n"])
def test_readable_secrets_in_an_unknown_form(text):
    with pytest.raises(ProbeError, match="unknown form"):
        ReadableSecrets.read(printed({"readable-secrets": text}))


HEX = "0123456789abcdef0123456789abcdef"
KEY = f"-----BEGIN PRIVATE KEY-----\n{HEX}\n"
# A file, what it holds, its mode, and whether it is a secret that everybody can read.
FILES = {
    "a b/id_rsa": (KEY.replace(" PRIVATE", " OPENSSH PRIVATE"), 0o644, True),
    "own/id_rsa": (KEY, 0o600, False),
    "shut/deep/key.pem": (KEY, 0o644, False),
    "venv/key.pem": (KEY, 0o644, False),
    "chain.pem": ("-----BEGIN CERTIFICATE-----\n", 0o644, False),
    "locked.key": (KEY.replace(" PRIVATE", " ENCRYPTED PRIVATE"), 0o644, False),
    "dump.sql": ("-- PostgreSQL\nCREATE TABLE a;\nCOPY public.users (id) FROM stdin;\n1\n", 0o644, True),
    "custom.dump": ("PGDMP\x01\x00\xff\n", 0o604, True),
    "schema.sql": ("CREATE TABLE a;\nINSERT INTO a VALUES (1);\n", 0o644, False),
    "all.sql.gz": ("x", 0o644, True),
    "empty.sql.gz": ("", 0o644, False),
    ".git-credentials": (f"https://ops:{HEX}@example.com\n", 0o644, True),
    "old.env": (f'export MKS_SECRET_KEY="{HEX}"\n', 0o644, True),
    "other.env": ("MKS_SECRET_KEY=replace-with-64-hex-digits\n", 0o644, False),
    "group.env": (f"MKS_SECRET_KEY={HEX}\n", 0o640, False),
    "app/.env.bak": (f"MKS_SECRET_KEY={HEX}\n", 0o644, False),  # section 5 tells of it
}


def test_secrets_are_found_by_what_they_hold_and_stay_there(tmp_path):
    for name, (text, mode, _) in FILES.items():
        file = tmp_path / "home" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.parent.chmod(0o755)
        file.write_text(text, encoding="latin-1")
        file.chmod(mode)
    (tmp_path / "home/shut").chmod(0o750)
    env_file = tmp_path / "env"
    env_file.write_text(f"MKS_SECRET_KEY={HEX}\n")
    places = {"ENV_FILE": str(env_file), "CHECKOUT": f"{tmp_path}/home/app", "APP_DIR": f"{tmp_path}/home/app"}
    line = readable_secrets.COMMANDS["readable-secrets"].line.replace(readable_secrets.PLACES, f"{tmp_path}/home")
    done = subprocess.run(
        ["sh", "-c", f'root() {{ "$@"; }}\n{line}'],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C", **places},
        capture_output=True,
        text=True,
        timeout=30,
    )
    facts = ReadableSecrets.read(printed({"readable-secrets": Output(line, done.returncode, done.stdout, "", 0.1)}))
    assert facts.paths == {f"{tmp_path}/home/{name}" for name, (_, _, found) in FILES.items() if found}
    assert HEX not in done.stdout + done.stderr
