"""What a stranger is not to see: files of the host, directories, the source of an error."""

import re

from cutover.check import control, promised, seen
from cutover.facts.http import Http
from cutover.facts.private_paths import PrivatePaths

TRACES = re.compile(
    r"Traceback \(most recent call last\)|File \"/[^\"]+\", line \d+|werkzeug\.debug|__debugger__|Werkzeug Debugger"
    r"|sqlalchemy\.exc|psycopg2?\.|jinja2\.exceptions|Whoops|at [\w.$]+\([\w]+\.java:\d+\)"
)


@control("7.site-content")
def test_nothing_private_is_served(private_paths: PrivatePaths) -> None:
    """Scanners ask for these within the hour in which a certificate appears in the public logs.

    Mend: root and alias of the site lead to the static files alone, each alias with its last slash; then
    sudo nginx -t && sudo systemctl reload nginx, and take new secrets for whatever was served
    """
    served = {
        path: one.told for path, one in private_paths.found.items() if one.status in (200, 206) and not one.like_missing
    }
    served = {path: told for path, told in served.items() if path not in ("/", "/static/")}
    assert seen(served, where="by path") == promised({}, "none of the private files and pages")


@control("7.site-content")
def test_no_directory_is_listed(private_paths: PrivatePaths) -> None:
    """A listing is the table of contents of what was put there by accident.

    Mend: autoindex off; in the nginx site, which is its default
    """
    listed = {path for path, one in private_paths.found.items() if one.listing}
    assert seen(listed, where="by path") == promised(set())


@control("11.health")
def test_errors_tell_nothing_of_the_source(http: Http) -> None:
    """A traceback gives away paths, versions and at times secrets; a debugger runs whatever it is told.

    Mend: FLASK_DEBUG and FLASK_ENV out of the environment, debug=False, and an error handler that answers with JSON
    """
    shown = {what: found[0] for what, answer in http.answers.items() if (found := TRACES.search(answer.body))}
    assert seen(shown, where="by surface") == promised({}, "no trace of the source in any answer")


@control("7.site-content")
def test_body_of_more_than_10m_is_refused(http: Http) -> None:
    """Otherwise anybody fills the disk, or the memory of a worker.

    Mend: client_max_body_size 10M; in the nginx site
    """
    answer = http.answers.get("413")
    state = str(answer.status) if answer else "no answer: it waits for the body"
    assert seen(state, where="POST / that announces 10M and one byte") == promised("413")
