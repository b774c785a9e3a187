"""Section 12: plain http leads to https, permanently."""

import pytest

from cutover.check import control, promised, seen
from cutover.facts.detours import STRANGER, Detours
from cutover.facts.http import REDIRECT_PATHS, Http
from cutover.inventory import Target

PATHS = pytest.mark.parametrize("path", REDIRECT_PATHS)


@control("12.redirect")
@PATHS
def test_http_is_redirected_with_301(redirect: Http, path: str) -> None:
    """A 302 is for now only: browsers, crawlers and API clients would come back over plain http each time.

    Mend: in the port 80 server of the nginx site: return 301 https://$server_name$request_uri;
    """
    answer = redirect.answers[path]
    assert seen(answer.status, where=answer.url) == promised(301)


@control("12.redirect")
@PATHS
def test_redirect_keeps_host_path_and_query(redirect: Http, target: Target, path: str) -> None:
    """A redirect that loses the path sends every deep link to the front page.

    Mend: in the port 80 server of the nginx site: return 301 https://$server_name$request_uri;
    """
    answer = redirect.answers[path]
    assert seen(answer.location or "no Location", where=answer.url) == promised(target.url(path))


@control("12.redirect")
def test_redirect_leads_nowhere_else(detours: Detours) -> None:
    """A redirect built from what the client sent leads a victim, or a cache, to a host of the sender's choice.

    Mend: return 301 https://$server_name$request_uri; with the name and not with $host or $http_x_forwarded_host
    """
    led = {claim: detours.led_to(claim) for claim in detours.claims}
    wrong = {claim: host for claim, host in led.items() if host == STRANGER or host.endswith(f".{STRANGER}")}
    assert seen(wrong, where="the host that / over http leads to, by header") == promised(
        {}, "no host that was claimed"
    )


@control("6.renewal")
def test_challenge_is_not_redirected(detours: Detours) -> None:
    """The authority asks over http. It follows a redirect to https, but the certificate there may be the expired one.

    Mend: location /.well-known/acme-challenge/ { root /var/www/html; } in the port 80 server of the nginx site
    """
    answer = detours.challenge
    assert seen(answer.status, where=answer.url) == promised(404)
