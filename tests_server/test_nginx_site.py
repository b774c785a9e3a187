"""Section 7: what the checklist's template promises, read from nginx's whole configuration and by its own rules."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.certificate_files import CertificateFiles
from cutover.facts.nginx import Nginx
from cutover.facts.nginx_site import Place, Site, answering, default, duration, serving, size, upstreams
from cutover.inventory import Server, Target
from cutover.policies import ABSENT
from cutover.policies import HEADERS as POLICIES

FAMILIES = ("ipv4", "ipv6")
BODY_BYTES = 10 * 1024**2
SECONDS = 60
PROTOCOLS = frozenset({"TLSv1.2", "TLSv1.3"})
HEADERS = ("Strict-Transport-Security", *POLICIES["checklist"])
# What the application needs to know of a request, and what tells it truly; HOST is the host's name.
TOLD = {
    "Host": ("$host", "$http_host", "$server_name", "HOST"),
    "X-Real-IP": ("$remote_addr", "$realip_remote_addr"),
    "X-Forwarded-For": ("$proxy_add_x_forwarded_for", "$remote_addr"),
    "X-Forwarded-Proto": ("$scheme", "https"),
    "X-Forwarded-Host": ("$host", "$http_host", "$server_name", "HOST"),
    "X-Forwarded-Port": ("$server_port", "443"),
}
CHALLENGE = "/.well-known/acme-challenge/token"
WEAK = ("NULL", "EXP", "RC4", "RC2", "DES", "MD5", "ADH", "AECDH", "IDEA", "SEED")
AEAD = ("GCM", "CCM", "CHACHA20")


@control("7.site-content")
def test_site_redirects_to_https(nginx: Nginx, target: Target) -> None:
    """The port 80 server exists to send people to https, for good: 301.

    Mend: in the port 80 server: location / { return 301 https://$server_name$request_uri; }
    """
    answer = plain(nginx, target).returned("/", target.host)
    told = " ".join(map(str, answer)) if answer else "no redirect"
    right = answer is not None and answer[0] == 301 and answer[1].startswith("https://")
    assert seen(right, told, where="port 80 server, /") == promised(True, "301 https://…")


@control("7.site-content")
def test_site_leaves_challenges_out_of_the_redirect(nginx: Nginx, target: Target) -> None:
    """The authority asks here for the proof of the name, at each renewal, whatever state https is in.

    Mend: in the port 80 server: location /.well-known/acme-challenge/ { root /var/www/html; }
    """
    answer = plain(nginx, target).returned(CHALLENGE, target.host)
    redirected = answer is not None and 300 <= answer[0] < 400
    assert seen(redirected, where=CHALLENGE) == promised(False)


@control("7.site-content")
def test_site_speaks_tls_1_2_and_1_3_only(nginx: Nginx, target: Target) -> None:
    """The port's default server is asked too: the version is agreed on before the name is known.

    Mend: ssl_protocols TLSv1.2 TLSv1.3; in the port 443 server, and in the http block
    """
    spoken = {site.file: nginx.protocols(site.place) for site in servers_of_443(nginx, target)}
    assert seen(spoken, where="ssl_protocols") == promised(dict.fromkeys(spoken, PROTOCOLS))


@control("7.site-content")
def test_site_offers_no_weak_cipher(nginx: Nginx, target: Target) -> None:
    """Each ssl_ciphers as OpenSSL expands it on the host. Weak: no encryption, export, RC4, DES, MD5, anonymous,
    no forward secrecy, and CBC unless with ECDHE. nginx's own default has some of them.

    Mend: the ssl_ciphers line of the checklist's template
    """
    offered = {cipher for site in servers_of_443(nginx, target) for cipher in nginx.ciphers_of(site.place)}
    assert seen({cipher for cipher in offered if is_weak(cipher)}, where="ssl_ciphers") == promised(set())


@control("7.site-content")
def test_site_serves_the_certificate_of_this_name(
    nginx: Nginx, certificate_files: CertificateFiles, target: Target
) -> None:
    """What certbot renews must be what nginx reads: files, or links to them.

    Mend: ssl_certificate /etc/letsencrypt/live/NAME/fullchain.pem; ssl_certificate_key …/privkey.pem; when the
    site rightly uses others, declare them as server.certificate and server.private_key
    """
    place = secure(nginx, target).place
    named = {line.args[0] for name in ("ssl_certificate", "ssl_certificate_key") for line in place.all(name)}
    wanted = {certificate_files.certificate_path, certificate_files.private_key_path}
    assert seen(named, where="ssl_certificate, ssl_certificate_key") >= promised(wanted)


@control("7.site-content")
@pytest.mark.parametrize("name", HEADERS)
def test_site_adds_header_everywhere(nginx: Nginx, target: Target, name: str) -> None:
    """nginx drops inherited add_header lines in a location that has its own, and without "always" error pages go
    without. What is really sent, by the application too, is judged from outside.

    Mend: put the five lines, each with "always", into a snippet and include it in the server and in every location
    that has an add_header of its own
    """
    places = secure(nginx, target).place.everywhere("location", "if", "limit_except")
    added = {place.label: place.headers.get(name.lower()) for place in places}
    told = {label: {True: "always", False: "not always", None: "absent"}[always] for label, always in added.items()}
    kept = ("always", "absent") if ABSENT in target.headers.get(name, ()) else ("always",)
    assert seen(told, where=name) == promised({label: how if how in kept else "always" for label, how in told.items()})


@control("7.site-content")
@pytest.mark.parametrize("log", ["access", "error"])
def test_site_writes_its_own_log(nginx: Nginx, target: Target, promises: Server, log: str) -> None:
    """Who looks for what happened looks here, and log rotation and monitoring know no other place.

    Mend: access_log and error_log /var/log/nginx/mirai-knowledge-system-….log; in the port 443 server
    """
    lines = secure(nginx, target).location("/").all(f"{log}_log")
    written = {line.args[0] for line in lines if line.args[1:2] not in (("crit",), ("alert",), ("emerg",))}
    file = f"/var/log/nginx/{promises.nginx_site}-{log}.log"
    told = ", ".join(" ".join(line.args) for line in lines) or "not of its own"
    assert seen(file in written, told, where=f"{log}_log") == promised(True, file)


@control("7.site-content")
def test_site_takes_bodies_up_to_10m(nginx: Nginx, target: Target) -> None:
    """More lets strangers fill memory and disk, less refuses what the application would take.

    Mend: client_max_body_size 10M; in the port 443 server, and in no location another
    """
    limits = {place.label: size(place.args("client_max_body_size", "1m")[0]) for place in secure(nginx, target).proxied}
    assert seen(limits, where="client_max_body_size, bytes") == promised(dict.fromkeys(limits, BODY_BYTES))


@control("7.site-content")
@pytest.mark.parametrize("name", TOLD)
def test_site_tells_the_application(nginx: Nginx, target: Target, name: str) -> None:
    """A location with a proxy_set_header of its own inherits none. Without these the application takes every
    client for 127.0.0.1 and its own address for http.

    Mend: the proxy_set_header lines of the checklist's template, in every location that has a proxy_pass
    """
    right = {value.replace("HOST", target.host) for value in TOLD[name]}
    told = {place.label: place.request_headers.get(name.lower(), "nothing") for place in secure(nginx, target).proxied}
    wanted = {label: value if value in right else TOLD[name][0] for label, value in told.items()}
    assert seen(told, where=f"proxy_set_header {name}") == promised(wanted)


@control("7.site-content")
@pytest.mark.parametrize("what", ["connect", "send", "read"])
def test_site_waits_60_seconds_for_the_application(nginx: Nginx, target: Target, what: str) -> None:
    """Less cuts off slow answers with a 504, more lets a hung application hold its clients.

    Mend: proxy_connect_timeout 60s; proxy_send_timeout 60s; proxy_read_timeout 60s; beside each proxy_pass
    """
    name = f"proxy_{what}_timeout"
    waits = {place.label: duration(" ".join(place.args(name, "60s"))) for place in secure(nginx, target).proxied}
    assert seen(waits, where=f"{name}, seconds") == promised(dict.fromkeys(waits, SECONDS))


@control("7.site-content")
def test_site_buffers_answers(nginx: Nginx, target: Target) -> None:
    """Without buffering each slow client holds a worker of the application.

    Mend: proxy_buffering on; beside each proxy_pass
    """
    buffers = {place.label: place.args("proxy_buffering", "on")[0] for place in secure(nginx, target).proxied}
    assert seen(buffers, where="proxy_buffering") == promised(dict.fromkeys(buffers, "on"))


@control("7.site-content")
def test_site_hands_requests_to_the_application(nginx: Nginx, target: Target, promises: Server) -> None:
    """To this host's own port, over loopback, and nowhere else.

    Mend: proxy_pass http://127.0.0.1:8000; in location /
    """
    place = secure(nginx, target).location("/")
    ends = set(upstreams(nginx.config, place)) if place.block.of("proxy_pass") else set()
    right = {f"{address}:{promises.bind_port}" for address in ("127.0.0.1", "localhost", "[::1]")}
    text = f"127.0.0.1:{promises.bind_port}"
    assert seen(bool(ends) and ends <= right, ", ".join(sorted(ends)) or "nowhere") == promised(True, text)


@control("7.site-content")
def test_site_keeps_files_inside_their_directory(nginx: Nginx, target: Target) -> None:
    """location /static with alias /…/static/ serves /static../.env: the path is cut as text, not as a path.

    Mend: end both with a slash: location /static/ { alias /…/static/; }
    """
    leaks = {place.label for site in both(nginx, target) for place in escaping(site)}
    assert seen(leaks, where="location with alias") == promised(set())


@control("7.site-content")
def test_site_serves_no_private_directory(nginx: Nginx, target: Target, promises: Server) -> None:
    """An alias one directory too high serves the environment file, the data or the backups to everybody.

    Mend: alias …/backend/static/; for /static/, and no root above the application's directory
    """
    private = (promises.env_file, promises.data_dir, promises.backup_dir, promises.log_dir, f"{promises.checkout}/.git")
    served = {
        f"{place.label}: {directory}"
        for site in both(nginx, target)
        for place in site.place.everywhere("location")
        if (directory := place.files) and any(f"{path}/".startswith(directory.rstrip("/") + "/") for path in private)
    }
    assert seen(served, where="root, alias") == promised(set())


@control("7.site-content")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_site_listens_in_both_families(nginx: Nginx, target: Target, scheme: str) -> None:
    """listen 443 is IPv4 only. With an AAAA record, half of the clients would find nobody.

    Mend: listen [::]:80; listen [::]:443 ssl; beside the lines without [::]
    """
    port = getattr(target.ports, scheme)
    found = {}
    for family in FAMILIES:
        site = answering(nginx.config, family, port, target.host)
        sockets = site.listens_on(family, port) if site else ()
        found[family] = bool(sockets) and (scheme == "http" or all(socket.ssl for socket in sockets))
    assert seen(found, where=f"listen {port}") == promised(dict.fromkeys(found, True))


def plain(nginx: Nginx, target: Target) -> Site:
    """The host's server for http."""
    return serving(nginx.config, target.ports.http, target.host)


def secure(nginx: Nginx, target: Target) -> Site:
    """The host's server for https."""
    return serving(nginx.config, target.ports.https, target.host)


def both(nginx: Nginx, target: Target) -> tuple[Site, Site]:
    """The host's servers for http and https."""
    return plain(nginx, target), secure(nginx, target)


def servers_of_443(nginx: Nginx, target: Target) -> list[Site]:
    """The host's own server and what answers on the same sockets before the name is known."""
    others = (default(nginx.config, family, target.ports.https) for family in FAMILIES)
    return [secure(nginx, target), *(site for site in others if site)]


def is_weak(cipher: str) -> bool:
    """Judge a cipher by OpenSSL's name; those of TLS 1.3 are all good."""
    if cipher.startswith("TLS_"):
        return False
    if any(word in cipher for word in WEAK) or not cipher.startswith(("ECDHE-", "DHE-")):
        return True
    return cipher.startswith("DHE-") and not any(word in cipher for word in AEAD)


def escaping(site: Site) -> list[Place]:
    """The prefix locations from which .. leads out of their alias."""
    return [
        place
        for place in site.place.everywhere("location")
        if place.block.name == "location"
        and place.block.of("alias")
        and place.block.args[0] not in ("=", "~", "~*")
        and not place.block.args[-1].endswith("/")
        and place.block.of("alias")[-1].args[0].endswith("/")
    ]
