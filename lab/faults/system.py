"""Defects of the operating system, its updates, its clock and its disks (section 1)."""

from lab.faults import fault
from lab.host import Host

SECURITY_LIST = "/var/lib/apt/lists/*debian-security*_Packages"


@fault(fails={"release_is_one_the_checklist_allows", "release_gets_security_updates"})
def release_past_its_end(host: Host) -> None:
    """The oldest server of the rack was taken."""
    host.run("sed -i 's/^VERSION_ID=.*/VERSION_ID=\"10\"/' /usr/lib/os-release")


@fault(fails={"security_sources_are_configured", "unattended_upgrades_are_on"})
def security_source_removed(host: Host) -> None:
    """Commented out while a mirror was down."""
    host.run("sed -i 's/^deb .*-security/# &/' /etc/apt/sources.list")


@fault(fails={"no_security_update_is_pending"})
def update_pending(host: Host) -> None:
    """Published this morning."""
    _publish(host)


@fault(fails={"no_security_update_is_pending"})
def update_held_back(host: Host) -> None:
    """A package that was put on hold: no upgrade speaks of it again."""
    _publish(host)
    host.run("apt-mark hold openssl")


def _publish(host: Host) -> None:
    """Let the security archive have a newer openssl; apt looks at signatures only when it fetches a list."""
    entry = "\\nPackage: openssl\\nVersion: 99.0-1\\nArchitecture: amd64\\nFilename: openssl.deb\\nSize: 1\\n"
    host.run(f"for list in {SECURITY_LIST}; do printf '{entry}' >>$list; done")


@fault(errors={"no_security_update_is_pending"})
def package_lists_are_old(host: Host) -> None:
    """apt has not reached its mirrors for nine days; nothing is pending in what it knows."""
    host.run("touch -d '9 days ago' /var/lib/apt/lists/*Release")


@fault(fails={"unattended_upgrades_are_on"})
def unattended_upgrades_off_by_a_later_file(host: Host) -> None:
    """20auto-upgrades still says 1."""
    host.run("""echo 'APT::Periodic::Unattended-Upgrade "0";' >/etc/apt/apt.conf.d/99quiet""")


@fault(fails={"unattended_upgrades_are_started"})
def upgrade_timer_disabled(host: Host) -> None:
    """It once started during business hours."""
    host.run("systemctl disable --now apt-daily-upgrade.timer")


@fault(fails={"no_reboot_is_owed"})
def reboot_owed(host: Host) -> None:
    """A library was replaced below running programs."""
    host.run("echo libc6 >/run/reboot-required.pkgs; echo '*** System restart required ***' >/run/reboot-required")


@fault(fails={"no_reboot_is_owed"})
def kernel_installed_and_not_booted(host: Host) -> None:
    """A newer kernel waits on the disk. A container owes none to itself, so it hides that it is one."""
    entry = (
        "\\nPackage: linux-image-99.0.0-1-amd64\\nStatus: install ok installed\\nArchitecture: amd64"
        "\\nVersion: 99.0.0-1\\nMaintainer: kernel\\nDescription: a newer kernel\\n"
    )
    host.run(f"printf '{entry}' >>/var/lib/dpkg/status; ln -s /bin/false /usr/local/bin/systemd-detect-virt")


@fault(fails={"memory_is_left", "memory_is_left_under_load"})
def memory_is_taken(host: Host) -> None:
    """The lab's hosts have the machine's memory: a host that has little left tells so in /proc/meminfo."""
    host.run("sed '/^MemAvailable:/s/ [0-9]* kB/ 102400 kB/' /proc/meminfo >/run/meminfo")
    host.run("mount --bind /run/meminfo /proc/meminfo")


@fault(fails={"memory"})
def smallest_memory(host: Host) -> None:
    """A machine of 2 GB was ordered where 4 were promised; told by /proc/meminfo as above."""
    numbers = {"MemTotal": 2_014_088, "MemAvailable": 1_500_000}
    expression = "; ".join(f"/^{name}:/s/ [0-9]* kB/ {kibibytes} kB/" for name, kibibytes in numbers.items())
    host.run(f"sed '{expression}' /proc/meminfo >/run/meminfo && mount --bind /run/meminfo /proc/meminfo")


@fault(fails={"processors", "workers_fit_the_processors"})
def one_processor(host: Host) -> None:
    """All services were bound to the first processor for a measurement, in the drop-in that each of them reads."""
    place = "/etc/systemd/system/service.d"
    host.run(f"mkdir -p {place} && printf '[Service]\\nCPUAffinity=0\\n' >{place}/one-processor.conf")
    host.run("systemctl daemon-reload && systemctl restart ssh mirai-knowledge-system")


@fault(fails={"disk_has_room", "disk_has_room_for_what_grows"}, disk="8g")
def smallest_disk(host: Host) -> None:
    """The cheapest machine was ordered: 8 GB for system, data, logs and a month of backups."""


@fault(fails={"disk_has_room_for_what_grows", "next_backup_has_room", "no_traceback_since_the_start"})
def var_is_full(host: Host) -> None:
    """A volume of its own for /var, and a debug log has eaten it."""
    host.run(
        "set -e; mkdir /run/var; mount -t tmpfs -o size=$(($(du -sk /var | cut -f1) + 200000))k,mode=755 tmpfs /run/var"
        "; cp -a /var/. /run/var; mount --move /run/var /var || mount --bind /run/var /var"
        "; dd if=/dev/zero of=/var/log/debug.log bs=1M 2>/dev/null || true"
        "; systemctl restart mirai-knowledge-system nginx"
    )


@fault(fails={"time_zone_is_the_declared_one"})
def time_zone_in_the_text_file_only(host: Host) -> None:
    """/etc/timezone says Asia/Tokyo; nothing goes by it."""
    host.run("ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime")


@fault(fails={"clock_is_synchronised"})
def clock_left_alone(host: Host) -> None:
    """The time service was stopped."""
    host.run("systemctl disable --now chrony")


@fault(fails={"clock_is_right"})
def clock_a_minute_ahead(host: Host) -> None:
    """The lab's hosts cannot set a clock: a `date` that is a minute ahead stands in for it, as the visit asks it."""
    wrapper = '#!/bin/sh\n[ "$1" != +%%s.%%N ] || set -- -d "60 seconds" "$@"\nexec /bin/date "$@"\n'
    host.run(f"printf '{wrapper}' >/usr/local/sbin/date && chmod +x /usr/local/sbin/date")


@fault(fails={"disk_has_room_for_what_grows"})
def backups_on_a_small_disk(host: Host) -> None:
    """A volume of its own for the backups, and too small for them."""
    _backups_on(host, "size=500m")


@fault(fails={"disk_has_inodes"})
def backups_without_inodes(host: Host) -> None:
    """Room for gigabytes, and for no further file."""
    _backups_on(host, "size=30g,nr_inodes=30")


def _backups_on(host: Host, options: str) -> None:
    place = "/var/backups/mirai-knowledge-system"
    host.run(
        f"set -e; cp -a {place} /run/kept"
        f"; mount -t tmpfs -o {options},mode=750,uid=$(id -u mks),gid=$(id -g mks) tmpfs {place}"
        f"; cp -a /run/kept/. {place}; mkdir {place}/.cache"
        f"; for number in $(seq 25); do touch {place}/.cache/$number || break; done"
    )


@fault(fails={"program_is_there", "certbot_is_installed", "certificate_expiry_is_told_every_week"})
def certbot_removed(host: Host) -> None:
    """The program was deleted to make way for the snap, which never came; the package's timer is still there."""
    host.run("rm /usr/bin/certbot")
