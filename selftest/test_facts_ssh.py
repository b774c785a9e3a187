"""The parser of sshd's settings, on what OpenSSH 8.2 to 10.0 print, and the judgement of secret keys on the host."""

import secrets
import shutil
import subprocess

import pytest

from cutover.errors import ProbeError
from cutover.facts.evidence import Output
from cutover.facts.secret_keys import APPLICATION_KEY, COMMANDS, TOKEN_KEY, SecretKey, SecretKeys
from cutover.facts.sshd import EVERYBODY, MAIN, Sshd
from selftest.rows import printed

D12 = """\
port 22
addressfamily any
listenaddress [::]:22
listenaddress 0.0.0.0:22
usepam yes
permitrootlogin without-password
pubkeyauthentication yes
passwordauthentication no
kbdinteractiveauthentication no
permitemptypasswords no
authenticationmethods any
pidfile /run/sshd.pid
"""
# OpenSSH 8.2 of Ubuntu 20.04 and 8.4 of Debian 11 tell keyboard-interactive by its older name too.
D11 = D12.replace(
    "kbdinteractiveauthentication no\n", "kbdinteractiveauthentication no\nchallengeresponseauthentication no\n"
)
DROP_IN = "/etc/ssh/sshd_config.d/10-keys.conf"
BACKUP = "/etc/ssh/sshd_config.d/10-keys.bak"
FILES = f"{MAIN}:Include /etc/ssh/sshd_config.d/*.conf\n{MAIN}:KbdInteractiveAuthentication no\n"
RUN = (
    f"file 1790000000 {MAIN}\nfile 1790000005 {DROP_IN}\nloaded 1790000005 /run/sshd.pid\nsocket ActiveState=inactive\n"
)
# Ubuntu 24.04: systemd listens, and starts one ssh.service at the first connection.
SOCKET = "".join(f"socket {line}\n" for line in ("Listen=[::]:2222 (Stream)", "Accept=no", "ActiveState=active"))


def read(sshd=D12, files=FILES, run=RUN):
    return Sshd.read(printed({"sshd": sshd, "sshd-files": files, "sshd-run": run}))


def without_a_key(**given):
    facts = read(**given)
    return {who: ways for who in facts.settings if (ways := facts.ways_without_a_key(who))}


def setting(text, **changed):
    for key, value in changed.items():
        before = next(line for line in text.splitlines() if line.startswith(f"{key} "))
        text = text.replace(before, f"{key} {value}")
    return text


@pytest.mark.parametrize("text", [D11, D12])
def test_a_hardened_sshd(text):
    facts = read(text)
    assert (facts.ports, facts.newer_files, list(facts.settings)) == ({22}, frozenset(), [EVERYBODY])
    assert without_a_key(sshd=text) == {}


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        (setting(D12, passwordauthentication="yes"), {"password"}),
        (setting(D12, kbdinteractiveauthentication="yes"), {"keyboard-interactive"}),
        (setting(D11, challengeresponseauthentication="yes"), {"keyboard-interactive"}),
        (setting(D12, kbdinteractiveauthentication="yes", usepam="no"), set()),
        # A second factor beside the key.
        (
            setting(
                D12, kbdinteractiveauthentication="yes", authenticationmethods="publickey,keyboard-interactive:pam"
            ),
            set(),
        ),
        (
            setting(D12, passwordauthentication="yes", authenticationmethods="publickey password"),
            {"password"},
        ),
        (setting(D12, authenticationmethods="password"), set()),
    ],
)
def test_ways_in_without_a_key(text, ways):
    assert without_a_key(sshd=text) == ({EVERYBODY: ways} if ways else {})


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (f"{MAIN}:Match User deploy\n{MAIN}:    PasswordAuthentication yes\n", {"Match User deploy": {"password"}}),
        (
            FILES + f"{DROP_IN}:match address 10.0.0.0/8\n{DROP_IN}:passwordauthentication YES\n",
            {"Match address 10.0.0.0/8": {"password"}},
        ),
        # Not included, another name, or outside of any block: `sshd -T` tells what holds.
        (f"{DROP_IN}:Match all\n{DROP_IN}:PasswordAuthentication yes\n", {}),
        (FILES + f"{BACKUP}:Match all\n{BACKUP}:PasswordAuthentication yes\n", {}),
        (f"{MAIN}:PasswordAuthentication yes\n{MAIN}:Match all\n", {}),
        # A block of an included file ends with it.
        (FILES + f"{DROP_IN}:Match User a\n{MAIN}:PasswordAuthentication yes\n", {}),
        # The first value counts.
        (f"{MAIN}:Match User a\n{MAIN}:PasswordAuthentication no\n{MAIN}:PasswordAuthentication yes\n", {}),
        (
            f"{MAIN}:Match Group x\n{MAIN}:Include sshd_config.d/*.conf\n{DROP_IN}:PasswordAuthentication yes\n",
            {"Match Group x": {"password"}},
        ),
        ("", {}),
    ],
)
def test_match_blocks(files, found):
    assert without_a_key(files=files) == found


def test_a_match_block_keeps_what_it_does_not_change():
    facts = read(files=f"{MAIN}:Match User backup\n{MAIN}:PermitRootLogin yes\n")
    assert facts.settings["Match User backup"]["permitrootlogin"] == "yes"
    assert facts.settings["Match User backup"]["pubkeyauthentication"] == "yes"
    assert facts.settings[EVERYBODY]["permitrootlogin"] == "without-password"


@pytest.mark.parametrize(
    ("text", "run", "ports"),
    [
        (D12.replace("0.0.0.0:22", "0.0.0.0:2222"), RUN, {22, 2222}),
        (D12.replace("0.0.0.0:22", "127.0.0.1:2222"), RUN, {22}),
        (D12, RUN.replace("socket ActiveState=inactive\n", SOCKET), {2222}),
    ],
)
def test_ports(text, run, ports):
    assert read(text, run=run).ports == ports


def test_files_changed_since_they_were_read():
    assert read(run=RUN.replace("1790000005 /etc", "1790000006 /etc")).newer_files == {DROP_IN}
    each_time = RUN.replace("loaded 1790000005 /run/sshd.pid\n", "").replace(
        "ActiveState=inactive", "ActiveState=active"
    )
    each_time += "socket Accept=yes\nsocket Listen=[::]:22 (Stream)\n"
    assert read(run=each_time).newer_files == frozenset()


@pytest.mark.parametrize(
    ("service", "loaded", "newer"),
    [
        # Nobody has come by ssh yet: the first connection starts it.
        ("inactive", "", set()),
        ("active", "loaded 1790000009 /run/sshd.pid\n", set()),
        ("active", "loaded 1790000001 /run/sshd.pid\n", {DROP_IN}),
    ],
)
def test_an_sshd_that_systemd_starts_at_the_first_connection(service, loaded, newer):
    files = RUN.partition("loaded")[0]
    assert read(run=f"{files}{loaded}{SOCKET}service ActiveState={service}\n").newer_files == newer


@pytest.mark.parametrize(
    "broken",
    [
        {"sshd": ""},
        {"sshd": "sshd: no hostkeys available -- exiting.\n"},
        {"sshd": D12.replace("usepam yes\n", "")},
        {"sshd": D12.replace("listenaddress", "address")},
        {"sshd": D12.replace("[::]:22", "somewhere")},
        {"files": f"{MAIN}:Include /opt/sshd/*.conf\n"},
        {"files": f"{MAIN}:Include {MAIN}\n"},
        {"run": RUN.replace("loaded", "lost")},
        {"run": RUN.replace("loaded", "lost") + SOCKET + "service ActiveState=active\n"},
        {"run": RUN.replace("1790000000", "yesterday")},
        {"run": RUN.replace(MAIN, "/etc/other")},
        {"run": ""},
    ],
)
def test_an_sshd_that_does_not_tell(broken):
    with pytest.raises(ProbeError):
        read(**broken)


AWKS = [awk for awk in ("mawk", "gawk", "original-awk") if shutil.which(awk)] or ["awk"]


def judged(tmp_path, text, awk="awk"):
    """What the host's own command says of a file."""
    file = tmp_path / "env"
    if text is not None:
        file.write_text(text)
    line = f'root() {{ "$@"; }}\nawk() {{ command {awk} "$@"; }}\n{COMMANDS["secret-keys"].line}'
    done = subprocess.run(
        ["sh", "-c", line],
        capture_output=True,
        text=True,
        env={"ENV_FILE": str(file), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
    )
    return SecretKeys.read(
        printed({"secret-keys": Output(line, done.returncode, done.stdout, done.stderr.strip(), 0.01)})
    )


HEX = "f3a91c07b2e84d5590c6fe1837ab2d64f3090c5be7218a4dd6b35f7e1c80a942"
OTHER = "0b6d1f94ac27e583d0917b4ec6a8f2355ce14d7f80a96b32e47c1d58f903ba6e"
GOOD = f"{APPLICATION_KEY}={HEX}\n{TOKEN_KEY}={OTHER}\n"


@pytest.mark.parametrize("awk", AWKS)
@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"# comment\n  export {APPLICATION_KEY}='{HEX}'\n{TOKEN_KEY}=\"{OTHER}\"  # the other\n",
        f"{APPLICATION_KEY}=short\n{GOOD}",
        f"{APPLICATION_KEY} = {HEX} # set by hand\r\n{TOKEN_KEY}={OTHER}\r\n",
    ],
)
def test_two_good_keys(tmp_path, text, awk):
    keys = judged(tmp_path, text, awk)
    assert keys.differ
    assert [key.length for key in keys.keys.values()] == [64, 64]
    assert all(
        key.distinct == 16 and key.bits > 200 and not key.repeats and not key.placeholder for key in keys.keys.values()
    )
    assert HEX not in repr(keys)
    assert HEX[:12] not in repr(keys)


@pytest.mark.parametrize("awk", AWKS)
@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        ("your-secret-key-here-please-edit-it-now", "placeholder"),
        ("Change_Me_In_ThisVeryFile_0123456789ab", "placeholder"),
        ("k7Gq2xVb9Lk7Gq2xVb9Lk7Gq2xVb9Lk7Gq2xVb9L", "repeats"),
        ("a" * 64, "repeats"),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "repeats"),
    ],
)
def test_a_flawed_key(tmp_path, value, flaw, awk):
    key = judged(tmp_path, f"{APPLICATION_KEY}={value}\n", awk).keys[APPLICATION_KEY]
    assert getattr(key, flaw)
    assert key.length == len(value)


@pytest.mark.parametrize(
    "make", [secrets.token_hex, secrets.token_urlsafe, lambda n: str(secrets.randbelow(10**n)).zfill(n)]
)
def test_random_keys_of_any_kind_look_random(tmp_path, make):
    for _ in range(10):
        key = judged(tmp_path, f"{APPLICATION_KEY}={make(32)}\n").keys[APPLICATION_KEY]
        assert key.bits >= 80, key
        assert key.distinct >= 8, key
        assert not key.repeats, key


@pytest.mark.parametrize(
    "text", [None, "", "OTHER=1\n", f"#{APPLICATION_KEY}={HEX}\n", f"{APPLICATION_KEY}=\n", f"X{GOOD[:20]}\n"]
)
def test_keys_that_are_not_set(tmp_path, text):
    keys = judged(tmp_path, text)
    assert (keys.keys, keys.differ) == ({}, False)


def test_one_value_for_both(tmp_path):
    assert not judged(tmp_path, f"{APPLICATION_KEY}={HEX}\n{TOKEN_KEY}='{HEX}'\n").differ


TOLD = f"{APPLICATION_KEY} length 64 distinct 16 bits 240 repeats 0 placeholder 0\ndiffer 1\nlines 9\n"


def test_what_the_host_tells():
    key = SecretKeys.read(printed({"secret-keys": TOLD})).keys[APPLICATION_KEY]
    assert key == SecretKey(length=64, distinct=16, bits=240, repeats=False, placeholder=False)


@pytest.mark.parametrize(
    "output",
    [
        Output("", 0, "", "", 0.01),
        Output("", 0, TOLD.replace("bits 240", "bits many"), "", 0.01),
        Output("", 0, TOLD.replace("lines 9\n", ""), "", 0.01),
        Output("", 0, "differ 0\nlines 0\n", "cat: /x/.env: Permission denied", 0.01),
        Output("", 127, "", "sh: 1: awk: not found", 0.01),
        Output("", 0, "differ 0\nlines 0\n", "sudo: a password is required", 0.01),
    ],
)
def test_keys_that_could_not_be_judged(output):
    with pytest.raises(ProbeError):
        SecretKeys.read(printed({"secret-keys": output}))
