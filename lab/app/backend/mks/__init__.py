"""The application: wiring, CORS, https and the shape of every error."""

from __future__ import annotations

import logging
from logging.handlers import WatchedFileHandler

from flask import Flask, Response, current_app, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from mks.api import api, pages
from mks.config import Config
from mks.login_limit import LoginLimit
from mks.store import JsonStore

MAX_BODY_BYTES = 10 * 1024 * 1024  # nginx: client_max_body_size 10M


def create_app(config: Config | None = None) -> Flask:
    """Build the application from the environment, or from given settings."""
    config = config or Config.from_environment()
    app = Flask("mks", static_folder="../static", static_url_path="/static")
    app.config.update(SECRET_KEY=config.secret_key, MAX_CONTENT_LENGTH=MAX_BODY_BYTES, MKS=config)
    app.json.ensure_ascii = False
    app.extensions["mks_store"] = JsonStore(config.data_dir)
    app.extensions["mks_login_limit"] = LoginLimit(config.run_dir / "login-limit.sqlite3")
    if config.trust_proxy_headers:
        # One hop: the address that nginx appended, never one that the client wrote before it.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1, x_port=1)
    _log_to_file(app, config)
    _errors_as_json(app)
    app.before_request(_https_only)
    # No security headers here: nginx sends them, on every surface, error pages and files included. A real
    # deployment of this system was seen to send its own as well: each arrives twice, some with two values.
    app.after_request(_cors)
    app.register_blueprint(api)
    app.register_blueprint(pages)
    return app


def _log_to_file(app: Flask, config: Config) -> None:
    # A watched file is opened again after logrotate has moved it, with or without a reload.
    handler = WatchedFileHandler(config.log_dir / "app.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s [%(process)d] %(message)s"))
    app.logger.handlers[:] = [handler]
    app.logger.setLevel(config.log_level)
    app.logger.propagate = False
    app.logger.info("application ready")


def _errors_as_json(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        answer = jsonify(success=False, error={"code": error.code, "message": error.description})
        answer.status_code = error.code or 500
        # Allow (405) and Retry-After (429) belong to the status and must survive the change of body.
        for name, value in error.get_headers():
            if name.lower() not in ("content-type", "content-length"):
                answer.headers[name] = value
        return answer

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        app.logger.exception("unexpected error in %s %s", request.method, request.path)
        answer = jsonify(success=False, error={"code": 500, "message": "internal server error"})
        answer.status_code = 500
        return answer


def _https_only() -> ResponseReturnValue | None:
    config = _config()
    if config.force_https and not request.is_secure:
        # 308 keeps the method: a POST over http must not become a GET.
        return redirect(request.url.replace("http://", "https://", 1), code=308)
    if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
        return Response(status=204)
    return None


def _cors(response: Response) -> Response:
    response.vary.add("Origin")
    allowed = _config().cors_origins
    origin = request.headers.get("Origin", "")
    if origin and (origin in allowed or "*" in allowed):
        response.headers["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = "GET, POST"
            response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
            response.headers["Access-Control-Max-Age"] = "600"
    return response


def _config() -> Config:
    config: Config = current_app.config["MKS"]
    return config
