"""The checks of tests_server/test_nginx.py, each with facts that keep the promise and facts that break it."""

from dataclasses import replace

import pytest

from cutover.facts.certificate_files import CertificateFiles, File
from cutover.facts.nginx import NginxSites, NginxTest, NginxUnit
from cutover.inventory import Ports, Target
from selftest.nginx_facts import AVAILABLE, BEGUN, ENABLED, OTHER, TARGET, TEMPLATE, edited, nginx
from selftest.rows import HOST, fails, judge, passes
from tests_server import test_nginx as checks

SITES = NginxSites(AVAILABLE, True, {ENABLED: AVAILABLE}, frozenset(), ())
UNIT = NginxUnit("loaded", "active", "enabled", ())
GOOD = nginx()
WELCOME = "server { listen 80 default_server; listen [::]:80 default_server; root /var/www/html; server_name _; }"
KEY = File("/key.pem", "-rw-------", False, "root", "root", BEGUN - 60)
FILES = CertificateFiles("/chain.pem", "/key.pem", replace(KEY, path="/chain.pem"), KEY, ())
SINCE = {"changed": {ENABLED: BEGUN + 3, "/etc/nginx/nginx.conf": BEGUN + 2}}


def of_site():
    there = checks.test_site_file_is_there
    yield passes("there", there, nginx_sites=SITES)
    promised = "a file that is not empty"
    yield fails("not", there, promised, "no", nginx_sites=replace(SITES, present=False))

    answers = checks.test_site_file_answers_for_the_host
    promised = f"{AVAILABLE}, or a link to it"
    for scheme in ("http", "https"):
        given = {"target": TARGET, "scheme": scheme}
        yield passes(scheme, answers, nginx=GOOD, nginx_sites=SITES, **given)
        copied = replace(SITES, enabled={ENABLED: ENABLED}, copies=frozenset({ENABLED}))
        told = f"{ENABLED}, server_name {HOST}"
        yield fails(f"{scheme}-copy", answers, promised, told, nginx=GOOD, nginx_sites=copied, **given)
        first = nginx(aaa=TEMPLATE)
        told = f"/etc/nginx/sites-enabled/aaa, server_name {HOST}"
        yield fails(f"{scheme}-shadowed", answers, promised, told, nginx=first, nginx_sites=SITES, **given)
    wild = edited(f"server_name {HOST}", "server_name *.example.com")
    yield passes("wildcard", answers, nginx=wild, nginx_sites=SITES, target=TARGET, scheme="https")
    named = edited(f"server_name {HOST}", "server_name example.com")
    told = f"{ENABLED}, server_name example.com"
    yield fails("name", answers, promised, told, nginx=named, nginx_sites=SITES, target=TARGET, scheme="https")
    port = Target(host=HOST, ports=Ports(https=8443))
    yield fails("port", answers, promised, "no server", nginx=GOOD, nginx_sites=SITES, target=port, scheme="https")

    link = checks.test_site_is_enabled_by_a_link
    promised = f"a link to {AVAILABLE}"
    yield passes("link", link, nginx_sites=SITES)
    yield passes("other-name", link, nginx_sites=replace(SITES, enabled={OTHER: AVAILABLE}))
    yield fails("copy", link, promised, f"{ENABLED}, a copy", nginx_sites=copied)
    elsewhere = replace(SITES, enabled={ENABLED: "/root/site"})
    yield fails("elsewhere", link, promised, f"{ENABLED}, a link to /root/site", nginx_sites=elsewhere)
    yield fails("empty", link, promised, "nothing in sites-enabled", nginx_sites=replace(SITES, enabled={}))


def of_default_site():
    off = checks.test_default_site_is_not_enabled
    yield passes("off", off, nginx=GOOD)
    yield fails("on", off, "none", "/etc/nginx/sites-enabled/default", nginx=nginx(default=WELCOME))
    yield fails("sorted", off, "none", "/etc/nginx/sites-enabled/000-default", nginx=nginx(**{"000-default": WELCOME}))

    unknown = checks.test_unknown_names_get_no_other_site
    http, https = {"target": TARGET, "scheme": "http"}, {"target": TARGET, "scheme": "https"}
    yield passes("own", unknown, nginx=GOOD, **http)
    yield passes("own", unknown, nginx=GOOD, **https)
    yield passes("of-http-only", unknown, nginx=nginx(old=WELCOME), **https)
    told = "/etc/nginx/sites-enabled/old, server_name _"
    yield fails("welcome", unknown, "none", told, nginx=nginx(old=WELCOME), **http)
    first = nginx(aaa="server { listen 80; server_name old.example.com; }")
    told = "/etc/nginx/sites-enabled/aaa, server_name old.example.com"
    yield fails("first-read", unknown, "none", told, nginx=first, **http)
    shut = nginx(shut="server { listen 80 default_server; return 444; }")
    yield passes("shut", unknown, nginx=shut, **http)
    shut = nginx(shut="server { listen 443 ssl default_server; ssl_reject_handshake on; }")
    yield passes("handshake", unknown, nginx=shut, **https)


def of_unit():
    accepts = checks.test_nginx_accepts_the_configuration
    yield passes("accepted", accepts, nginx_test=NginxTest("", ()))
    told = '[emerg] unexpected "}" in /etc/nginx/sites-enabled/a:40'
    yield fails("refused", accepts, "accepted", told, nginx_test=NginxTest(told, ()))

    active, boot = checks.test_nginx_is_active, checks.test_nginx_starts_at_boot
    yield passes("active", active, nginx_unit=UNIT)
    yield fails("failed", active, "active", "failed", nginx_unit=replace(UNIT, active="failed"))
    yield passes("enabled", boot, nginx_unit=UNIT)
    yield fails("disabled", boot, "enabled", "disabled", nginx_unit=replace(UNIT, at_boot="disabled"))
    masked = replace(UNIT, load="masked", at_boot="masked")
    yield fails("masked", boot, "enabled", "masked", nginx_unit=masked)
    absent = replace(UNIT, load="not-found", active="inactive", at_boot="")
    yield fails("absent", boot, "enabled", "not-found", nginx_unit=absent)


def of_running():
    runs = checks.test_nginx_runs_the_configuration_on_disk
    yield passes("older", runs, nginx=GOOD)
    yield fails("newer", runs, "none", ENABLED, nginx=nginx(facts=SINCE))
    idle = nginx(facts={"started": None, "changed": {ENABLED: BEGUN}})
    yield fails("no-worker", runs, "none", ENABLED, nginx=idle)

    read = checks.test_nginx_has_read_the_certificate_on_disk
    yield passes("older", read, nginx=GOOD, certificate_files=FILES)
    renewed = replace(FILES, certificate=replace(KEY, path="/chain.pem", changed=BEGUN + 3))
    yield fails("renewed", read, "none", "/chain.pem", nginx=GOOD, certificate_files=renewed)
    yield fails("no-worker", read, "none", "/chain.pem, /key.pem", nginx=idle, certificate_files=FILES)


ROWS = [*of_site(), *of_default_site(), *of_unit(), *of_running()]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure
