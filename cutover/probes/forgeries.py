"""Tokens and a password that must open nothing: what the application answers to each, asked once."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator

from cutover.errors import ProbeError
from cutover.facts.forgeries import Forgeries, WrongPassword
from cutover.probes.connecting import reach
from cutover.probes.dialling import Dialler
from cutover.probes.operator import Operator

# Keys of documentation, of examples and of the checklist itself (section 5), which everybody knows.
KNOWN_KEYS = (
    "",
    "secret",
    "secret-key",
    "secret_key",
    "your-secret-key",
    "your-secret-key-here",
    "your-jwt-secret-key",
    "your-jwt-secret-key-here",
    "jwt-secret-key",
    "jwt-secret",
    "super-secret",
    "dev",
    "dev-secret-key",
    "development",
    "change-me",
    "changeme",
    "change-this",
    "password",
    "test",
)


def probe(operator: Operator) -> Forgeries:
    """Show ``me`` each forgery; ProbeError without a token to start from."""
    token = operator.token()
    peer = operator.peer
    reach(peer, peer.target.ports.https)
    path = peer.target.endpoints.me
    with Dialler(peer) as dialler:
        answers = {what: dialler.ask(path, token=forged).exchange for what, forged in _forged(token, operator.refresh)}
    return Forgeries(answers, _known_key(token))


def wrong_password(operator: Operator) -> WrongPassword:
    """Log in once with a random password, after the right one: a count of failures must not be in its way.

    ProbeError when the login limit, and not the password, was what answered.
    """
    operator.login()
    peer = operator.peer
    reach(peer, peer.target.ports.https)
    credentials = {"username": peer.target.credentials.username, "password": secrets.token_urlsafe(12)}
    with Dialler(peer) as dialler:
        answer = dialler.ask(peer.target.endpoints.login, method="POST", json=credentials).exchange
    if answer.status == 429:
        raise ProbeError(f"{peer.target.host}: the login limit answered (429)", "wait a minute, then verify again")
    return WrongPassword(answer)


def _forged(token: str, refresh: str) -> Iterator[tuple[str, str]]:
    yield "no token", ""
    yield "no such token", secrets.token_urlsafe(24)
    head, _, signature = token.rpartition(".")
    header, _, claims = head.partition(".")
    subject = _decoded(claims)
    if _decoded(header) is not None and subject is not None:
        unsigned = _encoded({"alg": "none", "typ": "JWT"})
        other = _encoded({**subject, "sub": "cutover", "username": "cutover", "identity": "cutover"})
        # Not its last character, of which some bits mean nothing.
        flipped = ("B" if signature[:1] == "A" else "A") + signature[1:]
        yield "alg none", f"{unsigned}.{claims}."
        yield "alg None", f"{_encoded({'alg': 'None', 'typ': 'JWT'})}.{claims}."
        yield "no signature", f"{head}."
        yield "broken signature", f"{head}.{flipped}"
        yield "another's signature", f"{head}.{_signature(head, secrets.token_hex(16))}"
        yield "another user's claims", f"{header}.{other}.{signature}"
    else:
        yield "broken token", token[:-1] if len(token) > 8 else token + "A"
    if refresh:
        yield "refresh token", refresh


def _known_key(token: str) -> str:
    """Of HS256 only: the other algorithms' keys are of another kind."""
    head, _, signature = token.rpartition(".")
    if (_decoded(head.partition(".")[0]) or {}).get("alg") != "HS256":
        return ""
    found = (key for key in KNOWN_KEYS if hmac.compare_digest(_signature(head, key), signature))
    return next((key or "the empty key" for key in found), "")


def _signature(head: str, key: str) -> str:
    digest = hmac.new(key.encode(), head.encode(), hashlib.sha256).digest()
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _encoded(part: dict[str, object]) -> str:
    return urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _decoded(part: str) -> dict[str, object] | None:
    try:
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    return value if isinstance(value, dict) else None
