"""The readers of the certificate's files and of its renewal, on what Debian's and Ubuntu's tools print."""

import datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.certificate_files import CertificateFiles, CertificateOnDisk
from cutover.facts.evidence import Output, Outputs
from cutover.facts.renewal import Rehearsal, Renewal, Timer
from selftest.rows import AT, HOST, printed

LIVE = f"/etc/letsencrypt/live/{HOST}"
CHAIN, KEY = f"{LIVE}/fullchain.pem", f"{LIVE}/privkey.pem"
LISTING = (
    f"{CHAIN}\n{KEY}\n-rw-r--r-- 1 root root 2168 1795480267 {CHAIN}\n-rw------- 1 root root  241 1795480268 {KEY}\n"
)


def files(stdout, stderr="", rc=0):
    return CertificateFiles.read(printed({"certificate-files": Output("ls", rc, stdout, stderr, 0.1)}))


def test_files():
    told = files(LISTING)
    assert (told.certificate_path, told.private_key_path) == (CHAIN, KEY)
    assert (told.certificate.mode, told.certificate.changed) == ("-rw-r--r--", 1795480267)
    assert told.private_key.told == "-rw------- root:root"
    listed = files(LISTING.replace("-rw------- ", "-rw-r-----+ "))
    assert listed.private_key.listed
    assert listed.private_key.told == "-rw-r-----+ root:root"
    assert not files(LISTING.replace("-rw------- ", "-rw-------. ")).private_key.listed


def test_files_that_are_not_there():
    told = files("\n".join(LISTING.splitlines()[:3]) + "\n", f"ls: cannot access '{KEY}': No such file or directory", 2)
    assert told.certificate is not None
    assert told.private_key is None


@pytest.mark.parametrize(
    ("stdout", "stderr"),
    [
        ("", ""),
        (f"{CHAIN}\n", ""),
        (f"{CHAIN}\n{KEY}\n", ""),
        (f"{CHAIN}\n{KEY}\n", f"ls: cannot access '{CHAIN}': Permission denied"),
        (LISTING.replace("-rw-------", "drwx------"), ""),
        (LISTING, "sudo: a password is required"),
    ],
)
def test_files_that_ls_did_not_tell(stdout, stderr):
    with pytest.raises(ProbeError):
        files(stdout, stderr, 2)


def test_without_sudo_it_is_not_declared():
    output = Output("ls", 1, f"{CHAIN}\n{KEY}\n", "sudo: a password is required", 0.1)
    with pytest.raises(NotDeclared):
        CertificateFiles.read(Outputs(AT, HOST, {"certificate-files": output}, sudo=False))


def certificate(key, *names):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, day, day + datetime.timedelta(days=90))
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), False)
    return builder.sign(key, hashes.SHA256())


def pem(thing):
    return thing.public_bytes(serialization.Encoding.PEM).decode()


def public(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def on_disk(chain, key):
    return CertificateOnDisk.read(printed({"certificate-pem": chain, "public-key": key}))


def test_a_pair_and_no_pair():
    ours, others = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    leaf = certificate(ours, "API.example.com", "*.example.net")
    told = on_disk(pem(leaf) + pem(certificate(others)), public(ours))
    assert told.names == (HOST, "*.example.net")
    assert told.fingerprint == leaf.fingerprint(hashes.SHA256()).hex()
    assert told.count == 2
    assert told.public_key == told.private_keys_public_key
    other = on_disk(pem(certificate(ours)), public(others))
    assert other.names == ()
    assert other.public_key != other.private_keys_public_key


@pytest.mark.parametrize(
    ("chain", "key"),
    [
        ("", ""),
        ("-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n", ""),
        (Output("cat", 0, "", "cat: /x: No such file or directory", 0.1), ""),
        (pem(certificate(ec.generate_private_key(ec.SECP256R1()))), "no key\n"),
        (pem(certificate(ec.generate_private_key(ec.SECP256R1()))), Output("openssl", 1, "", "unable to load", 0.1)),
    ],
)
def test_what_is_no_pair_at_all(chain, key):
    with pytest.raises(ProbeError):
        on_disk(chain, key)


CONF = f"conf /etc/letsencrypt/renewal/{HOST}.conf\n"
TIMERS = """\
NextElapseUSecRealtime=Tue 2026-11-24 17:48:10 JST
NextElapseUSecMonotonic=0
Id=certbot.timer
ActiveState=active
UnitFileState=enabled

NextElapseUSecRealtime=
NextElapseUSecMonotonic=infinity
Id=snap.certbot.renew.timer
ActiveState=inactive
UnitFileState=disabled
"""


def log(*lines):
    """Lines as the command prints them: the last time seen in the file, then the line, which may have none."""
    return "".join(f"{stamp},001\t{text.replace('@', f'{stamp},001')}\n" for stamp, text in lines)


BEGUN = "@:DEBUG:certbot._internal.main:Arguments:"
NIGHT, NOON = "2026-03-01 03:00:00", "2026-03-01 15:00:00"
COUNT = "@:ERROR:certbot._internal.log:1 renew failure(s), 0 parse failure(s)"
TOLD = "@:DEBUG:certbot._internal.display.obj:Notifying user: No renewals were attempted."
QUIET = log((NIGHT, BEGUN), (NIGHT, TOLD))
FAILED = log(
    (NOON, BEGUN),
    (NOON, "@:ERROR:certbot._internal.renewal:Failed to renew certificate a with error: refused"),
    (NOON, COUNT),
)
# certbot 0.40 (Ubuntu 20.04) and 1.12 (Debian 11) tell over several lines, of which only the first has a time.
OLD = log((NIGHT, BEGUN), (NIGHT, "No renewals were attempted."))
OLD_FAILED = log(
    (NOON, BEGUN),
    (NOON, "@:WARNING:certbot.renewal:Attempting to renew cert (a) from a.conf produced an unexpected error: refused."),
    (NOON, "@:ERROR:certbot.renewal:All renewal attempts failed. The following certs could not be renewed:"),
    (NOON, COUNT),
)
HOOK_FAILED = log(
    (NOON, BEGUN),
    (NOON, "@:ERROR:certbot._internal.hooks:Hook 'deploy-hook' reported error code 1"),
    (NOON, "@:DEBUG:certbot._internal.display.obj:Notifying user: Congratulations, all renewals succeeded:"),
)
REHEARSED = FAILED.replace(":Arguments:", ":Arguments: --dry-run")
OF_ANOTHER_KIND = log(("2026-03-02 09:00:00", BEGUN))
HELD = {
    "certbot": "/usr/bin/certbot\n",
    "renewal-conf": f"{CONF}fullchain = {CHAIN}\nauthenticator = webroot\nwebroot = /srv/www,\nwebroot = /srv/www\n",
    "renewal-hooks": "reloads /etc/letsencrypt/renewal-hooks/deploy/a b\nnot-executable /c\n",
    "renewal-timers": TIMERS,
    "renewal-services": "Id=certbot.service\nActiveState=failed\n",
    "renewal-cron": "ActiveState=active\nentry /etc/crontab\nentry root's crontab\n",
    "renewal-log": QUIET,
}


def renewal(**changed):
    return Renewal.read(printed(HELD | {name.replace("_", "-"): text for name, text in changed.items()}))


def test_renewal():
    told = renewal()
    assert told.certbot == "/usr/bin/certbot"
    assert told.settings == {"fullchain": CHAIN, "authenticator": "webroot"}
    assert told.webroots == ("/srv/www",)
    assert told.reloads == {"/etc/letsencrypt/renewal-hooks/deploy/a b"}
    assert told.dead_hooks == {"/c"}
    assert told.timers == (
        Timer("certbot.timer", "active", "enabled", True),
        Timer("snap.certbot.renew.timer", "inactive", "disabled", False),
    )
    assert told.services == {"certbot.service": "failed"}
    assert told.cron_active
    assert told.cron_entries == {"/etc/crontab", "root's crontab"}


def test_nothing_is_a_fact():
    told = renewal(
        certbot="", renewal_conf="nothing /x\n", renewal_hooks="", renewal_timers="", renewal_services="",
        renewal_cron="ActiveState=inactive\n", renewal_log="",
    )  # fmt: skip
    assert (told.certbot, told.settings, told.timers, told.attempt) == ("", None, (), None)
    assert not told.cron_active


@pytest.mark.parametrize(
    ("lines", "at", "errors"),
    [
        (QUIET, "03:00:00", 0),
        (QUIET + HOOK_FAILED, "15:00:00", 1),
        (OLD, "03:00:00", 0),
        (QUIET + OLD_FAILED, "15:00:00", 3),
        (QUIET + FAILED, "15:00:00", 2),
        (QUIET + FAILED + OF_ANOTHER_KIND, "15:00:00", 2),
        (QUIET + REHEARSED, "03:00:00", 0),
        (FAILED + OF_ANOTHER_KIND + OLD.replace("03-01", "03-03"), "03:00:00", 0),
    ],
)
def test_last_attempt(lines, at, errors):
    attempt = renewal(renewal_log=lines).attempt
    assert attempt.at.endswith(at)
    assert len(attempt.errors) == errors


@pytest.mark.parametrize(
    "changed",
    [
        {"renewal_conf": ""},
        {"renewal_conf": "awk: not found\n"},
        {"renewal_conf": f"{CONF}what is this\n"},
        {"renewal_hooks": "grep: broken\n"},
        {"renewal_timers": "no unit here = 1\n"[3:] + "Foo=1\n"},
        {"renewal_timers": Output("systemctl", 127, "", "sh: 1: systemctl: not found", 0.1)},
        {"renewal_cron": "entry /etc/crontab\n"},
        {"renewal_log": Output("grep", 1, "", "sudo: a password is required", 0.1)},
        {"renewal_hooks": Output("grep", 1, "", "sudo: a password is required", 0.1)},
    ],
)
def test_what_is_not_understood(changed):
    with pytest.raises(ProbeError):
        renewal(**changed)


RULE = "- - - - - - - -"
CONGRATULATIONS = f"""{RULE}
Processing /etc/letsencrypt/renewal/a.conf
{RULE}
Simulating renewal of an existing certificate for a

{RULE}
Congratulations, all simulated renewals succeeded:
  /etc/letsencrypt/live/a/fullchain.pem (success)
{RULE}
"""
ALL_FAILED = """Failed to renew certificate a with error: Some challenges have failed.
All simulated renewals failed. The following certificates could not be renewed:
  /etc/letsencrypt/live/a/fullchain.pem (failure)
1 renew failure(s), 0 parse failure(s)
"""
# certbot 0.40, Ubuntu 20.04
DRY = "** DRY RUN: simulating 'certbot renew' close to cert expiry\n"
OLD_CONGRATULATIONS = (
    f"{DRY}Congratulations, all renewals succeeded. The following certs have been renewed:\n  a (success)\n"
)


def rehearsed(text, rc=0):
    return Rehearsal.read(printed({"renewal-rehearsal": Output("certbot", rc, text, "", 1)}))


def test_rehearsal():
    assert rehearsed(CONGRATULATIONS).failures == ()
    assert rehearsed(OLD_CONGRATULATIONS).failures == ()
    assert rehearsed(ALL_FAILED, 1).failures == tuple(
        line.strip() for line in ALL_FAILED.splitlines() if "fail" in line
    )


@pytest.mark.parametrize(("text", "rc"), [("", 0), ("No simulated renewals were attempted.\n", 0), ("Traceback\n", 1)])
def test_no_rehearsal(text, rc):
    with pytest.raises(ProbeError, match="rehearsed nothing"):
        rehearsed(text, rc)
