"""The endpoints."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, abort, current_app, g, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import TooManyRequests, Unauthorized
from werkzeug.security import check_password_hash, generate_password_hash

from mks import tokens
from mks.store import JsonStore

View = Callable[[], ResponseReturnValue]

api = Blueprint("api", __name__, url_prefix="/api/v1")
pages = Blueprint("pages", __name__, template_folder="templates")

MAX_CREDENTIAL_CHARACTERS = 256
DEFAULT_PER_PAGE, MAX_PER_PAGE = 50, 100
# Checked when the user does not exist, so that the time of the answer does not tell which names do.
NOBODY = generate_password_hash("nobody has this password")


@pages.get("/")
def index() -> ResponseReturnValue:
    """The start page."""
    return render_template("index.html")


@api.post("/auth/login")
def login() -> ResponseReturnValue:
    """Exchange a name and a password for tokens."""
    wait = current_app.extensions["mks_login_limit"].retry_after(request.remote_addr or "")
    if wait:
        raise TooManyRequests("too many login attempts", retry_after=wait)
    body = request.get_json(silent=True)
    name, password = (body.get("username"), body.get("password")) if isinstance(body, dict) else (None, None)
    for value in (name, password):
        if not isinstance(value, str) or not 0 < len(value) <= MAX_CREDENTIAL_CHARACTERS:
            abort(400, "username and password are required, as JSON strings")
    user = _store().user(name)
    if not check_password_hash(user["password_hash"] if user else NOBODY, password) or user is None:
        current_app.logger.warning("login refused for %r from %s", name, request.remote_addr)
        raise Unauthorized("wrong username or password")
    current_app.logger.info("login of %r from %s", name, request.remote_addr)
    return _success(
        access_token=_issue(name, "access"),
        refresh_token=_issue(name, "refresh"),
        token_type="Bearer",
        expires_in=tokens.LIFETIME_SECONDS["access"],
        user=_public(user),
    )


def needs_token(kind: str) -> Callable[[View], View]:
    """Let a request through only with a valid token of this kind, whose user still exists."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded() -> ResponseReturnValue:
            scheme, _, token = request.headers.get("Authorization", "").partition(" ")
            name = tokens.username_of(_key(), token.strip(), kind) if scheme.lower() == "bearer" else None
            g.user = _store().user(name) if name else None
            if g.user is None:
                error = {"code": 401, "message": f"a valid {kind} token is needed"}
                return jsonify(success=False, error=error), 401, {"WWW-Authenticate": "Bearer"}
            return view()

        return guarded

    return decorate


@api.post("/auth/refresh")
@needs_token("refresh")
def refresh() -> ResponseReturnValue:
    """Exchange a refresh token for a new access token."""
    return _success(access_token=_issue(g.user["username"], "access"), expires_in=tokens.LIFETIME_SECONDS["access"])


@api.get("/auth/me")
@needs_token("access")
def me() -> ResponseReturnValue:
    """The user whose token this is."""
    return _success(**_public(g.user))


@api.get("/knowledge")
@needs_token("access")
def knowledge() -> ResponseReturnValue:
    """One page of the knowledge records."""
    page, per_page = _positive("page", 1), _positive("per_page", DEFAULT_PER_PAGE)
    per_page = min(per_page, MAX_PER_PAGE)
    records = _store().knowledge()
    return jsonify(
        success=True,
        data=records[(page - 1) * per_page : page * per_page],
        pagination={
            "page": page,
            "per_page": per_page,
            "total": len(records),
            "total_pages": -(-len(records) // per_page),
        },
    )


def _positive(name: str, default: int) -> int:
    value = request.args.get(name, str(default))
    # isdecimal alone admits digits of other scripts and numbers of any length.
    if not (value.isascii() and value.isdecimal() and len(value) <= 6 and int(value) > 0):
        abort(400, f"{name} must be a whole number above 0")
    return int(value)


def _success(**data: object) -> ResponseReturnValue:
    return jsonify(success=True, data=data)


def _public(user: dict[str, Any]) -> dict[str, Any]:
    return {name: user[name] for name in ("id", "username", "full_name", "role")}


def _store() -> JsonStore:
    store: JsonStore = current_app.extensions["mks_store"]
    return store


def _key() -> str:
    return current_app.config["MKS"].jwt_secret_key


def _issue(username: str, kind: str) -> str:
    return tokens.issue(_key(), username, kind)
