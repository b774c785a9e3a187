"""The demo's application: the paths of the checklist's section 11, one user, tokens in memory."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from threading import Lock
from typing import NamedTuple

USERNAME = "admin"
KNOWLEDGE = (  # category and title of what the site serves
    ("施工計画", "暑中コンクリートの打込み温度管理"),
    ("施工計画", "寒中コンクリートの初期養生"),
    ("品質管理", "スランプ試験の頻度と判定"),
    ("品質管理", "鉄筋のかぶり厚さの確認"),
    ("品質管理", "盛土の締固め管理"),
    ("安全衛生", "悪天候の後の足場の点検"),
    ("安全衛生", "墜落制止用器具の選び方"),
    ("安全衛生", "暑さ指数による熱中症の予防"),
    ("環境対策", "建設発生土の搬出記録"),
    ("環境対策", "騒音と振動の低減"),
    ("出来形管理", "橋梁床版の出来形測定"),
    ("維持管理", "トンネル覆工のひび割れ調査"),
)

LOGINS_PER_MINUTE = 5
TOKEN_SECONDS = 3600


class Answer(NamedTuple):
    """What goes back to the client, beside the headers that every answer has."""

    status: HTTPStatus
    body: bytes
    headers: dict[str, str]


def text(kind: str, content: str, headers: dict[str, str]) -> Answer:
    """An answer of a text/* type."""
    return Answer(HTTPStatus.OK, content.encode(), {"Content-Type": f"text/{kind}; charset=utf-8"} | headers)


def _json(status: HTTPStatus, content: dict[str, object], headers: dict[str, str]) -> Answer:
    own = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
    return Answer(status, json.dumps(content, ensure_ascii=False).encode(), own | headers)


def _data(data: object, **more: object) -> Answer:
    return _json(HTTPStatus.OK, {"success": True, "data": data, **more}, {})


def problem(status: HTTPStatus, headers: dict[str, str] | None = None) -> Answer:
    """An answer that says what is wrong, in the application's JSON."""
    told = {"code": status.name, "message": status.phrase}
    return _json(status, {"success": False, "error": told}, headers or {})


LOGIN = "/api/v1/auth/login"
USER = {"id": 1, "username": USERNAME, "full_name": "デモ管理者", "roles": ["admin"]}
OPEN = {
    "/": text(
        "html",
        '<!DOCTYPE html>\n<html lang="ja"><head><meta charset="utf-8"><title>建設ナレッジ</title>'
        '<link rel="stylesheet" href="/static/demo.css"></head><body><h1>建設ナレッジ</h1></body></html>\n',
        {},
    ),
    "/static/demo.css": text(
        "css",
        "body { font-family: sans-serif; margin: 2em }\n",
        {"Cache-Control": "public, max-age=31536000, immutable"},
    ),
}
GUARDED = {
    "/api/v1/auth/me": _data(USER),
    "/api/v1/knowledge": _data(
        [{"id": i, "category": about, "title": title} for i, (about, title) in enumerate(KNOWLEDGE, 1)],
        pagination={"page": 1, "per_page": 50, "pages": 1, "total": len(KNOWLEDGE)},
    ),
}


class Request(NamedTuple):
    """What an answer depends on; ``target`` is path and query."""

    method: str
    target: str
    authorization: str
    body: bytes


Reply = Callable[[Request], Answer]


class App:
    """What stands behind the demo's TLS; ``reply`` may be called from several threads."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()
        self._logins: deque[float] = deque(maxlen=LOGINS_PER_MINUTE)
        self._tokens: dict[str, float] = {}
        self._lock = Lock()

    def reply(self, request: Request) -> Answer:
        """The answer to one request."""
        path = request.target.partition("?")[0]
        if path != LOGIN and path not in OPEN | GUARDED:
            return problem(HTTPStatus.NOT_FOUND)
        allowed = ("POST",) if path == LOGIN else ("GET", "HEAD")
        if request.method not in allowed:
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": ", ".join(allowed)})
        if path == LOGIN:
            return self._login(request.body)
        if path in GUARDED and not self._admits(request.authorization):
            return problem(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
        return (OPEN | GUARDED)[path]

    def _admits(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        with self._lock:
            expires = self._tokens.get(token.strip(), 0.0)
        return scheme.lower() == "bearer" and time.monotonic() < expires

    def _login(self, body: bytes) -> Answer:
        now = time.monotonic()
        with self._lock:
            if len(self._logins) == LOGINS_PER_MINUTE and now - self._logins[0] < 60:
                wait = str(int(self._logins[0] + 61 - now))
                return problem(HTTPStatus.TOO_MANY_REQUESTS, {"Retry-After": wait})
            self._logins.append(now)
        try:
            given = json.loads(body)
            username, password = given["username"].encode(), given["password"].encode()
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return problem(HTTPStatus.BAD_REQUEST)
        # Both are always compared, so that the time taken does not tell which of them was wrong.
        known = hmac.compare_digest(username, USERNAME.encode())
        if not hmac.compare_digest(password, self._password) or not known:
            return problem(HTTPStatus.UNAUTHORIZED, {"WWW-Authenticate": "Bearer"})
        access, refresh = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
        with self._lock:
            self._tokens[access] = now + TOKEN_SECONDS
        tokens = {"access_token": access, "refresh_token": refresh, "token_type": "Bearer"}
        return _data({**tokens, "expires_in": TOKEN_SECONDS, "user": USER})
