"""Section 12: the security headers, once each, with the promised value, wherever an answer comes from."""

import re

import pytest

from cutover.check import control, promised, seen
from cutover.facts.api import Api
from cutover.facts.http import Http
from cutover.inventory import Target

# The checklist's nginx template. OWASP today wants X-XSS-Protection absent or 0; the checklist promises this one.
PROMISED = {
    "X-Frame-Options": "SAMEORIGIN",
    "X-Content-Type-Options": "nosniff",
    "X-XSS-Protection": "1; mode=block",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}
HEADERS = pytest.mark.parametrize("name", PROMISED)
HSTS = "Strict-Transport-Security"


@control("12.security-headers")
@HEADERS
def test_header_on_every_surface(http: Http, name: str) -> None:
    """nginx drops inherited add_header lines in a location that has its own, so static and error pages are asked.

    Mend: put the header lines, each with "always", into a snippet and include it in every server and in every
    location that has an add_header of its own; sudo nginx -t && sudo systemctl reload nginx
    """
    values = http.values_of(name)
    assert seen(values, where=f"{name} by surface") == promised(dict.fromkeys(values, PROMISED[name]))


@control("12.security-headers")
@HEADERS
def test_header_on_the_redirect(redirect: Http, name: str) -> None:
    """It is a server of its own in nginx and inherits nothing from the one of port 443.

    Mend: include the same header lines, HSTS apart, in the port 80 server of the nginx site
    """
    values = redirect.values_of(name)
    assert seen(values, where=f"{name} by path, over http") == promised(dict.fromkeys(values, PROMISED[name]))


@control("12.security-headers")
@HEADERS
def test_header_on_answers_with_a_token(api: Api, name: str) -> None:
    """The application may set headers of its own, so that each arrives twice, or with values that disagree.

    Mend: set the header in one place only: in nginx (proxy_hide_header for the application's) or in the app
    """
    values = {answer.url: " | ".join(answer.values(name)) or "absent" for answer in (api.me, api.knowledge)}
    assert seen(values, where=f"{name} by URL") == promised(dict.fromkeys(values, PROMISED[name]))


@control("12.security-headers")
def test_hsts_on_every_https_surface(http: Http, target: Target) -> None:
    """Browsers keep to https for this long. Over plain http it means nothing (RFC 6797 section 7.2): not asked.

    Mend: add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always; in server and /static/
    """
    least = target.limits.hsts_seconds
    values = http.values_of(HSTS)
    good = {surface: hsts_holds(value, least) for surface, value in values.items()}
    bad = "; ".join(f"{surface}: {values[surface]}" for surface in values if not good[surface])
    assert seen(good, bad or next(iter(values.values())), where=f"{HSTS} by surface") == promised(
        dict.fromkeys(good, True), f"max-age of at least {least} with includeSubDomains, once"
    )


DIRECTIVE = r'[\w!#$%&\'*+.^`|~-]+(\s*=\s*([\w!#$%&\'*+.^`|~-]+|"[^"]*"))?'


def hsts_holds(value: str, least_seconds: int) -> bool:
    """Whether one header value (RFC 6797 section 6.1) promises https for long enough, subdomains included."""
    directives = [part.strip().lower() for part in value.split(";") if part.strip()]
    if not all(re.fullmatch(DIRECTIVE, part) for part in directives):
        return False
    ages = [match[2] for part in directives if (match := re.fullmatch(r'max-age\s*=\s*("?)(\d+)\1', part))]
    named = [part for part in directives if part.startswith("max-age")]
    if len(named) != 1:
        return False
    return len(ages) == 1 and int(ages[0]) >= least_seconds and directives.count("includesubdomains") == 1
