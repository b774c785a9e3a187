"""Many requests at once, driven by locust in a process of its own.

Locust patches the interpreter that imports it, so nothing here does. The process gets an environment, a home
and a folder of its own: what the operator has set for locust, proxies or certificates does not reach it.
"""

from __future__ import annotations

import contextlib
import json
import os
import site
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from pydantic import TypeAdapter

from cutover.errors import ProbeError
from cutover.facts.evidence import Evidence
from cutover.facts.load import Failure, Load, Sample
from cutover.inventory import Limits, Peer
from cutover.probes.connecting import now, reach
from cutover.probes.dialling import Dialler
from cutover.probes.process import running
from cutover.probes.sent import count
from cutover.redact import redact

LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"
START_SECONDS = 30.0  # in which locust starts and ends on a slow machine: a hang guard, it takes one or two
STDERR_BYTES = 400  # of locust's last words, in an advice

_LINE = TypeAdapter(tuple[Sample, str])


def probe(peer: Peer) -> Load:
    """Measure a peer that answers at all; ProbeError when it does not.

    Without verified TLS nothing may be sent, and a hundred refusals would tell no more than one.
    """
    reach(peer, peer.target.ports.https)
    with Dialler(peer) as dialler:
        dialler.ask(peer.target.endpoints.root)
    return measure(peer)


def measure(peer: Peer) -> Load:
    """Ask for the root page as often, and as often at a time, as the limits say, each on a new connection.

    ProbeError when not every request came to an end of its own, whatever ended locust: a smaller load is not
    taken for the whole. A failed request is a fact.
    """
    target, limits = peer.target, peer.target.limits
    host = target.url("")
    at = now()
    with tempfile.TemporaryDirectory(prefix="cutover-load-") as name:
        folder = Path(name)
        stage = {
            "host": host,
            "path": target.endpoints.root,
            "address": peer.address,
            "ca": str(target.ca.resolve()) if target.ca else "",
            "requests": limits.load_requests,
            "connect_seconds": limits.connect_seconds,
            "answer_seconds": limits.answer_seconds,
            "samples": str(folder / "samples"),
        }
        ended = _drive(stage, limits, folder)
        lines = _read(folder / "samples")
        count(target.label, len(lines))
        if len(lines) < limits.load_requests:
            words = (folder / "stderr").read_bytes()[-STDERR_BYTES:].decode("utf-8", "replace")
            raise ProbeError(
                f"{peer.label}: locust {ended} after {len(lines)} of {limits.load_requests} requests",
                "run it again; " + (f"its last words: {redact(words).strip()}" if words else "it said nothing"),
            )
    samples = tuple(sorted((sample for sample, _ in lines), key=lambda sample: sample.started))
    causes: dict[Failure, str] = {}
    for sample, cause in lines:
        if sample.failure:
            causes.setdefault(sample.failure, " ".join(redact(cause).split()))
    seconds = max(sample.started + sample.seconds for sample in samples)
    asked = (
        f"GET {host}{target.endpoints.root} at {peer.address}, {limits.load_requests} times, "
        f"{limits.load_concurrency} at a time, each on a new connection (locust)"
    )
    many = Counter(sample.failure for sample in samples)
    told = [f"{many['']} of {len(samples)} without failure in {seconds:.3f} s"]
    told += [f"{many[failure]} {failure}, the first: {cause}" for failure, cause in causes.items()]
    return Load(
        url=host + target.endpoints.root,
        address=peer.address,
        requests=limits.load_requests,
        concurrency=limits.load_concurrency,
        keep_alive=False,
        seconds=seconds,
        samples=samples,
        evidence=(Evidence(asked, at, "\n".join(told)),),
        causes=causes,
    )


def _drive(stage: dict[str, object], limits: Limits, folder: Path) -> str:
    """Run one stage to its end, or until the limits say that it hangs; tell how it ended."""
    users = str(limits.load_concurrency)
    argv = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary"]
    argv += ["--loglevel", "WARNING", "--users", users, "--spawn-rate", users]
    rounds = limits.load_requests // limits.load_concurrency + 1
    guard = START_SECONDS + rounds * limits.answer_seconds
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": os.environ.get("LANG", "C.UTF-8"),
        # In the home and in the current folder locust looks for options; packages may live in the real home.
        "HOME": str(folder),
        "PYTHONUSERBASE": site.getuserbase(),
        "CUTOVER_STAGE": "stdin",
    }
    with (
        (folder / "stderr").open("wb") as stderr,
        running(
            argv,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd=folder,
            env=environment,
        ) as process,
    ):
        assert process.stdin is not None
        try:
            # It may have died already: missing samples tell. The pipe stays open: it ends with the driver.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(stage).encode() + b"\n")
            return f"ended with status {process.wait(guard)}"
        except subprocess.TimeoutExpired:
            return f"did not end in {guard:.0f} s and was killed"


def _read(path: Path) -> list[tuple[Sample, str]]:
    """The samples and their causes; a line that was cut off by a sudden end is not one."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    return [_LINE.validate_json(line) for line in lines if line.endswith(b"\n")]
