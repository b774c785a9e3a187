"""Section 3: who gets in by ssh, and how."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.sshd import Sshd
from cutover.inventory import Target


@control("3.ssh")
def test_ssh_takes_public_keys(sshd: Sshd) -> None:
    """With passwords off, it is the only way in for the operator.

    Mend: PubkeyAuthentication yes in /etc/ssh/sshd_config.d/, then sudo systemctl reload ssh
    """
    state = {who: settings["pubkeyauthentication"] for who, settings in sshd.settings.items()}
    assert seen(state, where="sshd -T") == promised(dict.fromkeys(state, "yes"))


@control("3.ssh")
def test_ssh_lets_nobody_in_without_a_key(sshd: Sshd) -> None:
    """Passwords are guessed day and night. PAM asks for one by keyboard-interactive too, and a drop-in or a Match
    block outvotes what the main file says.

    Mend: PasswordAuthentication no and KbdInteractiveAuthentication no in the first file of /etc/ssh/sshd_config.d/
    """
    state = {who: sshd.ways_without_a_key(who) for who in sshd.settings}
    assert seen(state, where="sshd -T") == promised(dict.fromkeys(state, frozenset()))


@control("3.ssh")
@pytest.mark.parametrize("forbidden", ["permitrootlogin yes", "permitemptypasswords yes"])
def test_ssh_forbids(sshd: Sshd, forbidden: str) -> None:
    """root by password is what a guesser tries first; an empty password is none at all.

    Mend: PermitRootLogin prohibit-password and PermitEmptyPasswords no, then sudo systemctl reload ssh
    """
    key, _, value = forbidden.partition(" ")
    told = {who for who, settings in sshd.settings.items() if settings.get(key) == value}
    assert seen(told, where=f"sshd -T, {key}") == promised(set())


@control("3.ssh")
def test_ssh_listens_on_the_declared_port(sshd: Sshd, target: Target) -> None:
    """A port that was changed in one place only locks out the operator, or leaves a second door.

    Mend: Port in /etc/ssh/sshd_config.d/ (ListenStream of ssh.socket where systemd listens), or ports.ssh here
    """
    assert seen(sshd.ports) == promised(frozenset({target.ports.ssh}))


@control("3.ssh")
def test_ssh_runs_the_configuration_on_disk(sshd: Sshd) -> None:
    """What was hardened in a file and not loaded hardens nothing, until a boot that may lock out the operator.

    Mend: sudo sshd -t && sudo systemctl reload ssh
    """
    assert seen(sshd.newer_files, where="changed after sshd had read it") == promised(frozenset())
