"""The operator's login: once a run and target, its token in memory only."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from dataclasses import replace

from cutover.errors import NotDeclared, ProbeError
from cutover.facts.api import Login
from cutover.inventory import Credentials, Peer, Target
from cutover.probes.answers import Body
from cutover.probes.dialling import Dialler, kept, reach
from cutover.redact import hide

# RFC 6750 section 2.1; whatever else stands in its place cannot be sent in a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class Operator:
    """Logs in to a target at most once: its limit is 5 a minute, and all probes share the one token."""

    def __init__(self, target: Target, peer: Peer) -> None:
        self._target = target
        self.peer = peer
        self._lock = threading.Lock()
        self._login: Login | ProbeError | NotDeclared | None = None
        self._password = ""
        self._token = ""
        self.refresh = ""  # the refresh token, where the login gives one

    def know_password(self) -> None:
        """Look the password up, before anything is read that may show it."""
        credentials = self._target.credentials
        try:
            self._password = password(credentials)
        except (ProbeError, NotDeclared) as error:
            self._login = error
        # The name stands in every report: a password that is the same word could only be told by hiding it.
        if self._password != credentials.username:
            hide(self._password)

    def login(self) -> Login:
        """What the login answered; ProbeError when there was no answer, NotDeclared without a password."""
        with self._lock:
            if not self._password and self._login is None:
                self.know_password()
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
        reach(self.peer, self._target.ports.https)
        endpoints = self._target.endpoints
        with Dialler(self.peer) as dialler:
            answer = dialler.ask(
                endpoints.login,
                method="POST",
                json={"username": self._target.credentials.username, "password": self._password},
            )
        body = Body.read(answer.text)
        place, token = body.first_of(endpoints.token_in)
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            return Login(answer.exchange, "", body.objection(""))
        # Under whatever key it was sent: only now it is known for what it is.
        hide(token)
        _, refresh = body.first_of(tuple(place.replace("access", "refresh") for place in endpoints.token_in))
        if isinstance(refresh, str) and _TOKEN.fullmatch(refresh) and refresh != token:
            self.refresh = refresh
            hide(refresh)
        exchange = replace(answer.exchange.redacted_again(), body=kept(answer.text))
        objection = body.objection(place)
        if exchange.status != 200:
            return Login(exchange, "", objection)
        self._token = token
        return Login(exchange, place, objection)


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
    try:
        done = subprocess.run(
            credentials.password_command,
            cwd=credentials.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProbeError(f"password_command {name}: {type(error).__name__}") from None
    secret = done.stdout.decode("utf-8", "replace").partition("\n")[0].rstrip("\r")
    if done.returncode != 0 or not secret:
        raise ProbeError(f"password_command {name}: exit status {done.returncode}, {len(secret)} characters")
    return secret
