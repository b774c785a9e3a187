"""Access and refresh tokens: HS256, nothing else."""

from __future__ import annotations

import secrets
import time

import jwt

ALGORITHM = "HS256"
LIFETIME_SECONDS = {"access": 60 * 60, "refresh": 30 * 24 * 60 * 60}


def issue(key: str, username: str, kind: str) -> str:
    """Sign a token of one kind for one user."""
    now = int(time.time())
    claims = {
        "sub": username,
        "type": kind,
        "iat": now,
        "exp": now + LIFETIME_SECONDS[kind],
        "jti": secrets.token_hex(8),
    }
    return jwt.encode(claims, key, algorithm=ALGORITHM)


def username_of(key: str, token: str, kind: str) -> str | None:
    """Whose token this is; None when it is invalid, expired, or of another kind."""
    try:
        # The algorithm is ours, not the token's: "alg": "none" and key confusion end here.
        claims = jwt.decode(token, key, algorithms=[ALGORITHM], options={"require": ["exp", "iat", "sub", "type"]})
    except jwt.InvalidTokenError:
        return None
    return claims["sub"] if claims["type"] == kind else None
