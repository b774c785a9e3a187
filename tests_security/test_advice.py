"""Advice beyond the checklist: what answers tell a stranger. It fails no run unasked."""

import re

from cutover.check import control, promised, seen
from cutover.facts.http import Http


@control("advice.server-tokens")
def test_answers_do_not_tell_a_version(http: Http, redirect: Http) -> None:
    """Whoever has an exploit for one version of nginx finds its hosts by this header.

    Mend: server_tokens off; in the http block of /etc/nginx/nginx.conf; sudo nginx -t && sudo systemctl reload nginx
    """
    values = {*http.values_of("Server").values(), *redirect.values_of("Server").values()}
    tell = {value for value in values if re.search(r"[/ (]\S*\d", value)}
    assert seen(tell, ", ".join(sorted(values)), where="Server") == promised(set(), "no version")
