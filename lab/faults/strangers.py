"""Defects that let a stranger in, or tell him what is not his: tokens, origins, files, errors."""

from lab.faults import fault
from lab.faults.application import BACKEND, restart
from lab.faults.web import SITE, edit
from lab.host import Host

CHECKOUT = {"checkout_is_unchanged"}


def patch(host: Host, file: str, expression: str) -> None:
    """Change the application by a sed expression, which must change something, and restart it."""
    path = f"{BACKEND}/{file}"
    host.run(f"cp {path} /tmp/before && sed -i '{expression}' {path} && ! cmp -s {path} /tmp/before && rm /tmp/before")
    restart(host)
    host.run("for try in $(seq 60); do curl -fsk https://localhost/ >/dev/null && exit; sleep 0.5; done; exit 1")


@fault(fails={"no_forged_token_is_taken", *CHECKOUT})
def tokens_are_decoded_and_not_verified(host: Host) -> None:
    """Verification was switched off to find out why a token was refused."""
    patch(host, "mks/tokens.py", 's/options={/options={"verify_signature": False, /')


@fault(fails={"no_forged_token_is_taken", *CHECKOUT})
def refresh_token_opens_everything(host: Host) -> None:
    """The type of a token is not looked at."""
    patch(host, "mks/tokens.py", 's/ if claims\\["type"\\] == kind else None//')


@fault(
    fails={
        "token_is_not_signed_with_a_key_that_everybody_knows",
        "secret_key_is_long",
        "secret_key_looks_random",
        "secret_key_is_no_placeholder",
        "configuration_check_ends_well",
        "start_script_finds_the_variables_valid",
    }
)
def key_of_an_example(host: Host) -> None:
    """The key of a blog post."""
    patch(host, ".env.production", "s/^MKS_JWT_SECRET_KEY=.*/MKS_JWT_SECRET_KEY=your-secret-key/")


@fault(fails={"wrong_password_is_refused", *CHECKOUT})
def any_password_will_do(host: Host) -> None:
    """Left from a demonstration."""
    patch(host, "mks/api.py", "s/if not check_password_hash(.*$/if user is None:/")


@fault(fails={"no_other_origin_may_read", *CHECKOUT})
def origin_is_reflected(host: Host) -> None:
    """Whoever asks is allowed: it made the front end of a colleague work."""
    patch(host, "mks/__init__.py", "s/if origin and (origin in allowed.*/if origin:/")


@fault(fails={"declared_origins_may_read", "headers_of_the_old_server_are_kept", *CHECKOUT})
def origins_are_not_told(host: Host) -> None:
    """The hook that adds the headers was lost in a merge."""
    patch(host, "mks/__init__.py", "/app.after_request(_cors)/d")


@fault(
    fails={
        "no_directory_is_listed",
        "answers_are_of_the_same_kind_as_the_old_servers",
        "bodies_are_those_of_the_old_server",
    }
)
def static_files_are_listed(host: Host) -> None:
    """autoindex, to see whether the files were there."""
    edit(host, SITE, "s|location /static/ {|&\\n        autoindex on;|")


@fault(fails={"errors_tell_nothing_of_the_source", *CHECKOUT})
def errors_with_their_source(host: Host) -> None:
    """An error handler that helps to debug, for everybody."""
    patch(host, "mks/__init__.py", 's/"message": error.description}/"message": __import__("traceback").format_exc()}/')


@fault(fails={"body_of_more_than_10m_is_refused", "site_takes_bodies_up_to_10m"})
def any_body_is_taken(host: Host) -> None:
    """The limit was in the way of an import."""
    edit(host, SITE, "s/client_max_body_size 10M;/client_max_body_size 0;/")


@fault(fails={"redirect_leads_nowhere_else"})
def redirect_believes_the_client(host: Host) -> None:
    """$host in place of $server_name: it worked for two names at once."""
    edit(host, SITE, "s|https://$server_name$request_uri|https://$host$request_uri|")


@fault(fails={"both_families_answer_alike"})
def another_server_for_ipv6(host: Host) -> None:
    """The static files of the old release, still answered on one family."""
    edit(host, SITE, 's|location /static/ {|&\\n        if ($server_addr ~ ":") { return 410; }|')
