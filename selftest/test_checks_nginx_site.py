"""The checks of tests_server/test_nginx_site.py, each on the checklist's own template and on a broken one."""

import pytest

from cutover.facts.certificate_files import CertificateFiles
from cutover.inventory import Server, Target
from selftest.nginx_facts import DEBIAN, ENABLED, SERVER, TARGET, TEMPLATE, edited, nginx, with_location
from selftest.rows import HOST, fails, judge, passes
from tests_server import test_nginx_site as site

LIVE = f"/etc/letsencrypt/live/{HOST}"
FILES = CertificateFiles(f"{LIVE}/fullchain.pem", f"{LIVE}/privkey.pem", None, None, ())
GOOD = nginx()
NO_LOCATION = "server"
PROXIED = "location /"
BARE = "location /socket { proxy_pass http://127.0.0.1:8000; proxy_set_header Upgrade $http_upgrade; }"
SECOND = "location /upload/ { proxy_pass http://127.0.0.1:8000; %s }"
HTTPS = "            return 301 https://$server_name$request_uri;\n"
RETURN = "return 301 https://$server_name$request_uri;"
WELL_KNOWN = "location /.well-known/acme-challenge/ {\n        root /var/www/html;\n    }"
OF_SERVER = "    # Let's Encrypt証明書検証用"


def of_redirect():
    check = site.test_site_redirects_to_https
    yield passes("template", check, nginx=GOOD, target=TARGET)
    as_certbot_does = f"if ($host = {HOST}) {{ return 301 https://$host$request_uri; }} return 404;"
    rewritten = "rewrite ^ https://$host$request_uri? permanent;"
    for name, text in (("certbot", as_certbot_does), ("rewrite", rewritten)):
        yield passes(name, check, nginx=edited(RETURN, text), target=TARGET)
    told, promised = "302 https://$server_name$request_uri", "301 https://…"
    yield fails("302", check, promised, told, nginx=edited("return 301", "return 302"), target=TARGET)
    yield fails("url-alone", check, promised, told, nginx=edited("return 301 ", "return "), target=TARGET)
    yield fails("none", check, promised, "no redirect", nginx=edited(RETURN, "root /srv;"), target=TARGET)
    of_another = edited(RETURN, "if ($host = example.com) { " + RETURN + " } return 404;")
    yield fails("of-another-name", check, promised, "404 ", nginx=of_another, target=TARGET)

    check = site.test_site_leaves_challenges_out_of_the_redirect
    yield passes("template", check, nginx=GOOD, target=TARGET)
    yield passes("proxied", check, nginx=edited("root /var/www/html", "proxy_pass http://127.0.0.1:81"), target=TARGET)
    yield fails("gone", check, "no", "yes", nginx=edited(WELL_KNOWN, ""), target=TARGET)
    whole = edited(OF_SERVER, RETURN)
    yield fails("whole-server", check, "no", "yes", nginx=whole, target=TARGET)


def of_tls():
    check = site.test_site_speaks_tls_1_2_and_1_3_only
    told = f"{ENABLED}: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3"
    promised = f"{ENABLED}: TLSv1.2, TLSv1.3"
    line = "ssl_protocols TLSv1.2 TLSv1.3;"
    yield passes("template", check, nginx=GOOD, target=TARGET)
    yield fails("inherited", check, promised, told, nginx=edited(line, ""), target=TARGET)
    only = edited(line, "ssl_protocols TLSv1.3;")
    yield fails("1.3-only", check, promised, f"{ENABLED}: TLSv1.3", nginx=only, target=TARGET)
    silent = DEBIAN.replace("ssl_protocols", "# ssl_protocols")
    old = nginx(TEMPLATE.replace(line, ""), silent)
    yield fails("default-of-1.22", check, promised, f"{ENABLED}: TLSv1, TLSv1.1, TLSv1.2", nginx=old, target=TARGET)
    new = nginx(TEMPLATE.replace(line, ""), silent, facts={"version": (1, 26, 3)})
    yield passes("default-of-1.26", check, nginx=new, target=TARGET)
    other = nginx(aaa="server { listen 443 ssl default_server; return 444; }")
    where = "/etc/nginx/sites-enabled/aaa"
    yield fails(
        "default-server", check, f"{where}: TLSv1.2, TLSv1.3", told.replace(ENABLED, where), nginx=other, target=TARGET
    )

    check = site.test_site_offers_no_weak_cipher
    yield passes("template", check, nginx=GOOD, target=TARGET)
    own = edited("ssl_ciphers", "# ssl_ciphers")
    weak = "AES128-GCM-SHA256, AES128-SHA, DHE-RSA-AES128-SHA"
    yield fails("nginx-default", check, "none", weak, nginx=own, target=TARGET)
    for cipher in ("NULL-SHA256", "EXP-RC4-MD5", "ECDHE-RSA-RC4-SHA", "ECDHE-RSA-DES-CBC3-SHA", "AECDH-AES256-SHA"):
        bad = edited("ssl_ciphers", f"ssl_ciphers {cipher}; #")
        bad = nginx(bad_text(cipher), facts={"ciphers": {cipher: (cipher,)}})
        yield fails(cipher, check, "none", cipher, nginx=bad, target=TARGET)
    good = "ECDHE-RSA-AES256-SHA384"
    yield passes(good, check, nginx=nginx(bad_text(good), facts={"ciphers": {good: (good,)}}), target=TARGET)


def bad_text(cipher):
    return TEMPLATE.replace("ssl_ciphers", f"ssl_ciphers {cipher}; #")


def of_certificate():
    check = site.test_site_serves_the_certificate_of_this_name
    both = f"{LIVE}/fullchain.pem, {LIVE}/privkey.pem"
    yield passes("template", check, nginx=GOOD, certificate_files=FILES, target=TARGET)
    cert = edited("fullchain.pem", "cert.pem")
    told = f"{LIVE}/cert.pem, {LIVE}/privkey.pem"
    yield fails("cert.pem", check, both, told, nginx=cert, certificate_files=FILES, target=TARGET)


def of_headers():
    check = site.test_site_adds_header_everywhere
    expires = 'add_header Cache-Control "public, immutable";\n'
    lines = [line for line in TEMPLATE.splitlines() if " always;" in line]
    again = nginx(TEMPLATE.replace(expires, expires + "\n".join(lines) + "\n"))
    for name in site.HEADERS:
        lost = ("location /static/: always", "location /static/: absent")
        yield passes(f"{name}-again", check, nginx=again, target=TARGET, name=name)
        yield fails(f"{name}-template", check, *lost, nginx=GOOD, target=TARGET, name=name)
    name = "X-Frame-Options"
    inherited = TEMPLATE.replace(expires, "")
    yield passes("inherited", check, nginx=nginx(inherited), target=TARGET, name=name)
    in_http = "\n".join(line for line in inherited.splitlines() if line not in lines)
    main = DEBIAN.replace("http {", "http {\n" + "\n".join(lines))
    yield passes("of-http", check, nginx=nginx(in_http, main), target=TARGET, name=name)
    seldom = nginx(inherited.replace('"SAMEORIGIN" always', "SAMEORIGIN"))
    wanted = "server: always; location /: always; location /static/: always"
    yield fails("seldom", check, wanted, wanted.replace("always", "not always"), nginx=seldom, target=TARGET, name=name)
    preflight = inherited.replace(
        "proxy_pass http", "if ($request_method = OPTIONS) { add_header Vary Origin; return 204; }\n proxy_pass http"
    )
    place = "location /, if ($request_method = OPTIONS)"
    yield fails(
        "in-if", check, f"{place}: always", f"{place}: absent", nginx=nginx(preflight), target=TARGET, name=name
    )
    more = in_http.replace("# セキュリティヘッダー", 'more_set_headers "X-Frame-Options: SAMEORIGIN";')
    yield passes("headers-more", check, nginx=nginx(more), target=TARGET, name=name)


def of_logs():
    check = site.test_site_writes_its_own_log
    for log in ("access", "error"):
        file = f"/var/log/nginx/mirai-knowledge-system-{log}.log"
        given = {"target": TARGET, "promises": SERVER, "log": log}
        yield passes(log, check, nginx=GOOD, **given)
        yield fails(
            f"{log}-of-http", check, file, f"/var/log/nginx/{log}.log", nginx=edited(f"{log}_log", "#"), **given
        )
        other = Server(way_in=SERVER.way_in, nginx_site="api")
        wanted = f"/var/log/nginx/api-{log}.log"
        yield fails(f"{log}-other", check, wanted, file, nginx=GOOD, target=TARGET, promises=other, log=log)
    off = edited("access_log /var/log/nginx/mirai-knowledge-system-access.log", "access_log off")
    file = "/var/log/nginx/mirai-knowledge-system-access.log"
    yield fails("off", check, file, "off", nginx=off, target=TARGET, promises=SERVER, log="access")
    file = "/var/log/nginx/mirai-knowledge-system-error.log"
    deaf = edited("error.log;", "error.log crit;")
    yield fails("crit", check, file, f"{file} crit", nginx=deaf, target=TARGET, promises=SERVER, log="error")


def of_application():
    check = site.test_site_takes_bodies_up_to_10m
    ten, line = 10 * 1024**2, "client_max_body_size 10M"
    yield passes("template", check, nginx=GOOD, target=TARGET)
    yield passes("in-kilobytes", check, nginx=edited(line, "client_max_body_size 10240k"), target=TARGET)
    for name, text, told in (("default", "# ", 1024**2), ("unlimited", "client_max_body_size 0", 0)):
        args = (f"{PROXIED}: {ten}", f"{PROXIED}: {told}")
        yield fails(name, check, *args, nginx=edited(line, text), target=TARGET)
    upload = with_location(SECOND % "client_max_body_size 1g;")
    yield fails("one", check, f"location /upload/: {ten}", f"location /upload/: {1024**3}", nginx=upload, target=TARGET)

    check = site.test_site_tells_the_application
    for name, values in site.TOLD.items():
        yield passes(name, check, nginx=GOOD, target=TARGET, name=name)
        told = "$proxy_host" if name == "Host" else "nothing"
        args = (f"location /socket: {values[0]}", f"location /socket: {told}")
        yield fails(f"{name}-lost", check, *args, nginx=with_location(BARE), target=TARGET, name=name)
    literal = edited("X-Forwarded-Host $host", f"X-Forwarded-Host {HOST}")
    yield passes("literal", check, nginx=literal, target=TARGET, name="X-Forwarded-Host")
    believed = edited("X-Real-IP $remote_addr", "X-Real-IP $http_x_real_ip")
    args = (f"{PROXIED}: $remote_addr", f"{PROXIED}: $http_x_real_ip")
    yield fails("believed", check, *args, nginx=believed, target=TARGET, name="X-Real-IP")

    check = site.test_site_waits_60_seconds_for_the_application
    for what in ("connect", "send", "read"):
        line = f"proxy_{what}_timeout 60s"
        yield passes(what, check, nginx=GOOD, target=TARGET, what=what)
        yield passes(f"{what}-1m", check, nginx=edited(line, f"proxy_{what}_timeout 1m"), target=TARGET, what=what)
        yield passes(f"{what}-default", check, nginx=edited(line, "# "), target=TARGET, what=what)
        args = (f"{PROXIED}: 60", f"{PROXIED}: 3600")
        yield fails(what, check, *args, nginx=edited(line, f"proxy_{what}_timeout 1h"), target=TARGET, what=what)

    check = site.test_site_buffers_answers
    yield passes("template", check, nginx=GOOD, target=TARGET)
    yield passes("default", check, nginx=edited("proxy_buffering on;", ""), target=TARGET)
    off = edited("proxy_buffering on", "proxy_buffering off")
    yield fails("off", check, f"{PROXIED}: on", f"{PROXIED}: off", nginx=off, target=TARGET)

    check = site.test_site_hands_requests_to_the_application
    given = {"target": TARGET, "promises": SERVER}
    yield passes("template", check, nginx=GOOD, **given)
    group = "upstream app { server localhost:8000; }\n"
    named = nginx(group + TEMPLATE.replace("http://127.0.0.1:8000", "http://app"))
    yield passes("upstream", check, nginx=named, **given)
    elsewhere = nginx(
        group.replace("}", "server 192.0.2.9:8000; }") + TEMPLATE.replace("http://127.0.0.1:8000", "http://app")
    )
    promised = "127.0.0.1:8000"
    yield fails("half", check, promised, "192.0.2.9:8000, localhost:8000", nginx=elsewhere, **given)
    yield fails("port", check, promised, "127.0.0.1:8001", nginx=edited(":8000", ":8001"), **given)
    none = edited("proxy_pass http://127.0.0.1:8000", "root /srv")
    yield fails("none", check, promised, "nowhere", nginx=none, **given)


def of_files():
    check = site.test_site_keeps_files_inside_their_directory
    yield passes("template", check, nginx=GOOD, target=TARGET)
    yield passes("regex", check, nginx=with_location("location ~ ^/s(.*)$ { alias /srv/; }"), target=TARGET)
    yield passes("no-slash-at-all", check, nginx=with_location("location /s { alias /srv/s; }"), target=TARGET)
    leak = edited("location /static/", "location /static")
    yield fails("traversal", check, "none", "location /static", nginx=leak, target=TARGET)

    check = site.test_site_serves_no_private_directory
    given = {"target": TARGET, "promises": SERVER}
    yield passes("template", check, nginx=GOOD, **given)
    high = edited("backend/static/;", "backend/;")
    yield fails("high", check, "none", "location /static/: /opt/mirai-knowledge-systems/backend/", nginx=high, **given)
    root = with_location("location /docs { root /var; }")
    yield fails("root", check, "none", "location /docs: /var", nginx=root, **given)


def of_families():
    check = site.test_site_listens_in_both_families
    ports = {"http": "80", "https": "443"}
    for scheme, port in ports.items():
        given = {"target": TARGET, "scheme": scheme}
        yield passes(scheme, check, nginx=GOOD, **given)
        four = edited(f"listen [::]:{port}", "#")
        yield fails(f"{scheme}-ipv4", check, "ipv6: yes", "ipv6: no", nginx=four, **given)
        local = edited(f"listen [::]:{port}", f"listen [::1]:{port}")
        yield fails(f"{scheme}-loopback", check, "ipv6: yes", "ipv6: no", nginx=local, **given)
        one = nginx(TEMPLATE.replace(f"listen {port}", "#").replace(f"[::]:{port}", f"[::]:{port} ipv6only=off"))
        yield passes(f"{scheme}-one-socket", check, nginx=one, **given)
    bare = edited("listen 443 ssl http2", "listen 443")
    yield fails("no-tls", check, "ipv4: yes", "ipv4: no", nginx=bare, target=TARGET, scheme="https")
    elsewhere = Target(host="other.example.com", server=SERVER)
    yield passes("other-name", check, nginx=GOOD, target=elsewhere, scheme="http")


ROWS = [
    *of_redirect(),
    *of_tls(),
    *of_certificate(),
    *of_headers(),
    *of_logs(),
    *of_application(),
    *of_files(),
    *of_families(),
]


@pytest.mark.parametrize("row", ROWS)
def test_verdict(row):
    assert judge(row) == row.failure
