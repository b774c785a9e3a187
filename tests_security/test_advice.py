"""Advice beyond the checklist: what answers tell a stranger. It fails no run unasked."""

import re

from cutover.check import control, promised, seen
from cutover.facts.api import Api
from cutover.facts.http import Http


@control("advice.server-tokens")
def test_answers_do_not_tell_a_version(http: Http, redirect: Http) -> None:
    """Whoever has an exploit for one version of nginx finds its hosts by this header.

    Mend: server_tokens off; in the http block of /etc/nginx/nginx.conf; sudo nginx -t && sudo systemctl reload nginx
    """
    values = {*http.values_of("Server").values(), *redirect.values_of("Server").values()}
    tell = {value for value in values if re.search(r"[/ (]\S*\d", value)}
    assert seen(tell, ", ".join(sorted(values)), where="Server") == promised(set(), "no version")


@control("advice.csp")
def test_pages_say_what_they_may_load(http: Http) -> None:
    """A policy that names sources for scripts stops most of what an injected piece of markup would do.

    Mend: add_header Content-Security-Policy "default-src 'self'" always; beside the other headers; watch the console
    """
    pages = {what: answer for what, answer in http.answers.items() if answer.content_type == "text/html"}
    told = {what: _policy(", ".join(answer.values("Content-Security-Policy"))) for what, answer in pages.items()}
    assert seen(told, where="Content-Security-Policy by surface") == promised(dict.fromkeys(told, "names its sources"))


@control("advice.cookies")
def test_cookies_stay_with_the_site(http: Http, api: Api) -> None:
    """Without Secure a cookie goes over plain http, without HttpOnly any script reads it, without SameSite it goes
    along with other sites' requests.

    Mend: SESSION_COOKIE_SECURE = True, SESSION_COOKIE_HTTPONLY = True, SESSION_COOKIE_SAMESITE = "Lax" in the app
    """
    answers = {**http.answers, "me": api.me, "knowledge": api.knowledge}
    cookies = {(what, cookie) for what, answer in answers.items() for cookie in answer.values("Set-Cookie")}
    lacking = {
        f"{cookie.partition('=')[0]} of {what}": missing for what, cookie in cookies if (missing := _lacks(cookie))
    }
    assert seen(lacking, where="Set-Cookie") == promised({}, "Secure, HttpOnly and SameSite on every cookie")


def _policy(value: str) -> str:
    directives = {part.split()[0].lower() for part in value.split(";") if part.split()}
    if directives & {"default-src", "script-src"}:
        return "names its sources"
    return f"names none for scripts: {value}" if value else "absent"


def _lacks(cookie: str) -> str:
    attributes = {part.partition("=")[0].strip().lower() for part in cookie.split(";")[1:]}
    return ", ".join(name for name in ("Secure", "HttpOnly", "SameSite") if name.lower() not in attributes)
