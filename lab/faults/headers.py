"""Defects of the security headers that a client sees (section 12)."""

from lab.faults import fault
from lab.faults.strangers import patch
from lab.faults.web import SITE, edit
from lab.host import Host

PLAIN = "/etc/nginx/snippets/mirai-plain-http-headers.conf"

ON_EVERY_ANSWER = {
    "header_on_every_surface",
    "header_on_answers_with_a_token",
    "headers_of_the_old_server_are_kept",
}


@fault(fails=ON_EVERY_ANSWER | {"header_on_the_redirect", "site_adds_header_everywhere"})
def one_taken_out(host: Host) -> None:
    """A partner's page shows the application in a frame, and X-Frame-Options stood in its way."""
    edit(host, PLAIN, "/X-Frame-Options/d")


@fault(fails=ON_EVERY_ANSWER | {"header_on_the_redirect"})
def value_mistyped(host: Host) -> None:
    """nosniff without its n: no browser tells, and none obeys."""
    edit(host, PLAIN, 's/"nosniff"/"osniff"/')


@fault(fails=ON_EVERY_ANSWER | {"checkout_is_unchanged"})
def application_sends_its_own(host: Host) -> None:
    """The application got a library that sets the headers too: each arrives twice, and the values disagree."""
    line = 'app.after_request(lambda answer: answer.headers.set("X-Frame-Options", "DENY") or answer)'
    patch(host, "mks/__init__.py", f"s/^\\( *\\)app.after_request(_cors)/&\\n\\1{line}/")


@fault(fails={"header_on_the_redirect"})
def redirect_has_none(host: Host) -> None:
    """The checklist's template as it is: the server of port 80 inherits nothing from the one of port 443."""
    edit(host, SITE, "/mirai-plain-http-headers/d")


@fault(
    fails={
        "header_on_every_surface",
        "headers_of_the_old_server_are_kept",
        "hsts_on_every_https_surface",
        "pages_say_what_they_may_load",
        "site_adds_header_everywhere",
    }
)
def static_files_have_none(host: Host) -> None:
    """The template again: a location with an add_header of its own inherits none of the server's."""
    edit(host, SITE, "\\|location /static/|,/}/{\\|mirai-security-headers|d}")
