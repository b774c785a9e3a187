"""The checks of ssh and of the secret keys, each with facts that keep the promise and facts that break it."""

from dataclasses import replace

import pytest

from cutover.facts.secret_keys import APPLICATION_KEY, TOKEN_KEY, SecretKey, SecretKeys
from cutover.facts.sshd import EVERYBODY, Sshd
from cutover.inventory import Ports, Target
from selftest.rows import HOST, TARGET, fails, judge, passes
from tests_security import test_secrets_on_host as secret_keys
from tests_security import test_ssh as ssh

SETTINGS = {
    "usepam": "yes",
    "pubkeyauthentication": "yes",
    "passwordauthentication": "no",
    "kbdinteractiveauthentication": "no",
    "permitrootlogin": "without-password",
    "permitemptypasswords": "no",
    "authenticationmethods": "any",
}
GOOD = Sshd({EVERYBODY: SETTINGS}, ports=frozenset({22}), newer_files=frozenset(), evidence=())
BLOCK = "Match User supplier"


def sshd(who=EVERYBODY, **changed):
    return replace(GOOD, settings=GOOD.settings | {who: SETTINGS | changed})


def of_ssh():
    keys, without = ssh.test_ssh_takes_public_keys, ssh.test_ssh_lets_nobody_in_without_a_key
    yield passes("yes", keys, sshd=GOOD)
    for who in (EVERYBODY, BLOCK):
        off = sshd(who, pubkeyauthentication="no")
        yield fails(f"off-{who}", keys, f"{who}: yes", f"{who}: no", sshd=off)
        password = sshd(who, passwordauthentication="yes")
        yield fails(f"password-{who}", without, f"{who}: none", f"{who}: password", sshd=password)
        by_pam = sshd(who, kbdinteractiveauthentication="yes")
        yield fails(f"pam-{who}", without, f"{who}: none", f"{who}: keyboard-interactive", sshd=by_pam)
    yield passes("off", without, sshd=sshd(BLOCK))
    both = "publickey,keyboard-interactive"
    yield passes("second-factor", without, sshd=sshd(kbdinteractiveauthentication="yes", authenticationmethods=both))


def of_sshd():
    forbids = ssh.test_ssh_forbids
    root, empty = "permitrootlogin yes", "permitemptypasswords yes"
    for value in ("no", "without-password", "prohibit-password", "forced-commands-only"):
        yield passes(value, forbids, sshd=sshd(permitrootlogin=value), forbidden=root)
    yield passes("empty", forbids, sshd=GOOD, forbidden=empty)
    for who in (EVERYBODY, BLOCK):
        yield fails(f"root-{who}", forbids, "none", who, sshd=sshd(who, permitrootlogin="yes"), forbidden=root)
        yield fails(f"empty-{who}", forbids, "none", who, sshd=sshd(who, permitemptypasswords="yes"), forbidden=empty)

    port, running = ssh.test_ssh_listens_on_the_declared_port, ssh.test_ssh_runs_the_configuration_on_disk
    elsewhere = Target(host=HOST, ports=Ports(ssh=2222))
    yield passes("22", port, sshd=GOOD, target=TARGET)
    yield passes("2222", port, sshd=replace(GOOD, ports=frozenset({2222})), target=elsewhere)
    yield fails("not-moved", port, "2222", "22", sshd=GOOD, target=elsewhere)
    yield fails("both", port, "22", "22, 2222", sshd=replace(GOOD, ports=frozenset({22, 2222})), target=TARGET)
    yield passes("loaded", running, sshd=GOOD)
    file = "/etc/ssh/sshd_config.d/10-keys.conf"
    yield fails("edited", running, "none", file, sshd=replace(GOOD, newer_files=frozenset({file})))


RANDOM = SecretKey(length=64, distinct=16, bits=240, repeats=False, placeholder=False)


def keys(key=RANDOM, other=RANDOM, differ=True):
    found = {APPLICATION_KEY: key, TOKEN_KEY: other}
    return SecretKeys({name: one for name, one in found.items() if one}, differ, ())


def of_secret_keys():
    long, random = secret_keys.test_secret_key_is_long, secret_keys.test_secret_key_looks_random
    own, differ = secret_keys.test_secret_key_is_no_placeholder, secret_keys.test_secret_keys_differ
    least, wanted = "at least 32 characters", "80 bits, 8 different characters, no pattern"
    exactly, short = replace(RANDOM, length=32), replace(RANDOM, length=31)
    yield passes("exactly", long, secret_keys=keys(exactly), key=APPLICATION_KEY)
    yield passes("short-other", long, secret_keys=keys(short), key=TOKEN_KEY)
    yield fails("one-less", long, least, "31 characters", secret_keys=keys(short), key=APPLICATION_KEY)
    yield fails("not-set", long, least, "not set", secret_keys=keys(None), key=APPLICATION_KEY)
    yield passes("exactly", random, secret_keys=keys(replace(RANDOM, bits=80, distinct=8)), key=APPLICATION_KEY)
    for case, flawed, told in (
        ("few-bits", replace(RANDOM, bits=79), "79 bits, 16 different characters"),
        ("few-characters", replace(RANDOM, distinct=7), "240 bits, 7 different characters"),
        ("pattern", replace(RANDOM, repeats=True), "240 bits, 16 different characters, with a pattern"),
        ("not-set", None, "not set"),
    ):
        yield fails(case, random, wanted, told, secret_keys=keys(flawed), key=APPLICATION_KEY)
    mine = "a value of its own"
    yield passes("own", own, secret_keys=keys(), key=TOKEN_KEY)
    example = keys(RANDOM, replace(RANDOM, placeholder=True))
    yield fails("placeholder", own, mine, "a placeholder", secret_keys=example, key=TOKEN_KEY)
    yield fails("not-set", own, mine, "not set", secret_keys=keys(None), key=APPLICATION_KEY)
    yield passes("two", differ, secret_keys=keys())
    yield fails("one", differ, "different", "the same", secret_keys=keys(differ=False))


ROWS = [*of_ssh(), *of_sshd(), *of_secret_keys()]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure
