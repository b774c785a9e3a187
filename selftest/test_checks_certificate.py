"""The checks of section 6, each with facts that keep the promise and facts that break it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from cutover.facts.certificate import Certificate, Key, Link
from cutover.facts.certificate_files import CertificateFiles, CertificateOnDisk, File
from cutover.facts.renewal import Attempt, Rehearsal, Renewal, Timer
from selftest.nginx_facts import TARGET, TEMPLATE, edited, nginx
from selftest.rows import HOST, fails, judge, passes
from tests_server import test_certificate_files as files
from tests_server import test_renewal as renewals

LIVE = f"/etc/letsencrypt/live/{HOST}"
CHAIN, PRIVATE = f"{LIVE}/fullchain.pem", f"{LIVE}/privkey.pem"
KEY = File(PRIVATE, "-rw-------", False, "root", "root", 1)
FILES = CertificateFiles(CHAIN, PRIVATE, File(CHAIN, "-rw-r--r--", False, "root", "root", 1), KEY, ())
ON_DISK = CertificateOnDisk((HOST,), "aa", "11", "11", 2, ())
NOW = datetime(2026, 3, 1, tzinfo=UTC)
LEAF = Link(f"CN={HOST}", "CN=E5", (HOST,), NOW, NOW, "aa", False, True, Key("EC", 256), "sha256", "")
SERVED = Certificate(HOST, "192.0.2.1", NOW, (LEAF,), "", 0)

SETTINGS = {
    "fullchain": CHAIN,
    "server": "https://acme-v02.api.letsencrypt.org/directory",
    "authenticator": "webroot",
}
TIMER = Timer("certbot.timer", "active", "enabled", True)
SNAP = Timer("snap.certbot.renew.timer", "active", "enabled", True)
RENEWAL = Renewal(
    certbot="/usr/bin/certbot",
    conf=f"/etc/letsencrypt/renewal/{HOST}.conf",
    settings=SETTINGS,
    webroots=("/var/www/html",),
    reloads=frozenset({"/etc/letsencrypt/renewal-hooks/deploy/reload-nginx"}),
    dead_hooks=frozenset(),
    timers=(TIMER,),
    services={"certbot.service": "inactive"},
    cron_active=True,
    cron_entries=frozenset(),
    attempt=Attempt("2026-03-01 03:00:00", ()),
    evidence=(),
)


def having(**settings):
    return replace(RENEWAL, settings=SETTINGS | settings)


def of_files():
    exist = files.test_certificate_files_exist
    yield passes("both", exist, certificate_files=FILES)
    gone = replace(FILES, certificate=None)
    yield fails("no-certificate", exist, f"{CHAIN}: yes", f"{CHAIN}: no", certificate_files=gone)
    keyless = replace(FILES, private_key=None)
    yield fails("no-key", exist, f"{PRIVATE}: yes", f"{PRIVATE}: no", certificate_files=keyless)

    private = files.test_private_key_is_readable_by_root_only
    for good in (KEY, replace(KEY, mode="-r--------"), replace(KEY, mode="-rw-r-----")):
        yield passes(good.told, private, certificate_files=replace(FILES, private_key=good))
    for bad in (
        replace(KEY, mode="-rw-r--r--"),
        replace(KEY, mode="-rw-r-----", group="ssl-cert"),
        replace(KEY, owner="www-data"),
        replace(KEY, listed=True, mode="-rw-r-----"),
    ):
        given = {"certificate_files": replace(FILES, private_key=bad)}
        yield fails(bad.told, private, "-rw------- root:root", bad.told, **given)
    yield fails("none", private, "-rw------- root:root", "not there", certificate_files=keyless)

    matches = files.test_private_key_matches_the_certificate
    yield passes("pair", matches, certificate_on_disk=ON_DISK)
    other = replace(ON_DISK, private_keys_public_key="22")
    yield fails("other", matches, "11", "22", certificate_on_disk=other)


def of_certificate():
    named = files.test_certificate_on_disk_is_for_this_name
    yield passes("name", named, certificate_on_disk=ON_DISK, target=TARGET)
    wild = replace(ON_DISK, names=("example.com", "*.example.com"))
    yield passes("wildcard", named, certificate_on_disk=wild, target=TARGET)
    for names, told in ((("example.com", "*.api.example.com"), "example.com, *.api.example.com"), ((), "no name")):
        yield fails(told, named, HOST, told, certificate_on_disk=replace(ON_DISK, names=names), target=TARGET)

    same = files.test_served_certificate_is_the_one_on_disk
    yield passes("same", same, certificate=SERVED, certificate_on_disk=ON_DISK)
    new = replace(ON_DISK, fingerprint="bb")
    yield fails("renewed", same, "bb", "aa", certificate=SERVED, certificate_on_disk=new)


def of_configuration():
    certbot = renewals.test_certbot_is_installed
    for program in ("/usr/bin/certbot", "/snap/bin/certbot"):
        yield passes(program, certbot, renewal=replace(RENEWAL, certbot=program))
    yield fails("none", certbot, "certbot installed", "no certbot", renewal=replace(RENEWAL, certbot=""))

    bare = replace(RENEWAL, settings=None, webroots=())
    configured = renewals.test_renewal_is_configured
    yield passes("lineage", configured, renewal=RENEWAL, certificate_files=FILES)
    off = having(autorenew="False")
    yield fails("none", configured, CHAIN, "no configuration", renewal=bare, certificate_files=FILES)
    yield fails("off", configured, CHAIN, "autorenew = False", renewal=off, certificate_files=FILES)
    other = having(fullchain="/etc/letsencrypt/live/old/fullchain.pem")
    told = "/etc/letsencrypt/live/old/fullchain.pem"
    yield fails("other", configured, CHAIN, told, renewal=other, certificate_files=FILES)

    trusted = renewals.test_renewal_asks_an_authority_that_clients_trust
    promised, staging = "an authority for production", "https://acme-staging-v02.api.letsencrypt.org/directory"
    yield passes("production", trusted, renewal=RENEWAL)
    yield fails("staging", trusted, promised, staging, renewal=having(server=staging))
    yield fails("none", trusted, promised, "none named", renewal=bare)


def of_proof():
    check = renewals.test_renewal_can_prove_the_name
    good, given = nginx(), {"target": TARGET}
    ways = "webroot, nginx or dns"
    yield passes("webroot", check, renewal=RENEWAL, nginx=good, **given)
    slash = replace(RENEWAL, webroots=("/var/www/html/",))
    yield passes("webroot-slash", check, renewal=slash, nginx=good, **given)
    for way in ("nginx", "dns-route53"):
        yield passes(way, check, renewal=having(authenticator=way), nginx=good, **given)
    hooked = having(authenticator="manual", manual_auth_hook="set")
    yield passes("manual-hook", check, renewal=hooked, nginx=good, **given)
    yield fails("manual", check, ways, "manual", renewal=having(authenticator="manual"), nginx=good, **given)
    stops = having(authenticator="standalone", pre_hook="set")
    yield passes("standalone-stops-nginx", check, renewal=stops, nginx=good, **given)
    alone = having(authenticator="standalone")
    yield passes("standalone-port", check, renewal=alone_on("8888"), nginx=good, **given)
    yield fails("standalone", check, ways, "standalone", renewal=alone, nginx=good, **given)
    none = replace(RENEWAL, settings=None)
    yield fails("none", check, ways, "none", renewal=none, nginx=good, **given)
    elsewhere = replace(RENEWAL, webroots=("/srv/acme",))
    promised = "webroot /var/www/html, where nginx looks"
    yield fails("elsewhere", check, promised, "webroot /srv/acme", renewal=elsewhere, nginx=good, **given)
    redirected = edited(TEMPLATE[TEMPLATE.index("    location /.well") : TEMPLATE.index("    # すべて")], "")
    promised = "webroot None, where nginx looks"
    whole = "    return 301 https://$server_name$request_uri;\n    # Let's"
    whole_server = edited("    # Let's", whole)
    yield fails("whole-server", check, promised, "webroot /var/www/html", renewal=RENEWAL, nginx=whole_server, **given)
    over_tls = "    location /.well-known/acme-challenge/ { root /var/www/html; }\n    # 静的"
    followed = nginx(TEMPLATE.replace("    # Let's", whole).replace("    # 静的", over_tls))
    yield passes("redirect-is-followed", check, renewal=RENEWAL, nginx=followed, **given)
    yield fails("redirected", check, promised, "webroot /var/www/html", renewal=RENEWAL, nginx=redirected, **given)


def alone_on(port):
    return having(authenticator="standalone", http01_port=port)


def of_running():
    runs, promised = renewals.test_renewal_runs_by_itself, "a live timer or cron entry"
    entry = frozenset({"root's crontab"})
    without = replace(RENEWAL, timers=())
    yield passes("timer", runs, renewal=RENEWAL)
    yield passes("snap", runs, renewal=replace(RENEWAL, timers=(SNAP,)))
    yield passes("cron", runs, renewal=replace(without, cron_entries=entry))
    yield fails("neither", runs, promised, "neither timer nor cron entry", renewal=without)
    dead = replace(without, cron_entries=entry, cron_active=False)
    yield fails("cron-stopped", runs, promised, "root's crontab: cron does not run", renewal=dead)
    for timer, told in (
        (replace(TIMER, active="inactive"), "certbot.timer: inactive, enabled at boot"),
        (replace(TIMER, at_boot="disabled"), "certbot.timer: active, disabled at boot"),
        (replace(TIMER, next=False), "certbot.timer: active, enabled at boot"),
    ):
        yield fails(f"{told}-{timer.next}", runs, promised, told, renewal=replace(RENEWAL, timers=(timer,)))

    loads = renewals.test_renewed_certificate_is_loaded_by_nginx
    promised = "a hook that reloads nginx, or installer nginx"
    bare = replace(RENEWAL, reloads=frozenset())
    yield passes("hook", loads, renewal=RENEWAL)
    yield passes("installer", loads, renewal=replace(having(installer="nginx"), reloads=frozenset()))
    yield fails("none", loads, promised, "no hook, installer none", renewal=bare)
    dead = replace(bare, dead_hooks=frozenset({"/h"}))
    yield fails("dead", loads, promised, "/h is not executable", renewal=dead)

    last = renewals.test_last_renewal_had_no_error
    yield passes("quiet", last, renewal=RENEWAL)
    yield passes("none-yet", last, renewal=replace(RENEWAL, attempt=None))
    failed = replace(RENEWAL, attempt=Attempt("2026-03-01 03:00:00", ("ERROR: refused",)))
    yield fails("error", last, "none", "ERROR: refused", renewal=failed)

    rehearsed = renewals.test_rehearsed_renewal_succeeds
    yield passes("succeeds", rehearsed, rehearsal=Rehearsal((), ()))
    yield fails("fails", rehearsed, "none", "1 renew failure(s)", rehearsal=Rehearsal(("1 renew failure(s)",), ()))

    unit = renewals.test_renewal_service_has_not_failed
    yield passes("never-ran", unit, renewal=replace(RENEWAL, services={}))
    yield passes("inactive", unit, renewal=RENEWAL)
    failed = replace(RENEWAL, services={"certbot.service": "failed"})
    yield fails("failed", unit, "none", "certbot.service", renewal=failed)


ROWS = [*of_files(), *of_certificate(), *of_configuration(), *of_proof(), *of_running()]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure
