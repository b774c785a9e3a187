"""Defects of the TLS that is served; the catalogue of ``lab tls`` has them without a host around them."""

from lab.faults import fault
from lab.faults.certificate import make
from lab.faults.web import HEADERS, OF_THE_TARGET, OVER_HTTPS, SITE, WITH_TOKEN, edit
from lab.host import Host

GRADE = "tls_grade_is_a_or_better"


@fault(fails={GRADE, "site_speaks_tls_1_2_and_1_3_only"})
def old_protocols_in_earnest(host: Host) -> None:
    """Debian's OpenSSL refuses TLS 1.0 and 1.1 until somebody takes its security level away."""
    edit(host, SITE, "s/ssl_protocols TLSv1.2 TLSv1.3/ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3/")
    edit(host, SITE, "s/^    ssl_ciphers /&ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0:/")


@fault(fails={GRADE, "site_speaks_tls_1_2_and_1_3_only"})
def without_tls_1_3(host: Host) -> None:
    """A template of 2016."""
    edit(host, SITE, "s/ssl_protocols TLSv1.2 TLSv1.3/ssl_protocols TLSv1.2/")


@fault(
    fails={
        GRADE,
        "headers_of_the_old_server_are_kept",
        "hsts_on_every_https_surface",
        "site_adds_header_everywhere",
    }
)
def without_hsts(host: Host) -> None:
    """Left out for the first week, and forgotten."""
    edit(host, HEADERS, "/Strict-Transport-Security/d")


@fault(
    fails={
        GRADE,
        "chain_leads_to_a_trusted_root",
        "certificate_is_the_same_on_all_addresses",
        "served_certificate_is_the_one_on_disk",
        "site_offers_no_weak_cipher",
    },
    # The other address answers as before.
    errors=(OVER_HTTPS | WITH_TOKEN) - OF_THE_TARGET,
)
def ipv6_left_behind(host: Host) -> None:
    """The second address got a server of its own for a trial, with a certificate of its own."""
    make(host, "api.example.test", "/root/trial.pem", "/root/trial.key")
    server = "server { listen [::]:443 ssl http2; server_name api.example.test; ssl_protocols TLSv1.2 TLSv1.3;"
    server += " ssl_certificate /root/trial.pem; ssl_certificate_key /root/trial.key;"
    server += " include snippets/mirai-security-headers.conf; location / { proxy_pass http://127.0.0.1:8000; } }"
    host.run(f"sed -i '/listen \\[::\\]:443/d' {SITE} && echo '{server}' >>{SITE}")
    host.run("nginx -t && systemctl reload nginx && sleep 1")
