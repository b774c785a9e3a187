"""``run.json``: who verified what, when, with which version and which inputs; written at the start and at the end."""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import shlex
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from cutover.causes import Lang
from cutover.errors import UsageError
from cutover.files import write_whole
from cutover.inventory import Peer
from cutover.redact import redact

FILE = "run.json"
SCHEMA = 1
PROJECT = Path(__file__).parents[2]
# The first that is set counts: GitHub, GitLab, Jenkins.
_OPERATORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID")
_JOBS = ("CI_JOB_URL", "BUILD_URL")


@dataclass(frozen=True, slots=True)
class TargetLine:
    """One target as the run knew it; ``recorded`` when its server's facts are of another day."""

    host: str
    phase: str
    tier: str
    addresses: tuple[str, ...]
    recorded: bool


@dataclass(frozen=True, slots=True)
class Sameness:
    """What a target said it was at the start and at the end of a run, by name, and what of that changed."""

    start: dict[str, str]
    end: dict[str, str]
    changed: tuple[str, ...]
    clock_ahead_seconds: float | None


@dataclass(frozen=True, slots=True)
class About:
    """All of ``run.json``. Times are ISO 8601; ``inputs`` are SHA-256 by what they are of; ``arguments`` as typed.

    ``state`` is ``running`` until the run came to its end: of a run that was killed it stays so. ``lang`` is
    the language of its reports for people.
    """

    run: str
    started: str
    started_jst: str
    operator: str
    job: str
    machine: str
    version: str
    commit: str
    python: str
    arguments: str
    inputs: dict[str, str]
    targets: dict[str, TargetLine]
    state: Literal["running", "ended", "interrupted"] = "running"
    ended: str = ""
    sameness: dict[str, Sameness] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    strict_advice: bool = False
    gate: bool = False
    lang: Lang = "en"
    schema: int = SCHEMA

    def write(self, folder: Path) -> None:
        """Write it into the run's folder; OSError when it cannot be written."""
        write_whole(folder / FILE, _ABOUT.dump_json(self, indent=1) + b"\n")

    @classmethod
    def read(cls, folder: Path) -> About:
        """Read it back; UsageError when the folder is none of a run."""
        try:
            return _ABOUT.validate_json((folder / FILE).read_bytes())
        except OSError as error:
            raise UsageError(f"{folder}: is no run's folder: {FILE} cannot be read: {error.strerror}") from None
        except ValidationError:
            raise UsageError(f"{folder / FILE}: is not what a run of this version writes") from None

    def closed(self, state: Literal["ended", "interrupted"], **more: object) -> About:
        """As it stands at the end."""
        return replace(self, state=state, ended=datetime.now(UTC).isoformat(timespec="seconds"), **more)  # type: ignore[arg-type]


_ABOUT = TypeAdapter(About)


def about(
    run: str,
    started: datetime,
    arguments: Iterable[str],
    inputs: Mapping[str, Path],
    peers: Mapping[str, tuple[Peer, ...]],
    recorded: Iterable[str],
    *,
    strict_advice: bool,
    gate: bool,
    lang: Lang,
) -> About:
    """What is known when a run starts."""
    stand_in = set(recorded)
    return About(
        run=run,
        started=started.isoformat(timespec="seconds"),
        started_jst=started.astimezone(ZoneInfo("Asia/Tokyo")).isoformat(timespec="seconds"),
        operator=redact(next((os.environ[name] for name in _OPERATORS if os.environ.get(name)), "") or _account()),
        job=redact(_job()),
        machine=platform.node(),
        version=version("cutover"),
        commit=_commit(),
        python=platform.python_version(),
        arguments=redact(shlex.join(arguments)),
        inputs={name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in inputs.items()},
        targets={
            label: TargetLine(
                host=of[0].target.host,
                phase=of[0].target.phase,
                tier=of[0].target.tier,
                addresses=tuple(peer.address for peer in of if peer.address),
                recorded=label in stand_in,
            )
            for label, of in peers.items()
        },
        strict_advice=strict_advice,
        gate=gate,
        lang=lang,
    )


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name
        return f"uid {os.getuid()}"


def _job() -> str:
    if run := os.environ.get("GITHUB_RUN_ID"):
        return f"{os.environ.get('GITHUB_SERVER_URL', '')}/{os.environ.get('GITHUB_REPOSITORY', '')}/actions/runs/{run}"
    return next((os.environ[name] for name in _JOBS if os.environ.get(name)), "")


def _commit() -> str:
    """The commit of this project, with ``-dirty`` where files differ from it; empty without git."""
    argv = ["git", "-C", str(PROJECT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        told = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return told.stdout.strip() if told.returncode == 0 else ""
