"""Section 12: plain http leads to https, permanently."""

import pytest

from cutover.check import control, promised, seen
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
