"""Section 12: the security headers, once each, with the promised value, wherever an answer comes from."""

import re

import pytest

from cutover.check import control, promised, seen
from cutover.facts.api import Api
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


# RFC 6797 section 6.1, in the words of RFC 9110 section 5.6; a directive may be empty.
WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
QUOTED = r'"(?:[^"\\]|\\.)*"'


def kept_by(values: dict[str, str], allowed: tuple[str, ...]) -> dict[str, str]:
    """Each value as it should be: as it is when it will do, else the recommended one."""
    return {place: value if value in allowed else allowed[0] for place, value in values.items()}


DIRECTIVE = re.compile(rf"[ \t]*(?:({WORD})[ \t]*(?:=[ \t]*({WORD}|{QUOTED})[ \t]*)?)?(?:;|\Z)")


def hsts_defect(values: tuple[str, ...], least_seconds: int) -> str:
    """What was sent and why it does not promise https for long enough, subdomains included; empty when it does."""
    if not values:
        return "absent"
    flaw = hsts_flaw(values[0], least_seconds) if len(values) == 1 else "sent more than once: the first counts"
    return f"{' | '.join(values) or 'empty'} ({flaw})" if flaw else ""


def hsts_flaw(header: str, least_seconds: int) -> str:
    """Why one header does not hold."""
    directives: dict[str, str | None] = {}
    at = 0
    while at < len(header):
        part = DIRECTIVE.match(header, at)
        if part is None:
            return "not valid: no list of directives"
        name, value, at = (part[1] or "").lower(), part[2], part.end()
        if name and name in directives:
            return f"not valid: {name} twice"
        directives[name] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value and value[0] == '"' else value
    age = directives.get("max-age") or ""
    if not re.fullmatch("[0-9]+", age):
        return "not valid: max-age is no number of seconds" if "max-age" in directives else "not valid: no max-age"
    if directives.get("includesubdomains") is not None:
        return "not valid: includeSubDomains takes no value"
    if int(age) < least_seconds:
        return "max-age is too short"
    return "" if "includesubdomains" in directives else "no includeSubDomains"
