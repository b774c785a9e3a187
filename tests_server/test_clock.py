"""Section 1: time zone and clock."""

from cutover.check import control, promised, seen
from cutover.facts.clock import Clock, TimeZone
from cutover.inventory import Server, Target


@control("1.os")
def test_time_zone_is_the_declared_one(time_zone: TimeZone, target: Target) -> None:
    """Cron, logs and the application go by /etc/localtime; /etc/timezone is only a note of it.

    Mend: sudo timedatectl set-timezone Asia/Tokyo, then restart cron and the application
    """
    wanted = (target.server or Server(way_in="local://")).time_zone
    told = f"{time_zone.name} ({time_zone.told})"
    assert seen(time_zone.as_declared, told, where="/etc/localtime") == promised(True, wanted)


@control("1.os")
def test_clock_is_synchronised(clock: Clock) -> None:
    """A clock that nobody corrects drifts by seconds a week; tokens and certificates go by it.

    Mend: sudo timedatectl set-ntp true, or sudo apt-get install chrony
    """
    assert seen(clock.synchronised) == promised(dict.fromkeys(clock.synchronised, True))


@control("1.os")
def test_clock_is_right(clock: Clock, target: Target) -> None:
    """Compared with the clock of whoever verifies, less what the way there leaves uncertain.

    Mend: chronyc sources, then sudo chronyc makestep (or sudo systemctl restart systemd-timesyncd)
    """
    limit = target.limits.clock_skew_seconds
    text = f"{clock.ahead_seconds:+.2f} s, give or take {clock.uncertain_seconds:.2f} s"
    least = max(0.0, abs(clock.ahead_seconds) - clock.uncertain_seconds)
    assert seen(least, text) <= promised(limit, f"at most {limit:g} s from the operator's clock")
