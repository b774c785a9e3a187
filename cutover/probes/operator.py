"""The operator's login: once a run and target, its token in memory only."""

from __future__ import annotations

import json
import os
import re
import threading
from dataclasses import replace
from typing import Any

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.api import Login
from cutover.inventory import Credentials, Peer, Target
from cutover.probes.dialling import BODY_KEPT, Dialler, reach
from cutover.probes.process import run_bounded
from cutover.redact import redact

PASSWORD_SECONDS = 30.0  # a person may have to answer their agent
PASSWORD_BYTES = 65536

# RFC 6750 section 2.1; whatever else stands in its place cannot be sent in a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class Operator:
    """Logs in to a target at most once: its limit is 5 a minute, and all probes share the one token."""

    def __init__(self, target: Target, peer: Peer) -> None:
        self._target = target
        self._peer = peer
        self._lock = threading.Lock()
        self._login: Login | ProbeError | NotDeclared | None = None
        self._token = ""
        self.secrets: tuple[str, ...] = ()  # what no report may tell: the password, and the token once it is known

    def login(self) -> Login:
        """What the login answered; ProbeError when there was no answer, NotDeclared without a password."""
        with self._lock:
            if self._login is None:
                try:
                    self._login = self._log_in()
                except (ProbeError, NotDeclared) as error:
                    self._login = error
        if isinstance(self._login, Login):
            return self._login
        raise self._login.with_traceback(None)

    def token(self) -> str:
        """The access token; ProbeError when the login brought none."""
        login = self.login()
        if not self._token:
            raise ProbeError(
                f"{self._target.label}: no token, because {login.exchange.method} {login.exchange.url} "
                f"answered {login.exchange.status}" + (" without one" if login.exchange.status == 200 else ""),
                "mend the login first: see 11.login",
            )
        return self._token

    def _log_in(self) -> Login:
        credentials = self._target.credentials
        secret = password(credentials)
        self.secrets = (secret,)
        reach(self._peer, self._target.ports.https)
        endpoints = self._target.endpoints
        with Dialler(self._peer) as dialler:
            answer = dialler.ask(
                endpoints.login,
                method="POST",
                json={"username": credentials.username, "password": secret},
                secrets=(secret,),
            )
        place, token = first_of(read_json(answer.text), endpoints.token_in)
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return Login(answer.exchange, "")
        # Under whatever key it was sent: only now it is known for what it is.
        hidden = self.secrets = (secret, token)
        exchange = replace(
            answer.exchange,
            headers=tuple((key, redact(value, hidden)) for key, value in answer.exchange.headers),
            body=redact(answer.text[: 2 * BODY_KEPT], hidden)[:BODY_KEPT],
        )
        if exchange.status != 200:
            return Login(exchange, "")
        self._token = token
        return Login(exchange, place)


def password(credentials: Credentials) -> str:
    """The operator's password; NotDeclared when nothing was said about credentials, else ProbeError."""
    if credentials.password_command:
        return _from_command(credentials)
    secret = os.environ.get(credentials.password_env, "")
    if secret:
        return secret
    if credentials.model_fields_set:
        raise ProbeError(f"the variable {credentials.password_env}, which the inventory names, is not set")
    raise NotDeclared(f"no credentials: set {credentials.password_env} to the password of {credentials.username}")


def _from_command(credentials: Credentials) -> str:
    name = credentials.password_command[0]
    argv, folder = credentials.password_command, credentials.folder
    try:
        done = run_bounded(argv, seconds=PASSWORD_SECONDS, bytes_=PASSWORD_BYTES, folder=folder)
    except OSError as error:
        raise ProbeError(f"password_command {name}: {type(error).__name__}") from None
    except ProbeError as error:
        raise ProbeError(f"password_command {error.cause}", error.advice) from None
    secret = done.stdout.decode("utf-8", "replace").partition("\n")[0].rstrip("\r")
    if done.rc != 0 or not secret:
        raise ProbeError(f"password_command {name}: exit status {done.rc}, {len(secret)} characters")
    return secret


def read_json(text: str) -> Any:  # noqa: ANN401
    """The value of a JSON text; None when it is none, or is nested beyond reason."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def first_of(value: Any, places: tuple[str, ...]) -> tuple[str, Any]:  # noqa: ANN401
    """The first dotted place that exists in a JSON value, and what is there; ``("", None)`` without one."""
    for place in places:
        found = value
        for key in place.split(".") if place else ():
            found = found.get(key) if isinstance(found, dict) else None
        if found is not None:
            return place, found
    return "", None
