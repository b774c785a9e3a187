"""The embedded demo: what ``--host demo`` verifies, with no server and no privilege needed.

Real is the outside view: a site in a process of its own listens on loopback, with TLS from a private CA, the
redirect, the API and the headers, and every answer that is judged crossed a socket. Recorded is the server
side: it is judged from facts that were gathered on the lab's reference host and ship with the project
(``SERVER_FACTS``), and every report says so.
"""

from __future__ import annotations

import json
import os
import secrets
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cutover.demo.app import KNOWLEDGE, USERNAME
from cutover.errors import ProbeError
from cutover.inventory import Target

HOST = "demo.example.test"
PASSWORD_VARIABLE = "CUTOVER_DEMO_PASSWORD"  # noqa: S105 - the name of a variable, not a password
SERVER_FACTS = Path(__file__).with_name("server.json")
SERVER_PROMISES = Path(__file__).with_name("server.toml")

START_SECONDS = 20.0  # hang guards; starting takes about one second, stopping a tenth
STOP_SECONDS = 10.0


@contextmanager
def running() -> Iterator[Target]:
    """Start the demo site, yield it as a target, and end it; ProbeError when it does not come up.

    Its password is random and stands in this process's environment for as long as the site runs.
    """
    before = os.environ.get(PASSWORD_VARIABLE)
    os.environ[PASSWORD_VARIABLE] = secrets.token_urlsafe(24)
    try:
        with tempfile.TemporaryFile() as complaints:
            site = _start(complaints)
            try:
                yield _target(_ready_line(site, complaints))
            finally:
                _stop(site)
    finally:
        if before is None:
            os.environ.pop(PASSWORD_VARIABLE, None)
        else:
            os.environ[PASSWORD_VARIABLE] = before


def _start(complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "cutover.demo.site"],
            # Where -m finds this very package, whatever folder pytest was called from.
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            # Ctrl-C is for pytest: the site has to outlive the probes that still speak to it.
            start_new_session=True,
        )
    except OSError as error:
        raise ProbeError(f"the demo site cannot be started: {error.strerror}") from None


def _ready_line(site: subprocess.Popen[bytes], complaints: IO[bytes]) -> bytes:
    assert site.stdout
    readable, _, _ = select.select([site.stdout], [], [], START_SECONDS)
    line = site.stdout.readline() if readable else b""
    if line.endswith(b"\n"):
        return line
    if not readable:
        raise ProbeError(f"the demo site was not ready within {START_SECONDS:.0f} s", "try again on a quieter machine")
    complaints.seek(0)
    words = complaints.read().decode(errors="replace").strip().rpartition("\n")[2]
    raise ProbeError(f"the demo site ended before it was ready: {words or 'it gave no reason'}")


def _stop(site: subprocess.Popen[bytes]) -> None:
    try:
        site.communicate(timeout=STOP_SECONDS)  # closes its standard input, which is what it lives on
    except subprocess.TimeoutExpired:
        site.kill()
        site.communicate()


def _target(line: bytes) -> Target:
    ready = json.loads(line)
    row = {
        "host": HOST,
        "name": "demo",
        "addresses": ready["addresses"],
        "phase": "pre",  # its name is in no DNS
        "ca": ready["ca"],
        "credentials": {"username": USERNAME, "password_env": PASSWORD_VARIABLE},
        "ports": {
            "http": ready["http"],
            "https": ready["https"],
            "ssh": ready["ssh"],
            "closed": [ready["closed"]],
        },
        "limits": {"knowledge_records": len(KNOWLEDGE)},
    }
    return Target.model_validate_json(json.dumps(row))
