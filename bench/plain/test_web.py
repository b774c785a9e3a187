"""Sections 6 and 7: the certificate and nginx."""

import pytest
from places import APP, HOST, LINK, LIVE, SERVICE, SITE

# 6 the certificate


def test_certbot_is_installed(host):
    assert host.package("certbot").is_installed


def test_certificate_files_exist(host):
    assert host.file(f"{LIVE}/fullchain.pem").exists
    assert host.file(f"{LIVE}/privkey.pem").exists


def test_private_key_is_readable_by_root_only(host):
    key = host.file(host.check_output(f"readlink -f {LIVE}/privkey.pem"))
    assert key.mode == 0o600
    assert key.user == "root"


def test_private_key_matches_the_certificate(host):
    of_key = host.check_output(f"openssl pkey -in {LIVE}/privkey.pem -pubout")
    assert of_key == host.check_output(f"openssl x509 -in {LIVE}/fullchain.pem -noout -pubkey")


def test_certificate_on_disk_is_for_this_name(host):
    assert f"DNS:{HOST}" in host.check_output(f"openssl x509 -in {LIVE}/fullchain.pem -noout -ext subjectAltName")


RENEWAL = f"/etc/letsencrypt/renewal/{HOST}.conf"


def test_renewal_is_configured(host):
    assert host.file(RENEWAL).exists


def test_renewal_asks_an_authority_that_clients_trust(host):
    assert "staging" not in host.file(RENEWAL).content_string


def test_renewal_can_prove_the_name(host):
    assert "authenticator = webroot" in host.file(RENEWAL).content_string
    assert host.file("/var/www/html").is_directory


def test_renewal_runs_by_itself(host):
    assert host.service("certbot.timer").is_enabled
    assert host.service("certbot.timer").is_running


def test_renewed_certificate_is_loaded_by_nginx(host):
    assert host.run("grep -rq 'reload.*nginx\\|nginx.*reload' /etc/letsencrypt/renewal-hooks/deploy").rc == 0


def test_last_renewal_had_no_error(host):
    assert host.run("grep -rq ':ERROR:' /var/log/letsencrypt").rc == 1


def test_renewal_service_has_not_failed(host):
    assert host.check_output("systemctl show certbot.service -p ActiveState") != "ActiveState=failed"


# 7 nginx


def test_site_file_is_there(host):
    assert host.file(SITE).exists


def configuration(host):
    return host.check_output("nginx -T")


@pytest.mark.parametrize("listen", ["listen 80;", "listen 443 ssl"])
def test_site_file_answers_for_the_host(host, listen):
    told = configuration(host)
    assert listen in told
    assert f"server_name {HOST};" in told


def test_site_is_enabled_by_a_link(host):
    assert host.file(LINK).linked_to == SITE


def test_default_site_is_not_enabled(host):
    assert not host.file("/etc/nginx/sites-enabled/default").exists


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_unknown_names_get_no_other_site(host, scheme):
    assert "default_server" not in configuration(host)


def test_nginx_accepts_the_configuration(host):
    assert host.run("nginx -t").rc == 0


def test_nginx_is_active(host):
    assert host.service("nginx").is_running


def test_nginx_starts_at_boot(host):
    assert host.service("nginx").is_enabled


def loaded(host):
    return host.check_output("stat -c %Y /proc/$(pgrep -o -P $(cat /run/nginx.pid))")


def test_nginx_runs_the_configuration_on_disk(host):
    assert host.file(SITE).mtime.timestamp() <= int(loaded(host))


def test_nginx_has_read_the_certificate_on_disk(host):
    assert int(host.check_output(f"stat -L -c %Y {LIVE}/fullchain.pem")) <= int(loaded(host))


CONTENT = {
    "test_site_redirects_to_https": ["return 301 https://"],
    "test_site_leaves_challenges_out_of_the_redirect": ["location /.well-known/acme-challenge/"],
    "test_site_speaks_tls_1_2_and_1_3_only": ["ssl_protocols TLSv1.2 TLSv1.3;"],
    "test_site_offers_no_weak_cipher": ["ssl_ciphers ECDHE-"],
    "test_site_serves_the_certificate_of_this_name": [f"ssl_certificate {LIVE}/fullchain.pem;"],
    "test_site_adds_header_everywhere": [
        f"add_header {name} "
        for name in (
            "Strict-Transport-Security",
            "X-Frame-Options",
            "X-Content-Type-Options",
            "X-XSS-Protection",
            "Referrer-Policy",
        )
    ],
    "test_site_writes_its_own_log": [f"{log}_log /var/log/nginx/{SERVICE}-{log}.log" for log in ("access", "error")],
    "test_site_takes_bodies_up_to_10m": ["client_max_body_size 10M;"],
    "test_site_tells_the_application": [
        f"proxy_set_header {name} "
        for name in ("Host", "X-Real-IP", *(f"X-Forwarded-{what}" for what in ("For", "Proto", "Host", "Port")))
    ],
    "test_site_waits_60_seconds_for_the_application": [
        f"proxy_{what}_timeout 60s;" for what in ("connect", "send", "read")
    ],
    "test_site_buffers_answers": ["proxy_buffering on;"],
    "test_site_hands_requests_to_the_application": ["proxy_pass http://127.0.0.1:8000;"],
    "test_site_keeps_files_inside_their_directory": ["location /static/ {"],
    "test_site_serves_no_private_directory": [f"alias {APP}/static/;"],
    "test_site_listens_in_both_families": ["listen [::]:80;", "listen [::]:443 ssl"],
}


def of_content(name, lines):
    @pytest.mark.parametrize("line", lines)
    def test(host, line):
        assert line in configuration(host)

    test.__name__ = test.__qualname__ = name
    return test


globals().update({name: of_content(name, lines) for name, lines in CONTENT.items()})
