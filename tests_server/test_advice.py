"""Advice beyond the checklist: what makes the server a harder target, and what it forgot. It fails no run unasked."""

from cutover.check import control, promised, seen
from cutover.facts.bans import Bans
from cutover.facts.core_dumps import CoreDumps
from cutover.facts.kernel import KernelSettings, MandatoryAccess
from cutover.facts.readable_secrets import ReadableSecrets
from cutover.facts.replaced_files import ReplacedFiles
from cutover.facts.units import Exposure, FailedUnits

# Where Debian, the CIS benchmark and Lynis agree; where one asks for more than another, the least of them.
KERNEL = {
    "kernel.kptr_restrict": (1, 2),
    "kernel.dmesg_restrict": (1,),
    "kernel.yama.ptrace_scope": (1, 2, 3),
    "kernel.randomize_va_space": (2,),
    "fs.protected_hardlinks": (1,),
    "fs.protected_symlinks": (1,),
    "fs.suid_dumpable": (0, 2),
    "net.ipv4.tcp_syncookies": (1, 2),
}
# Programs that take core dumps and keep them for root and the user of the process, or not at all.
DUMP_TAKERS = ("systemd-coredump", "apport", "false", "true")
QUIET_SECONDS = 86_400  # sshd's log has a line of cron's or of a login's within a day
EXPOSED = 7.5  # where systemd itself says EXPOSED; the plain unit of section 10 has 9.2


@control("advice.apparmor")
def test_programs_are_confined_by_the_kernel(mandatory_access: MandatoryAccess) -> None:
    """With a profile, a program that was taken over reaches its own files only, even as root.

    Mend: sudo apt install apparmor; where the kernel has it off, apparmor=1 security=apparmor for it at the boot
    """
    profiles = mandatory_access.profiles
    enforced = mandatory_access.selinux or sum((profiles or {}).get(mode, 0) for mode in ("enforce", "kill")) > 0
    told = "neither is on"
    if profiles is not None:
        told = f"AppArmor with {', '.join(f'{profiles[mode]} in {mode}' for mode in sorted(profiles)) or 'no profile'}"
    if mandatory_access.selinux:
        told = "SELinux enforces"
    assert seen(enforced, told) == promised(True, "AppArmor with a profile in enforce, or SELinux")


@control("advice.sysctl")
def test_kernel_keeps_users_apart(kernel_settings: KernelSettings) -> None:
    """These stop one user's program from reading addresses and memory of another's, the first steps of most exploits.

    Mend: write the promised values as NAME = VALUE into /etc/sysctl.d/60-hardening.conf, then sudo sysctl --system
    """
    values = {name: kernel_settings.values.get(name, "absent") for name in KERNEL}
    good = {
        name: values[name] if values[name] in allowed else " or ".join(map(str, allowed))
        for name, allowed in KERNEL.items()
    }
    assert seen(values, where="/proc/sys") == promised(good)


@control("advice.sysctl")
def test_kernel_believes_no_strangers_routes(kernel_settings: KernelSettings) -> None:
    """A neighbour on the network may otherwise lead traffic past itself, or send it under another's address.

    Mend: into /etc/sysctl.d/60-hardening.conf net.ipv4.conf.*.rp_filter = 2, and = 0 for accept_redirects,
    send_redirects and accept_source_route of net.ipv4.conf.* and accept_redirects of net.ipv6.conf.*; then
    sudo systemctl restart systemd-sysctl
    """
    found = {
        "accepts redirects": kernel_settings.accepts_redirects,
        "sends redirects": kernel_settings.sends_redirects,
        "accepts source routes": kernel_settings.accepts_source_routes,
        "accepts any source address": kernel_settings.accepts_any_source,
    }
    assert seen(found, where="interfaces, by /proc/sys/net") == promised(dict.fromkeys(found, frozenset()))


@control("advice.core-dumps")
def test_memory_of_the_application_stays_out_of_files(core_dumps: CoreDumps) -> None:
    """After a crash a core file has the secret keys and users' data in it, and goes wherever its directory is copied.

    Mend: LimitCORE=0 in the unit, then sudo systemctl daemon-reload and restart it; or sudo apt install
    systemd-coredump, which keeps dumps for root and the process's user
    """
    program = core_dumps.pattern.removeprefix("|").split(" ")[0].rpartition("/")[2]
    if core_dumps.pattern.startswith("|"):
        safe, told = program in DUMP_TAKERS, f"taken by {program}"  # whatever the limit is
    else:
        safe, told = core_dumps.limits == {"0"}, f"a file of size {', '.join(sorted(core_dumps.limits))}"
    assert seen(safe, told, where="core_pattern and Max core file size") == promised(True, "no file")


@control("advice.fail2ban")
def test_failed_logins_lead_to_a_ban(bans: Bans) -> None:
    """Guessing goes on day and night. With password logins off (section 3) it fails anyway, and fills the logs.

    Mend: sudo apt install fail2ban python3-systemd, and [sshd] with enabled = true and backend = systemd in
    /etc/fail2ban/jail.d/sshd.local; sudo systemctl restart fail2ban
    """
    awake = {jail for jail, quiet in bans.jails.items() if quiet is not None and quiet < QUIET_SECONDS}
    others = bans.programs - {"fail2ban"}
    told = ", ".join(sorted(bans.programs)) or "none"
    if not others and "fail2ban" in bans.programs and not awake:
        blind = ", ".join(sorted(bans.jails))
        told = (
            f"fail2ban, whose {blind} reads a log that nothing writes" if blind else "fail2ban without a jail for ssh"
        )
    assert seen(bool(awake or others), told) == promised(True, "one that watches ssh")


@control("advice.failed-units")
def test_no_unit_has_failed(failed_units: FailedUnits) -> None:
    """A job that failed before the change fails after it too, and nobody can tell any more which came first.

    Mend: systemctl status NAME and journalctl -u NAME tell why; mend it and start it again, or sudo systemctl
    reset-failed NAME where it no longer matters
    """
    assert seen(failed_units.names, where="systemctl --failed") == promised(frozenset())


@control("advice.deleted-files")
def test_services_run_what_is_installed(replaced_files: ReplacedFiles) -> None:
    """After an upgrade a service goes on with the old library, hole included, until it starts anew.

    Mend: sudo systemctl restart NAME for each (for dbus and systemd-logind a reboot); sudo apt install needrestart
    """
    services = replaced_files.services
    by_file = {path: {name for name in services if services[name] == path} for path in sorted(set(services.values()))}
    assert seen(by_file, where="replaced files, and who still runs them") == promised({})


@control("advice.readable-secrets")
def test_no_secret_is_readable_by_everybody(readable_secrets: ReadableSecrets) -> None:
    """Each account on the server, that of a service taken over too, can read it and be somebody else.

    Mend: sudo chmod o-rwx FILE or delete it; and replace the secret, because it may have been read.
    """
    assert seen(readable_secrets.paths, where="the server's home, temporary, web and configuration directories") == (
        promised(frozenset())
    )


@control("advice.systemd-hardening")
def test_unit_is_shut_in(exposure: Exposure) -> None:
    """Who gets hold of the application is then held by systemd: no other files, no devices, no other rights.

    Mend: NoNewPrivileges, PrivateTmp, ProtectHome, PrivateDevices, ProtectKernelTunables, ProtectKernelModules and
    ProtectControlGroups = yes and ProtectSystem=full in the unit; sudo systemctl daemon-reload, then restart it
    """
    told = f"{exposure.level}; most by {', '.join(exposure.open)}" if exposure.open else f"{exposure.level}"
    assert seen(exposure.level, told, where="systemd-analyze security") < promised(EXPOSED, f"less than {EXPOSED}")
