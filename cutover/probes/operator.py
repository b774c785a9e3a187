"""The operator's login: once a run and target, its token in memory only."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from cutover import probes
from cutover.errors import NotDeclared, ProbeError
from cutover.facts.api import Login
from cutover.inventory import Credentials, Peer, Target
from cutover.probes.answers import Body
from cutover.probes.connecting import reach
from cutover.probes.process import run_bounded
from cutover.redact import hide

if TYPE_CHECKING:
    from cutover.probes.dialling import Answer

PASSWORD_SECONDS = 30.0  # a person may have to answer their agent
PASSWORD_BYTES = 65536

# RFC 6750 section 2.1; whatever else stands in its place cannot be sent in a header.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")


class Operator:
    """Logs in to a target at most once: its limit is 5 a minute, and all probes share the one token.

    With ``expected`` there is to be a login in this run; ``timed`` is one whose time counts, because there is no second
    one on a quieter host.
    """

    def __init__(self, target: Target, peers: tuple[Peer, ...], *, expected: bool = False, timed: bool = False) -> None:
        self._target = target
        self._peers = peers
        self._expected = expected
        self._timed = timed
        self.peer = peers[0]  # whom the login went to, once it did
        self._lock = threading.Lock()
        self._login: Login | ProbeError | NotDeclared | None = None
        self._password = ""
        self._token = ""
        self.refresh = ""  # the refresh token, where the login gives one

    def login(self) -> Login:
        """What the login answered; ProbeError when there was no answer, NotDeclared without a password."""
        with self._lock:
            self._know_password()
            if self._login is None:
                try:
                    self._login = self._log_in()
                except (ProbeError, NotDeclared) as error:
                    self._login = error
        if isinstance(self._login, Login):
            return self._login
        raise self._login.with_traceback(None)

    def go_first(self) -> None:
        """Know the password, before anything is read that may show it, and log in, before anything disturbs the host.

        Return when an expected password is known, and a timed login was answered; or they could not be.
        """
        if self._expected:
            with self._lock:
                self._know_password()
        if self._timed:
            with contextlib.suppress(ProbeError, NotDeclared):
                self.login()

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

    def _know_password(self) -> None:
        if self._password or self._login is not None:
            return
        credentials = self._target.credentials
        try:
            self._password = password(credentials)
        except (ProbeError, NotDeclared) as error:
            self._login = error
        # The name stands in every report: a password that is the same word could only be told by hiding it.
        if self._password != credentials.username:
            hide(self._password)

    def _log_in(self) -> Login:
        endpoints = self._target.endpoints
        answer = self._attempt()
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
        exchange = replace(answer.exchange.redacted_again(), body=probes.dialling.kept(answer.text))
        objection = body.objection(place)
        if exchange.status != 200:
            return Login(exchange, "", objection)
        self._token = token
        return Login(exchange, place, objection)

    def _attempt(self) -> Answer:
        """What the first peer answers to which anything could be sent; the cause of the first when it was none.

        A connection that was refused, or whose certificate was, is no attempt: the next address may be up.
        """
        told = {"username": self._target.credentials.username, "password": self._password}
        causes: list[ProbeError] = []
        for peer in self._peers:
            connected = False
            try:
                reach(peer, self._target.ports.https)
                with probes.dialling.Dialler(peer) as dialler:
                    try:
                        return dialler.ask(self._target.endpoints.login, method="POST", json=told)
                    finally:
                        connected = dialler.connected
                        self.peer = peer
            except ProbeError as error:
                if connected:
                    raise
                causes.append(error)
        raise causes[0]


def password(credentials: Credentials) -> str:
    """The operator's password; NotDeclared when nothing was said about credentials, else ProbeError."""
    if credentials.password_command:
        return _from_command(credentials)
    secret = os.environ.get(credentials.password_env, "")
    if secret:
        return secret
    variable, username = credentials.password_env, credentials.username
    if "password_env" in credentials.model_fields_set:
        raise ProbeError(f"the variable {variable}, which the inventory names, is not set", f"set it for {username}")
    if credentials.model_fields_set:
        raise ProbeError(
            f"the inventory names the user {username} and no password",
            f"set {variable} to it, or declare password_env or password_command under [target.credentials]",
        )
    raise NotDeclared(f"no credentials: set {variable} to the password of {username}")


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
