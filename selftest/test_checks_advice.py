"""The advice beyond the checklist, each with facts that keep the promise and facts that break it."""

from dataclasses import replace

import pytest

from cutover.facts.api import Api
from cutover.facts.bans import Bans
from cutover.facts.core_dumps import CoreDumps
from cutover.facts.http import Http
from cutover.facts.kernel import KernelSettings, MandatoryAccess
from cutover.facts.readable_secrets import ReadableSecrets
from cutover.facts.replaced_files import ReplacedFiles
from cutover.facts.units import Exposure, FailedUnits
from selftest.rows import exchange, fails, judge, passes
from tests_security import test_advice as answers
from tests_server import test_advice as advice

NOBODY = frozenset()
SETTINGS = KernelSettings(
    values={
        "kernel.kptr_restrict": 1,
        "kernel.dmesg_restrict": 1,
        "kernel.yama.ptrace_scope": 1,
        "kernel.randomize_va_space": 2,
        "fs.protected_hardlinks": 1,
        "fs.protected_symlinks": 1,
        "fs.suid_dumpable": 0,
        "net.ipv4.tcp_syncookies": 1,
    },
    accepts_redirects=NOBODY,
    sends_redirects=NOBODY,
    accepts_source_routes=NOBODY,
    accepts_any_source=NOBODY,
    evidence=(),
)


def of_the_kernel():
    confined, promised = (
        advice.test_programs_are_confined_by_the_kernel,
        "AppArmor with a profile in enforce, or SELinux",
    )
    yield passes("apparmor", confined, mandatory_access=MandatoryAccess({"enforce": 12, "complain": 3}, False, ()))
    yield passes("selinux", confined, mandatory_access=MandatoryAccess(None, True, ()))
    for case, profiles, told in (
        ("off", None, "neither is on"),
        ("empty", {}, "AppArmor with no profile"),
        ("complains", {"complain": 3, "unconfined": 40}, "AppArmor with 3 in complain, 40 in unconfined"),
    ):
        yield fails(case, confined, promised, told, mandatory_access=MandatoryAccess(profiles, False, ()))

    apart = advice.test_kernel_keeps_users_apart
    yield passes("good", apart, kernel_settings=SETTINGS)
    more = {"kernel.kptr_restrict": 2, "kernel.yama.ptrace_scope": 3, "fs.suid_dumpable": 2}
    yield passes("more", apart, kernel_settings=replace(SETTINGS, values=SETTINGS.values | more))
    debian = replace(SETTINGS, values=SETTINGS.values | {"kernel.kptr_restrict": 0, "fs.suid_dumpable": 1})
    promised, told = (
        f"kernel.kptr_restrict: {one}; fs.suid_dumpable: {two}" for one, two in (("1 or 2", "0 or 2"), "01")
    )
    yield fails("debian", apart, promised, told, kernel_settings=debian)
    values = {name: value for name, value in SETTINGS.values.items() if "yama" not in name}
    promised = "kernel.yama.ptrace_scope: 1 or 2 or 3"
    without = replace(SETTINGS, values=values)
    yield fails("absent", apart, promised, "kernel.yama.ptrace_scope: absent", kernel_settings=without)

    routes = advice.test_kernel_believes_no_strangers_routes
    yield passes("good", routes, kernel_settings=SETTINGS)
    for field, name in (
        ("accepts_redirects", "accepts redirects"),
        ("sends_redirects", "sends redirects"),
        ("accepts_source_routes", "accepts source routes"),
        ("accepts_any_source", "accepts any source address"),
    ):
        settings = replace(SETTINGS, **{field: frozenset({"eth0"})})
        yield fails(field, routes, f"{name}: none", f"{name}: eth0", kernel_settings=settings)


def of_core_dumps():
    check, promised = advice.test_memory_of_the_application_stays_out_of_files, "no file"
    none = CoreDumps("core", frozenset({"0"}), ())
    yield passes("none", check, core_dumps=none)
    whole = replace(none, limits=frozenset({"0", "unlimited"}))
    yield fails("whole", check, promised, "a file of size 0, unlimited", core_dumps=whole)
    for taker in ("|/lib/systemd/systemd-coredump %P %u", "|/usr/share/apport/apport -p%p", "|/bin/false"):
        yield passes(taker, check, core_dumps=replace(whole, pattern=taker))
    other = replace(none, pattern="|/opt/collect %p")
    yield fails("other", check, promised, "taken by collect", core_dumps=other)


def of_bans():
    check, promised = advice.test_failed_logins_lead_to_a_ban, "one that watches ssh"
    sshd = Bans(frozenset({"fail2ban"}), {"sshd": 0}, ())
    yield passes("journal", check, bans=sshd)
    yield passes("log", check, bans=replace(sshd, jails={"sshd": 86_399, "sshd-ddos": None}))
    yield passes("sshguard", check, bans=Bans(frozenset({"sshguard"}), {}, ()))
    yield passes("both", check, bans=Bans(frozenset({"fail2ban", "sshguard"}), {}, ()))
    yield fails("none", check, promised, "none", bans=Bans(NOBODY, {}, ()))
    yield fails("no-jail", check, promised, "fail2ban without a jail for ssh", bans=replace(sshd, jails={}))
    for quiet in (86_400, None):
        told = "fail2ban, whose sshd reads a log that nothing writes"
        yield fails(f"blind-{quiet}", check, promised, told, bans=replace(sshd, jails={"sshd": quiet}))


def of_systemd():
    units = advice.test_no_unit_has_failed
    yield passes("none", units, failed_units=FailedUnits(NOBODY, ()))
    two = FailedUnits(frozenset({"certbot.service", "apt-daily.service"}), ())
    yield fails("two", units, "none", "apt-daily.service, certbot.service", failed_units=two)

    hardened = advice.test_unit_is_shut_in
    yield passes("medium", hardened, exposure=Exposure(7.4, ("PrivateNetwork=",), ()))
    plain = Exposure(9.2, ("PrivateNetwork=", "ProtectHome="), ())
    yield fails("plain", hardened, "less than 7.5", "9.2; most by PrivateNetwork=, ProtectHome=", exposure=plain)
    yield fails("bound", hardened, "less than 7.5", "7.5", exposure=Exposure(7.5, (), ()))

    installed = advice.test_services_run_what_is_installed
    yield passes("none", installed, replaced_files=ReplacedFiles({}, ()))
    old = {"ssh.service": "/usr/sbin/sshd", "nginx.service": "/libssl.so.3", "app.service": "/libssl.so.3"}
    promised, told = "/libssl.so.3: nothing; /usr/sbin/sshd: nothing", "/libssl.so.3: app.service, nginx.service; "
    told += "/usr/sbin/sshd: ssh.service"
    yield fails("two", installed, promised, told, replaced_files=ReplacedFiles(old, ()))


def of_secrets():
    check = advice.test_no_secret_is_readable_by_everybody
    yield passes("none", check, readable_secrets=ReadableSecrets(NOBODY, ()))
    found = ReadableSecrets(frozenset({"/srv/key.pem", "/home/ops/.netrc"}), ())
    yield fails("two", check, "none", "/home/ops/.netrc, /srv/key.pem", readable_secrets=found)


def of_answers():
    check = answers.test_answers_do_not_tell_a_version

    def served(https, http="nginx"):
        return {
            "http": Http({"/": exchange(headers=(("Server", https),)), "404": exchange()}),
            "redirect": Http({"/": exchange(headers=(("Server", http),))}),
        }

    yield passes("nginx", check, **served("nginx"))
    yield passes("h2o", check, **served("h2o", "nginx (Ubuntu)"))
    for value in ("nginx/1.22.1", "Apache (Debian) OpenSSL/3.0.11", "gunicorn 20"):
        yield fails(value, check, "no version", ", ".join(sorted(["absent", "nginx", value])), **served(value))
    yield fails("redirect", check, "no version", "absent, nginx, nginx/1.22.1", **served("nginx", "nginx/1.22.1"))


def of_pages_and_cookies():
    check = answers.test_pages_say_what_they_may_load

    def page(*policy, content_type="text/html"):
        return Http({"/": exchange(200, content_type, [("Content-Security-Policy", value) for value in policy])})

    for policy in ("default-src 'self'", "img-src *; Script-Src 'self'"):
        yield passes(policy, check, http=page(policy))
    yield passes("no-page", check, http=page(content_type="application/json"))
    yield fails("absent", check, "/: names its sources", "/: absent", http=page())
    for policy in ("img-src *", "upgrade-insecure-requests;", ";"):
        yield fails(policy, check, "/: names its sources", f"/: names none for scripts: {policy}", http=page(policy))

    check, promised = answers.test_cookies_stay_with_the_site, "Secure, HttpOnly and SameSite on every cookie"

    def set_by(*cookies):
        plain = exchange(200)
        given = exchange(200, headers=[("Set-Cookie", cookie) for cookie in cookies])
        return {"http": Http({"/": given}), "api": Api(plain, "admin", plain, 1)}

    yield passes("none", check, **set_by())
    yield passes("whole", check, **set_by("a=[redacted]; secure; HttpOnly; SameSite=Lax"))
    yield fails("bare", check, promised, "a of /: Secure, HttpOnly, SameSite", **set_by("a=1"))
    yield fails("in-its-value", check, promised, "a of /: HttpOnly, SameSite", **set_by("a=HttpOnly; Secure"))


ROWS = [
    *of_pages_and_cookies(),
    *of_the_kernel(),
    *of_core_dumps(),
    *of_bans(),
    *of_systemd(),
    *of_secrets(),
    *of_answers(),
]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure
