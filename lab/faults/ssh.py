"""Defects of the ssh server (section 3)."""

from lab.faults import fault
from lab.host import Host


def configure(host: Host, file: str, text: str, reload: bool = True) -> None:
    """Add a file to sshd's configuration; it has to be one that sshd accepts."""
    host.run(f"printf '{text}\\n' >/etc/ssh/sshd_config.d/{file} && sshd -t")
    if reload:
        host.run("systemctl reload ssh && sleep 0.5")


@fault(fails={"ssh_lets_nobody_in_without_a_key"})
def passwords_by_an_earlier_drop_in(host: Host) -> None:
    """The provider's image brings a file that sorts before the operator's: the first value counts."""
    configure(host, "05-cloud-init.conf", "PasswordAuthentication yes")


@fault(fails={"ssh_lets_nobody_in_without_a_key"})
def passwords_by_way_of_pam(host: Host) -> None:
    """PasswordAuthentication is no, and PAM asks for the password all the same."""
    configure(host, "05-otp.conf", "KbdInteractiveAuthentication yes")


@fault(fails={"ssh_lets_nobody_in_without_a_key"})
def passwords_in_a_match_block(host: Host) -> None:
    """For one supplier only; `sshd -T` does not tell of it."""
    configure(host, "90-supplier.conf", "Match User supplier\\n    PasswordAuthentication yes")


@fault(fails={"ssh_forbids"})
def root_login_from_the_office(host: Host) -> None:
    """root with a password, from one network."""
    configure(host, "90-office.conf", "Match Address 203.0.113.0/24\\n    PermitRootLogin yes")


@fault(fails={"ssh_takes_public_keys"})
def keys_off_for_a_group(host: Host) -> None:
    """A group that was to be let in by a card reader."""
    configure(host, "90-cards.conf", "Match Group cards\\n    PubkeyAuthentication no")


@fault(fails={"ssh_runs_the_configuration_on_disk"})
def hardened_and_not_reloaded(host: Host) -> None:
    """The file is right, and sshd has never read it."""
    host.run("sleep 1.1")
    configure(host, "20-harder.conf", "MaxAuthTries 3", reload=False)


@fault(fails={"ssh_listens_on_the_declared_port", "nothing_else_listens"})
def second_port(host: Host) -> None:
    """Kept open for the way back while the port was changed."""
    configure(host, "20-port.conf", "Port 22\\nPort 2222")
