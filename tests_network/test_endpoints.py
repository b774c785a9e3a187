"""Section 11: the endpoints, by status, content type and meaning. A health page alone proves nothing."""

from cutover.check import control, promised, seen
from cutover.facts.api import Api, Login
from cutover.facts.http import Exchange, Http
from cutover.inventory import Target


@control("11.health")
def test_front_page_answers(http: Http) -> None:
    """Expected is HTML or JSON; 502 means that nginx found no application behind it.

    Mend: ./run_production.sh status, then sudo tail /var/log/nginx/mirai-knowledge-system-error.log
    """
    answer = http.answers["/"]
    given = (answer.status, answer.content_type in ("text/html", "application/json"), answer.length > 0, answer.flaw)
    assert seen(given, told(answer, f"{answer.length} bytes"), where=answer.url) == promised(
        (200, True, True, ""), "200 with HTML or JSON"
    )


@control("11.login")
def test_login_gives_a_token(login: Login, target: Target) -> None:
    """Asked once a run: the application allows five logins a minute. A token beside "success": false is none.

    Mend: check the operator's password; ./run_production.sh status; 429 means to wait a minute; 5xx is in app.log
    """
    answer, places = login.exchange, " or ".join(target.endpoints.token_in)
    state = told(answer, f"token in {login.token_in or 'no place'}", login.objection)
    given = (answer.status, bool(login.token_in), answer.flaw, login.objection)
    assert seen(given, state, where=answer.url) == promised((200, True, "", ""), f"200 with a token in {places}")


@control("11.me")
def test_me_is_who_logged_in(api: Api, target: Target) -> None:
    """A status of 200 is not enough: the token must belong to the user it was given to.

    Mend: see app.log for what /me answered, and whether MKS_JWT_SECRET_KEY is the same in all workers
    """
    answer, wanted = api.me, target.credentials.username
    state = told(answer, f"user {api.username or 'nowhere'}", api.me_objection)
    given = (answer.status, answer.content_type, api.username, answer.flaw, api.me_objection)
    assert seen(given, state, where=answer.url) == promised(
        (200, "application/json", wanted, "", ""), f"200 with JSON, user {wanted}"
    )


@control("11.knowledge")
def test_knowledge_is_a_list_of_records(api: Api, target: Target) -> None:
    """An error page with status 200, or an empty list after a migration that lost its data, is no success.

    Mend: look into the data directory (sudo ls -l /var/lib/mirai-knowledge-system/data) and app.log
    """
    answer, least = api.knowledge, target.limits.knowledge_records
    found = "no list" if api.records is None else f"{api.records} records"
    if api.no_objects:
        found = f"{api.no_objects} of {api.records} are no objects"
    state = told(answer, found, api.knowledge_objection)
    enough = api.records is not None and api.records >= least and not api.no_objects
    given = (answer.status, answer.content_type, enough, answer.flaw, api.knowledge_objection)
    assert seen(given, state, where=answer.url) == promised(
        (200, "application/json", True, "", ""), f"200 with JSON, at least {least} records"
    )


@control("11.knowledge")
def test_knowledge_is_refused_without_a_token(http: Http) -> None:
    """Otherwise everybody reads it.

    Mend: the endpoint's view lost its authentication: compare the deployed commit with the released one
    """
    answer = http.answers["api without token"]
    assert seen(answer.status, where=answer.url) == promised(401)


def told(answer: Exchange, found: str, objection: str = "") -> str:
    """An answer as a failure tells it: status, type, what it holds, and what speaks against it."""
    parts = (str(answer.status), answer.content_type or "no content type", found, answer.flaw, objection)
    return ", ".join(part for part in parts if part)
