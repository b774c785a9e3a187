"""Section 1: the release is supported, and security updates come and are installed."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.reboot import Reboot
from cutover.facts.releases import Support
from cutover.facts.updates import PendingUpdates, Sources, UnattendedUpgrades


@control("1.os")
def test_release_gets_security_updates(support: Support) -> None:
    """After its end of life no hole in it is closed any more, however up to date it looks.

    Mend: sudo do-release-upgrade or sudo pro attach (Ubuntu), or move to a server with a supported release
    """
    text = f"{support.release}: until {support.until}"
    assert seen(support.until, text) >= promised(support.today, f"supported on {support.today}")


@control("1.os")
def test_security_sources_are_configured(sources: Sources) -> None:
    """Without the security archive of its own release, apt calls an unpatched server up to date.

    Mend: add the -security line of the release to /etc/apt/sources.list, then sudo apt-get update
    """
    configured = "configured" if sources.security else "not configured"
    assert seen(configured, where="apt-get indextargets") == promised("configured")


@control("1.os")
def test_no_security_update_is_pending(pending_updates: PendingUpdates) -> None:
    """A published fix tells everybody where the hole is. Packages that are held count too.

    Mend: sudo apt-get update && sudo apt-get dist-upgrade (sudo apt-mark showhold tells what is held)
    """
    where = f"package lists {pending_updates.lists_hours:.0f} hours old"
    assert seen(pending_updates.security, where=where) == promised(frozenset())


@control("1.os")
def test_unattended_upgrades_are_on(unattended_upgrades: UnattendedUpgrades) -> None:
    """apt's effective settings count, not one file's: a later file, or an empty list of origins, switches it off.

    Mend: sudo apt-get install unattended-upgrades && sudo dpkg-reconfigure unattended-upgrades
    """
    now = unattended_upgrades
    off = {name for name, value in now.switches.items() if value in ("0", "")}
    state = {"installed": now.installed, "switched off": off, "origins lack": now.uncovered}
    assert seen(state, where="apt-config dump") == promised(
        {"installed": True, "switched off": set(), "origins lack": frozenset()}
    )


@control("1.os")
def test_unattended_upgrades_are_started(unattended_upgrades: UnattendedUpgrades) -> None:
    """Two timers start it; one that is disabled or stopped, say to quiet a busy machine, leaves it asleep.

    Mend: sudo systemctl enable --now apt-daily.timer apt-daily-upgrade.timer
    """
    timers = unattended_upgrades.timers
    assert seen(timers) == promised(dict.fromkeys(timers, "active, enabled"))


@control("1.os")
@pytest.mark.parametrize("owed", ["by the packages", "by the kernel"])
def test_no_reboot_is_owed(reboot: Reboot, owed: str) -> None:
    """A kernel or library that is installed and not running protects nobody.

    Mend: sudo systemctl reboot
    """
    if owed == "by the packages":
        assert seen(reboot.asked_for, where="/run/reboot-required") == promised(None)
    else:
        assert seen(reboot.newer_kernels, where=f"running {reboot.kernel}") == promised(frozenset())
