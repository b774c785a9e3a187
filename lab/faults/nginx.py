"""Defects of nginx, its site and its processes."""

from lab.faults import fault
from lab.faults.web import HEADERS, OF_THE_TARGET, OVER_HTTPS, SITE, WITH_TOKEN, edit
from lab.host import Host

ENABLED = "/etc/nginx/sites-enabled/mirai-knowledge-system"

# What needs a configuration that nginx accepts.
OF_THE_CONFIGURATION = {
    "default_site_is_not_enabled",
    "nginx_has_read_the_certificate_on_disk",
    "nginx_runs_the_configuration_on_disk",
    "renewal_can_prove_the_name",
    "site_adds_header_everywhere",
    "site_buffers_answers",
    "site_file_answers_for_the_host",
    "site_hands_requests_to_the_application",
    "site_keeps_files_inside_their_directory",
    "site_leaves_challenges_out_of_the_redirect",
    "site_listens_in_both_families",
    "site_offers_no_weak_cipher",
    "site_redirects_to_https",
    "site_serves_no_private_directory",
    "site_serves_the_certificate_of_this_name",
    "site_speaks_tls_1_2_and_1_3_only",
    "site_takes_bodies_up_to_10m",
    "site_tells_the_application",
    "site_waits_60_seconds_for_the_application",
    "site_writes_its_own_log",
    "unknown_names_get_no_other_site",
}


def reload(host: Host) -> None:
    """Let nginx read its configuration."""
    host.run("nginx -t && systemctl reload nginx && sleep 1")


@fault(fails={"site_is_enabled_by_a_link", "site_file_answers_for_the_host"})
def enabled_by_a_copy(host: Host) -> None:
    """cp instead of ln -s: what is edited in sites-available is served no more."""
    host.run(f"rm {ENABLED} && cp {SITE} {ENABLED}")
    reload(host)


@fault(fails={"site_file_is_there", "site_is_enabled_by_a_link", "site_file_answers_for_the_host"})
def site_moved_into_sites_enabled(host: Host) -> None:
    """The file itself lies in sites-enabled: disabling the site would delete it."""
    host.run(f"rm {ENABLED} && mv {SITE} {ENABLED}")
    reload(host)


@fault(fails={"default_site_is_not_enabled", "unknown_names_get_no_other_site"})
def default_site_left_on(host: Host) -> None:
    """Debian's welcome page for whoever comes by address."""
    host.run("ln -s /etc/nginx/sites-available/default /etc/nginx/sites-enabled/")
    reload(host)


@fault(fails={"default_site_is_not_enabled", "unknown_names_get_no_other_site", "nginx_runs_the_configuration_on_disk"})
def default_site_came_back_without_a_reload(host: Host) -> None:
    """Put back by hand and not loaded: the next reload will bring a surprise."""
    host.run("sleep 4; ln -s /etc/nginx/sites-available/default /etc/nginx/sites-enabled/")


@fault(fails={"nginx_runs_the_configuration_on_disk"})
def edited_and_not_reloaded(host: Host) -> None:
    """What is on disk is right, and nobody knows what is served."""
    host.run(f"sleep 4; sed -i 's/proxy_buffers 8 4k/proxy_buffers 16 4k/' {SITE} && nginx -t")


@fault(fails={"nginx_runs_the_configuration_on_disk"})
def old_file_moved_into_place(host: Host) -> None:
    """A backup restored with its old date: by its date alone it is older than nginx."""
    host.run(f"sleep 4; cp -p {SITE} /root/backup && mv /root/backup {SITE} && touch -d '2 days ago' {SITE}")


@fault(
    fails={"nginx_accepts_the_configuration"},
    errors=OF_THE_CONFIGURATION,
)
def semicolon_lost(host: Host) -> None:
    """Everything is served as before, until the next restart."""
    host.run(f"sed -i 's/client_max_body_size 10M;/client_max_body_size 10M/' {SITE}; systemctl reload nginx || true")


@fault(fails={"nginx_starts_at_boot"})
def not_enabled(host: Host) -> None:
    """It will not be there after the next boot."""
    host.run("systemctl disable nginx")


@fault(fails={"nginx_starts_at_boot"})
def masked(host: Host) -> None:
    """Masked during the migration, so that it could not start too early, and forgotten."""
    host.run("systemctl mask nginx")


@fault(fails={"nginx_is_active", "nginx_runs_the_configuration_on_disk", "nginx_has_read_the_certificate_on_disk"})
def started_by_hand(host: Host) -> None:
    """Stopped by systemd and started as a program: served, and nobody will start it again."""
    host.run("systemctl stop nginx && nginx && sleep 1")


@fault(fails={"site_takes_bodies_up_to_10m"})
def body_limit_lifted_for_one_location(host: Host) -> None:
    """A trial of an upload left no limit behind."""
    upload = "location /upload { proxy_pass http://127.0.0.1:8000; client_max_body_size 0; @HEADERS@ }"
    edit(host, SITE, f"s|^    # Gunicorn.*|    {upload.replace('@HEADERS@', _told_headers())}|")


def _told_headers() -> str:
    names = {"Host": "$host", "X-Real-IP": "$remote_addr", "X-Forwarded-For": "$proxy_add_x_forwarded_for"}
    names |= {"X-Forwarded-Proto": "$scheme", "X-Forwarded-Host": "$host", "X-Forwarded-Port": "$server_port"}
    return " ".join(f"proxy_set_header {name} {value};" for name, value in names.items())


@fault(fails={"site_tells_the_application"})
def websocket_header_drops_the_others(host: Host) -> None:
    """One proxy_set_header in a location of its own, and the six of the server's other location are not there."""
    socket = 'location /socket { proxy_pass http://127.0.0.1:8000; proxy_set_header Upgrade "$http_upgrade"; }'
    edit(host, SITE, f"s|^    # Gunicorn.*|    {socket}|")


@fault(fails={"site_waits_60_seconds_for_the_application"})
def patient_beyond_measure(host: Host) -> None:
    """A slow report was mended by waiting for it."""
    edit(host, SITE, "s/proxy_read_timeout 60s/proxy_read_timeout 10m/")


@fault(fails={"site_buffers_answers"})
def buffering_off(host: Host) -> None:
    """Switched off for a stream of events, for everything."""
    edit(host, SITE, "s/proxy_buffering on/proxy_buffering off/")


@fault(fails={"site_keeps_files_inside_their_directory", "nothing_private_is_served"})
def alias_without_a_slash(host: Host) -> None:
    """location /static: /static../.env.production is the environment file."""
    edit(host, SITE, "s|location /static/ {|location /static {|")


@fault(fails={"site_serves_no_private_directory"})
def alias_one_directory_too_high(host: Host) -> None:
    """The application's whole directory under /files/."""
    files = "location /files/ { alias /opt/mirai-knowledge-systems/backend/; }"
    edit(host, SITE, f"s|^    # Gunicorn.*|    {files}|")


@fault(fails={"site_speaks_tls_1_2_and_1_3_only"})
def old_protocols(host: Host) -> None:
    """For one old client, everybody may be talked down."""
    edit(host, SITE, "s/ssl_protocols TLSv1.2 TLSv1.3/ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3/")


@fault(fails={"site_offers_no_weak_cipher"})
def ciphers_of_nginx(host: Host) -> None:
    """The line commented out: nginx's own default has ciphers without forward secrecy."""
    edit(host, SITE, "s/^    ssl_ciphers/    # ssl_ciphers/")


@fault(fails={"site_adds_header_everywhere"})
def header_of_a_location_drops_the_five(host: Host) -> None:
    """A location with one add_header of its own, on a path that the outside view does not ask."""
    page = "location /docs/ { add_header Cache-Control no-store; proxy_pass http://127.0.0.1:8000; @HEADERS@ }"
    edit(host, SITE, f"s|^    # Gunicorn.*|    {page.replace('@HEADERS@', _told_headers())}|")


@fault(
    fails={
        "headers_of_the_old_server_are_kept",
        "hsts_on_every_https_surface",
        "pages_say_what_they_may_load",
        "site_adds_header_everywhere",
    }
)
def always_forgotten(host: Host) -> None:
    """The header is there while all is well and missing on every error that nginx answers itself."""
    edit(host, HEADERS, "s/ always;/;/")


@fault(fails={"site_writes_its_own_log", "own_requests_are_in_the_access_log"})
def log_switched_off(host: Host) -> None:
    """To spare the disk."""
    edit(host, SITE, "s|access_log .*|access_log off;|")


@fault(
    fails={
        "challenge_is_not_redirected",
        "renewal_can_prove_the_name",
        "site_leaves_challenges_out_of_the_redirect",
    }
)
def challenges_are_redirected(host: Host) -> None:
    """return 301 for the whole server, simpler than two locations."""
    edit(host, SITE, "0,/server_tokens off;/s|server_tokens off;|&\\n    return 301 https://$server_name$request_uri;|")


@fault(
    fails={"site_listens_in_both_families", "promised_ports_are_open"},
    # The addresses of IPv6 answer nothing at all.
    errors=(OVER_HTTPS | WITH_TOKEN) - OF_THE_TARGET
    | {
        "certificate_is_for_this_name",
        "certificate_is_the_same_on_all_addresses",
        "certificate_is_valid_now",
        "certificate_keys_are_long_enough",
        "certificate_signatures_are_sound",
        "certificate_was_renewed_in_time",
        "chain_is_in_order",
        "caa_lets_the_issuer_issue",
        "chain_leads_to_a_trusted_root",
        "challenge_is_not_redirected",
        "header_on_the_redirect",
        "http_is_redirected_with_301",
        "own_requests_are_in_the_access_log",
        "redirect_keeps_host_path_and_query",
        "redirect_leads_nowhere_else",
        "served_certificate_is_the_one_on_disk",
        "tls_grade_is_a_or_better",
    },
)
def ipv4_only(host: Host) -> None:
    """The lines with [::] taken for a mistake."""
    edit(host, SITE, r"/listen \[::\]/d")


@fault(fails={"site_hands_requests_to_the_application"})
def old_server_left_as_a_backup(host: Host) -> None:
    """When the application is down for a moment, the old server gets the requests, and keeps what they write."""
    host.run(f"sed -i '1i upstream app {{ server 127.0.0.1:8000; server 198.51.100.10:8000 backup; }}' {SITE}")
    edit(host, SITE, "s|proxy_pass http://127.0.0.1:8000|proxy_pass http://app|")
