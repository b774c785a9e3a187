"""Settings from the environment, and the rules that `run_production.sh check` holds them to."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

REQUIRED = (
    "MKS_SECRET_KEY",
    "MKS_JWT_SECRET_KEY",
    "MKS_CORS_ORIGINS",
    "MKS_FORCE_HTTPS",
    "MKS_TRUST_PROXY_HEADERS",
)
MIN_SECRET_CHARACTERS = 32
MIN_SECRET_DISTINCT = 8
PLACEHOLDER = re.compile(r"replace|change|your[-_ ]|example|secret|password|placeholder|xxx|\.\.\.", re.I)
BOOLEANS = {"true": True, "false": False}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
ORIGIN = re.compile(r"https://[A-Za-z0-9.-]+(:\d{1,5})?")
BIND = re.compile(r"(?P<host>[0-9.]+|\[[0-9A-Fa-f:]+\]):(?P<port>\d{1,5})")


@dataclass(frozen=True)
class Config:
    """What the running application needs to know."""

    secret_key: str = field(repr=False)
    jwt_secret_key: str = field(repr=False)
    cors_origins: frozenset[str]
    force_https: bool
    trust_proxy_headers: bool
    data_dir: Path
    run_dir: Path
    log_dir: Path
    log_level: str

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> Config:
        """Read the settings; a required variable that is missing or empty is a ValueError."""
        if missing := [name for name in REQUIRED if not env.get(name)]:
            raise ValueError(f"not set: {', '.join(missing)}")
        return cls(
            secret_key=env["MKS_SECRET_KEY"],
            jwt_secret_key=env["MKS_JWT_SECRET_KEY"],
            cors_origins=frozenset(origins(env["MKS_CORS_ORIGINS"])),
            force_https=BOOLEANS[env["MKS_FORCE_HTTPS"].lower()],
            trust_proxy_headers=BOOLEANS[env["MKS_TRUST_PROXY_HEADERS"].lower()],
            data_dir=Path(env["MKS_DATA_DIR"]),
            run_dir=Path(env["MKS_RUN_DIR"]),
            log_dir=Path(env["MKS_LOG_DIR"]),
            log_level=env.get("MKS_LOG_LEVEL", "INFO"),
        )


def origins(value: str) -> list[str]:
    """The entries of a comma-separated list."""
    return [part.strip() for part in value.split(",") if part.strip()]


def problems(env: Mapping[str, str]) -> list[str]:
    """Every broken rule, one sentence each. No sentence repeats a secret's value."""
    found = [f"{name} is not set" for name in REQUIRED if not env.get(name)]
    for name in ("MKS_SECRET_KEY", "MKS_JWT_SECRET_KEY"):
        found += _secret_problems(name, env.get(name, ""))
    if env.get("MKS_SECRET_KEY") and env.get("MKS_SECRET_KEY") == env.get("MKS_JWT_SECRET_KEY"):
        found.append("MKS_SECRET_KEY and MKS_JWT_SECRET_KEY are the same")
    for origin in origins(env.get("MKS_CORS_ORIGINS", "")):
        if not ORIGIN.fullmatch(origin):
            found.append(f"MKS_CORS_ORIGINS: {origin!r} is not an https origin such as https://example.com")
    for name in ("MKS_FORCE_HTTPS", "MKS_TRUST_PROXY_HEADERS"):
        if env.get(name) and env[name].lower() not in BOOLEANS:
            found.append(f"{name} is neither true nor false")
        elif env.get(name, "true").lower() == "false":
            found.append(f"{name} is false; production runs behind nginx with https")
    for name in ("MKS_GUNICORN_WORKERS", "MKS_GUNICORN_THREADS"):
        if env.get(name) and not (env[name].isdigit() and int(env[name]) > 0):
            found.append(f"{name} is not a whole number above 0")
    bind = BIND.fullmatch(env.get("MKS_GUNICORN_BIND", "127.0.0.1:8000"))
    if not bind or int(bind["port"]) > 65535:
        found.append("MKS_GUNICORN_BIND is not ADDRESS:PORT")
    elif not (bind["host"].startswith("127.") or bind["host"] == "[::1]"):
        found.append("MKS_GUNICORN_BIND is reachable from outside; nginx needs loopback only")
    if env.get("MKS_LOG_LEVEL", "INFO") not in LOG_LEVELS:
        found.append(f"MKS_LOG_LEVEL is none of {', '.join(LOG_LEVELS)}")
    return found


def _secret_problems(name: str, value: str) -> list[str]:
    if not value:
        return []
    if PLACEHOLDER.search(value):
        return [f"{name} looks like a placeholder"]
    if len(value) < MIN_SECRET_CHARACTERS or len(set(value)) < MIN_SECRET_DISTINCT:
        return [f"{name} is too short or too regular; use 32 random bytes"]
    return []


def main() -> int:
    """Print every broken rule of the current environment; 1 when there is one, 2 when nothing can run so."""
    found = problems(os.environ)
    for problem in found:
        print(problem, file=sys.stderr)
    if any(not os.environ.get(name) for name in REQUIRED):
        return 2
    return 1 if found else 0
