"""Defects of nginx and of what it serves."""

from lab.faults import fault
from lab.host import Host

SITE = "/etc/nginx/sites-available/mirai-knowledge-system"
HEADERS = "/etc/nginx/snippets/mirai-security-headers.conf"

# What is compared with the old server, which for a copy is the reference host.
BESIDE_THE_OLD = {
    "answers_are_of_the_same_kind_as_the_old_servers",
    "bodies_are_those_of_the_old_server",
    "headers_of_the_old_server_are_kept",
}
# What needs https to be looked at, and what needs a token.
# Watched while a load is on, and so not at all where none gets through.
UNDER_LOAD = {"application_fits_into_its_tier_under_load", "memory_comes_back_after_load", "memory_is_left_under_load"}
OVER_HTTPS = {
    *BESIDE_THE_OLD,
    *UNDER_LOAD,
    "answers_do_not_tell_a_version",
    "body_of_more_than_10m_is_refused",
    "both_families_answer_alike",
    "certificate_has_the_old_ones_names",
    "declared_origins_may_read",
    "errors_tell_nothing_of_the_source",
    "first_request_answers_in_time",
    "front_page_answers",
    "knowledge_is_refused_without_a_token",
    "header_on_every_surface",
    "hsts_on_every_https_surface",
    "login_answers_in_time",
    "login_gives_a_token",
    "metrics_do_not_answer_outside",
    "new_connections_answer_in_time",
    "no_directory_is_listed",
    "no_error_on_kept_connections",
    "no_error_under_concurrency",
    "no_other_origin_may_read",
    "nothing_private_is_served",
    "own_requests_are_in_the_access_log",
    "pages_say_what_they_may_load",
    "wrong_password_is_refused",
}
WITH_TOKEN = {
    "cookies_stay_with_the_site",
    "every_record_of_the_old_server_is_there",
    "me_is_who_logged_in",
    "knowledge_is_a_list_of_records",
    "header_on_answers_with_a_token",
    "endpoint_answers_in_time",
    "no_forged_token_is_taken",
    "token_is_not_signed_with_a_key_that_everybody_knows",
}
# The times of endpoints that answer, but wrongly.
IN_TIME = {"first_request_answers_in_time", "endpoint_answers_in_time", "new_connections_answer_in_time"}
# Of both, what is asked once, at the first address that will do.
OF_THE_TARGET = {
    *BESIDE_THE_OLD,
    *UNDER_LOAD,
    "certificate_has_the_old_ones_names",
    "every_record_of_the_old_server_is_there",
    "login_answers_in_time",
    "login_gives_a_token",
    "no_forged_token_is_taken",
    "token_is_not_signed_with_a_key_that_everybody_knows",
    "wrong_password_is_refused",
}


def edit(host: Host, file: str, expression: str) -> None:
    """Change a file of nginx by a sed expression, which must change something, and reload."""
    host.run(f"cp {file} /tmp/before && sed -i '{expression}' {file} && ! cmp -s {file} /tmp/before && rm /tmp/before")
    host.run("nginx -t && systemctl reload nginx && sleep 1")


@fault(fails={"http_is_redirected_with_301", "site_redirects_to_https"})
def redirect_is_302(host: Host) -> None:
    """The redirect was left temporary after a trial."""
    edit(host, SITE, "s/return 301/return 302/")


@fault(fails={"redirect_keeps_host_path_and_query"})
def redirect_leads_to_the_front_page(host: Host) -> None:
    """return 301 https://$server_name/; and every deep link in a mail of yesterday leads to the front page."""
    edit(host, SITE, "s|https://$server_name$request_uri|https://$server_name/|")


@fault(fails={"hsts_on_every_https_surface", "headers_of_the_old_server_are_kept"})
def hsts_one_second_short(host: Host) -> None:
    """A year mistyped by one second."""
    edit(host, HEADERS, "s/max-age=31536000/max-age=31535999/")


@fault(
    fails={
        "chain_leads_to_a_trusted_root",
        "site_serves_the_certificate_of_this_name",
        "tls_grade_is_a_or_better",
    },
    errors=OVER_HTTPS | WITH_TOKEN,
)
def intermediate_missing(host: Host) -> None:
    """cert.pem in place of fullchain.pem: browsers mend it by themselves, API clients do not."""
    edit(host, SITE, "s/fullchain.pem/cert.pem/")


@fault(
    fails={
        *BESIDE_THE_OLD,
        "declared_origins_may_read",
        *IN_TIME,
        "knowledge_is_a_list_of_records",
        "knowledge_is_refused_without_a_token",
    },
    errors={"every_record_of_the_old_server_is_there"},
)
def knowledge_is_a_page(host: Host) -> None:
    """A single-page application's fallback swallows the API: 200, with HTML."""
    page = 'location = /api/v1/knowledge { default_type text/html; return 200 "<!DOCTYPE html><title>app</title>"; }'
    edit(host, SITE, f"s|^    # Gunicorn.*|    {page}|")
