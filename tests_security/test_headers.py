"""Section 12: the security headers, once each, with the promised value, wherever an answer comes from."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.api import Api
from cutover.facts.hsts import parse
from cutover.facts.http import Http
from cutover.inventory import Target
from cutover.policies import HEADERS

NAMES = pytest.mark.parametrize("name", HEADERS["checklist"])
HSTS = "Strict-Transport-Security"


@control("12.security-headers")
@NAMES
def test_header_on_every_surface(http: Http, target: Target, name: str) -> None:
    """nginx drops inherited add_header lines in a location that has its own, so static and error pages are asked.

    Mend: put the header lines, each with "always", into a snippet and include it in every server and in every
    location that has an add_header of its own; sudo nginx -t && sudo systemctl reload nginx
    """
    values = http.values_of(name)
    assert seen(values, where=f"{name} by surface") == promised(kept_by(values, target.headers[name]))


@control("12.security-headers")
@NAMES
def test_header_on_the_redirect(redirect: Http, target: Target, name: str) -> None:
    """It is a server of its own in nginx and inherits nothing from the one of port 443.

    Mend: include the same header lines, HSTS apart, in the port 80 server of the nginx site
    """
    values = redirect.values_of(name)
    assert seen(values, where=f"{name} by path, over http") == promised(kept_by(values, target.headers[name]))


@control("12.security-headers")
@NAMES
def test_header_on_answers_with_a_token(api: Api, target: Target, name: str) -> None:
    """The application may set headers of its own, so that each arrives twice, or with values that disagree.

    Mend: set the header in one place only: in nginx (proxy_hide_header for the application's) or in the app
    """
    values = {answer.url: " | ".join(answer.values(name)) or "absent" for answer in (api.me, api.knowledge)}
    assert seen(values, where=f"{name} by URL") == promised(kept_by(values, target.headers[name]))


@control("12.security-headers")
def test_hsts_on_every_https_surface(http: Http, target: Target) -> None:
    """Browsers keep to https for this long. Over plain http it means nothing (RFC 6797 section 7.2): not asked.

    Mend: add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always; in server and /static/
    """
    least = target.limits.hsts_seconds
    values = http.values_of(HSTS)
    defects = {surface: hsts_defect(answer.values(HSTS), least) for surface, answer in http.answers.items()}
    state = "; ".join(f"{surface}: {defect}" for surface, defect in defects.items() if defect)
    assert seen(defects, state or next(iter(values.values())), where=f"{HSTS} by surface") == promised(
        dict.fromkeys(defects, ""), f"max-age of at least {least} with includeSubDomains, once"
    )


def kept_by(values: dict[str, str], allowed: tuple[str, ...]) -> dict[str, str]:
    """Each value as it should be: as it is when it will do, else the recommended one."""
    return {place: value if value in allowed else allowed[0] for place, value in values.items()}


def hsts_defect(values: tuple[str, ...], least_seconds: int) -> str:
    """What was sent and why it does not promise https for long enough, subdomains included; empty when it does."""
    if not values:
        return "absent"
    flaw = hsts_flaw(values[0], least_seconds) if len(values) == 1 else "sent more than once: the first counts"
    return f"{' | '.join(values) or 'empty'} ({flaw})" if flaw else ""


def hsts_flaw(header: str, least_seconds: int) -> str:
    """Why one header does not hold."""
    promise = parse(header)
    if isinstance(promise, str):
        return f"not valid: {promise}"
    if promise.seconds < least_seconds:
        return "max-age is too short"
    return "" if promise.subdomains else "no includeSubDomains"
