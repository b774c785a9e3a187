"""Section 7: the site's file, nginx's word on it, and whether nginx runs what lies on the disk."""

import re

import pytest

from cutover.check import control, promised, seen
from cutover.facts.certificate_files import CertificateFiles
from cutover.facts.nginx import CLOCK_SECONDS, Nginx, NginxSites, NginxTest, NginxUnit
from cutover.facts.nginx_site import answering, default
from cutover.inventory import Target

SCHEMES = pytest.mark.parametrize("scheme", ["http", "https"])
FAMILIES = ("ipv4", "ipv6")


@control("7.site-file")
def test_site_file_is_there(nginx_sites: NginxSites) -> None:
    """It is where everybody who operates this host will look first.

    Mend: sudo nano /etc/nginx/sites-available/mirai-knowledge-system, with the checklist's template
    """
    assert seen(nginx_sites.present, where=nginx_sites.file) == promised(True, "a file that is not empty")


@control("7.site-file")
@SCHEMES
def test_site_file_answers_for_the_host(nginx: Nginx, nginx_sites: NginxSites, target: Target, scheme: str) -> None:
    """Of two servers with one name and port nginx takes the first it reads, and only warns.

    Mend: sudo nginx -T | grep -n server_name, and take the name out of the other file
    """
    site = answering(nginx.config, "ipv4", getattr(target.ports, scheme), target.host)
    ours = {nginx_sites.file, *(link for link, end in nginx_sites.enabled.items() if end == nginx_sites.file)}
    told = "no server" if site is None else f"{site.file}, server_name {' '.join(site.names) or 'none'}"
    right = site is not None and site.knows(target.host) and site.file in ours
    assert seen(right, told, where=f"{scheme}://{target.host}") == promised(
        True, f"{nginx_sites.file}, or a link to it"
    )


@control("7.symlink")
def test_site_is_enabled_by_a_link(nginx_sites: NginxSites) -> None:
    """A copy in sites-enabled is served too, and is what everybody forgets when they edit sites-available.

    Mend: sudo ln -sf /etc/nginx/sites-available/mirai-knowledge-system /etc/nginx/sites-enabled/
    """
    linked = nginx_sites.file in nginx_sites.enabled.values()
    told = "; ".join(
        f"{entry}, {'a copy' if entry in nginx_sites.copies else f'a link to {end}'}"
        for entry, end in nginx_sites.enabled.items()
    )
    assert seen(linked, told or "nothing in sites-enabled") == promised(True, f"a link to {nginx_sites.file}")


@control("7.default-site")
def test_default_site_is_not_enabled(nginx: Nginx) -> None:
    """Debian's welcome page tells strangers what runs here, and takes whatever name is not known.

    Mend: sudo rm /etc/nginx/sites-enabled/default && sudo systemctl reload nginx
    """
    found = {
        file for file in nginx.config.files if re.search(r"/(sites-enabled|conf\.d)/(\d+-)?default(\.conf)?$", file)
    }
    assert seen(found, where="nginx -T") == promised(set())


@control("7.default-site")
@SCHEMES
def test_unknown_names_get_no_other_site(nginx: Nginx, target: Target, scheme: str) -> None:
    """Under any other file name a leftover site can be the one that answers for names nobody knows. A server of
    the host, or one that only refuses or redirects, is right.

    Mend: remove that file from sites-enabled, or give its server: return 444;
    """
    port = getattr(target.ports, scheme)
    others = set()
    for family in FAMILIES:
        site = default(nginx.config, family, port)
        if site is None or site == answering(nginx.config, family, port, target.host):
            continue
        refused = site.place.args("ssl_reject_handshake", "off") == ("on",) or site.returned("/", "unknown")
        if not refused:
            others.add(f"{site.file}, server_name {' '.join(site.names) or 'none'}")
    assert seen(others, where=f"default server of port {port}") == promised(set())


@control("7.syntax")
def test_nginx_accepts_the_configuration(nginx_test: NginxTest) -> None:
    """A configuration that nginx refuses costs nothing until the next restart or boot, and then everything.

    Mend: sudo nginx -t tells the file and line
    """
    told = nginx_test.refusal or "accepted"
    assert seen(told, where="nginx -T") == promised("accepted")


@control("7.restart")
def test_nginx_is_active(nginx_unit: NginxUnit) -> None:
    """An nginx that was started by hand, outside its unit, is not restarted when it ends.

    Mend: sudo systemctl restart nginx
    """
    assert seen(nginx_unit.active, where="systemctl show nginx") == promised("active")


@control("7.restart")
def test_nginx_starts_at_boot(nginx_unit: NginxUnit) -> None:
    """systemd's own word: an enabled unit can be masked.

    Mend: sudo systemctl unmask nginx && sudo systemctl enable nginx
    """
    told = nginx_unit.load if nginx_unit.load != "loaded" else nginx_unit.at_boot or "unknown"
    assert seen(told, where="systemctl show nginx") == promised("enabled")


@control("7.restart")
def test_nginx_runs_the_configuration_on_disk(nginx: Nginx) -> None:
    """A reload starts new workers, and one that fails keeps the old: workers older than a file have not read it.
    A directory that is included as a whole counts too, for what was added to it or taken away.

    Mend: sudo nginx -t && sudo systemctl reload nginx
    """
    begun = nginx.started
    newer = {path for path, changed in nginx.changed.items() if begun is None or changed > begun + CLOCK_SECONDS}
    where = "no worker" if begun is None else "changed since the workers began"
    assert seen(newer, where=where) == promised(set())


@control("7.restart")
def test_nginx_has_read_the_certificate_on_disk(nginx: Nginx, certificate_files: CertificateFiles) -> None:
    """nginx reads certificate and key when its workers begin, and never again.

    Mend: sudo systemctl reload nginx
    """
    begun = nginx.started
    files = [file for file in (certificate_files.certificate, certificate_files.private_key) if file]
    newer = {file.path for file in files if begun is None or file.changed > begun + CLOCK_SECONDS}
    where = "no worker" if begun is None else "changed since the workers began"
    assert seen(newer, where=where) == promised(set())
