"""Drives one stage with locust, in processes of its own: here, or with its master here and workers elsewhere.

Locust patches the interpreter that imports it, so nothing here does. Its processes get an environment, a home and a
folder of their own: what the operator has set for locust, proxies or certificates does not reach them.

Workers are started here or over ssh, with the same words. A worker over ssh reaches the master through that very
connection (a forwarded port of its own loopback): nothing listens on a network, and with the connection it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import site
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cutover.errors import ProbeError
from cutover.facts.load import Client, Sample
from cutover.probes.process import running
from cutover.probes.samples import Samples
from cutover.promised_load import DeclaredLoad
from cutover.redact import redact

HOME = Path(__file__).parents[1]  # of the package
LOCUSTFILE = HOME / "locustfile.py"
OWN = HOME / "in_locust" / "own.py"
BOOT = HOME / "in_locust" / "boot.py"
TRAVELS = ("__init__.py", "locustfile.py", *(f"in_locust/{file.name}" for file in sorted(BOOT.parent.glob("*.py"))))

START_SECONDS = 30.0  # in which locust starts and ends on a slow machine: a hang guard, it takes one or two
WORKER_SECONDS = 30.0  # in which a worker is there
STDERR_BYTES = 400  # of locust's last words, in an advice
TICK_SECONDS = 0.1
LINGER_SECONDS = 5.0  # of a worker behind its master

_SSH = (
    *("-T", "-a", "-x", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ControlMaster=no"),
    *("-o", "ControlPath=none", "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3"),
    *("-o", "ExitOnForwardFailure=yes", "-o", "LogLevel=INFO", "-o", "PermitLocalCommand=no"),
)
_FORWARDED = re.compile(rb"Allocated port (\d+) for remote forward")


@dataclass(frozen=True)
class Told:
    """What came of a stage: its samples with their causes, how busy each worker was, why it was stopped early."""

    lines: list[tuple[Sample, str]]
    clients: list[Client]
    stopped: str
    workers: int


@dataclass
class _Worker:
    """A worker's process: ``name`` is what it is called in a report."""

    name: str
    process: subprocess.Popen[bytes]
    stderr: Path
    forwards: bool
    told: bool = field(default=False)

    @property
    def words(self) -> str:
        """Its last ones, without what ssh says of the port."""
        lines = self.stderr.read_bytes().decode("utf-8", "replace").splitlines()
        told = [line for line in lines if line.strip() and not line.startswith(("Allocated port", "Warning: Perm"))]
        return redact(told[-1].strip())[:STDERR_BYTES] if told else "it said nothing"


class Drive:
    """One stage under way, in ``folder``, which is empty and goes with it; ``own`` is a user's own locustfile."""

    def __init__(
        self,
        label: str,
        stage: dict[str, Any],
        load: DeclaredLoad | None,
        folder: Path,
        *,
        own: Path | None,
        guard: float,
        tell: Callable[[Samples], None],
    ) -> None:
        self._label, self._load, self._folder, self._tell = label, load, folder, tell
        self._names = list(load.workers or [f"process {n + 1}" for n in range(load.processes)]) if load else []
        self._own = own
        self._stage = {**stage, "workers": max(1, len(self._names)), "samples": str(folder / "samples")}
        self._guard = guard
        self._samples = Samples(folder / "samples")

    @property
    def sent(self) -> int:
        """How many requests came to an end so far."""
        return len(self._samples.lines)

    def run(self) -> Told:
        """Run it to its end; ProbeError, with its cause, when any of its processes did not come to one of its own."""
        with contextlib.ExitStack() as stack:
            master = stack.enter_context(self._master())
            workers = [stack.enter_context(self._worker(number, name)) for number, name in enumerate(self._names)]
            self._watch(master, workers)
        return Told(self._samples.lines, self._samples.clients, self._samples.stopped, max(1, len(self._names)))

    def _watch(self, master: subprocess.Popen[bytes], workers: list[_Worker]) -> None:
        began = time.monotonic()
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                master.wait(TICK_SECONDS)
            self._samples.read()
            self._tell(self._samples)
            for worker in workers:
                self._look_at(worker, began)
            if self._samples.missing:
                raise ProbeError(f"{self._label}: a worker of the load went silent", self._advice(master, workers))
            if master.returncode is not None:
                break
            if time.monotonic() - began > self._guard + (WORKER_SECONDS if workers else 0):
                raise self._not_ended(f"did not end in {self._guard:.0f} s and was killed")
        if not self._samples.ended(max(1, len(workers))):
            raise self._not_ended(f"ended with status {master.returncode}")

    def _look_at(self, worker: _Worker, began: float) -> None:
        """Tell a worker what to do as soon as it can hear; ProbeError when it died, or never came."""
        ended = worker.process.poll() is not None
        if ended and not self._samples.ended(len(self._names)):
            self._samples.read()
            if len(self._samples.clients) < len(self._names):
                status = worker.process.returncode
                raise ProbeError(
                    f"{self._label}: worker {worker.name} of the load ended with status {status}: {worker.words}",
                    self._way(worker),
                )
        if worker.told or ended:
            return
        port = self._port
        if worker.forwards:
            if not (found := _FORWARDED.search(worker.stderr.read_bytes())):
                if time.monotonic() - began > WORKER_SECONDS:
                    raise ProbeError(
                        f"{self._label}: worker {worker.name} of the load did not come in {WORKER_SECONDS:.0f} s",
                        self._way(worker),
                    )
                return
            port = int(found[1])
        assert worker.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            worker.process.stdin.write(json.dumps(self._for_worker(port)).encode() + b"\n")
        worker.told = True

    def _way(self, worker: _Worker) -> str:
        if not worker.forwards:
            return "verify again"
        return f"try by hand: ssh {worker.name.removeprefix('ssh://')} {self._load and self._load.python} -m locust -V"

    def _advice(self, master: subprocess.Popen[bytes], workers: list[_Worker]) -> str:
        return f"look whether {', '.join(worker.name for worker in workers)} are up, then verify again"

    def _not_ended(self, how: str) -> ProbeError:
        words = (self._folder / "stderr").read_bytes()[-STDERR_BYTES:].decode("utf-8", "replace")
        many = f"{len(self._samples.lines)} of {self._stage['requests']} requests"
        return ProbeError(
            f"{self._label}: locust {how} after {many}",
            "run it again; " + (f"its last words: {redact(words).strip()}" if words else "it said nothing"),
        )

    @contextlib.contextmanager
    def _master(self) -> Iterator[subprocess.Popen[bytes]]:
        """Locust, told what to do: the master of its workers, or all by itself."""
        users = str(self._stage["workers"] * -(-self._stage["users"] // self._stage["workers"]))
        if self._own:
            users = str(self._stage["users"])
        files = ",".join(map(str, (OWN, self._own) if self._own else (LOCUSTFILE,)))
        argv = [sys.executable, "-m", "locust", "-f", files, "--headless", "--only-summary"]
        argv += ["--loglevel", "WARNING", "--users", users, "--spawn-rate", users, "--host", str(self._stage["host"])]
        if self._names:
            self._port = _free_port()
            argv += ["--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(self._port)]
            argv += ["--expect-workers", str(len(self._names)), "--expect-workers-max-wait", f"{WORKER_SECONDS:.0f}"]
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": os.environ.get("LANG", "C.UTF-8"),
            # In the home and in the current folder locust looks for options; packages may live in the real home.
            "HOME": str(self._folder),
            "PYTHONUSERBASE": site.getuserbase(),
            "PYTHONPATH": str(HOME.parent),
            "CUTOVER_STAGE": "stdin",
        }
        with (
            (self._folder / "stderr").open("wb") as stderr,
            running(
                argv,
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                cwd=self._folder,
                env=environment,
            ) as process,
        ):
            assert process.stdin is not None
            # It may have died already: missing samples tell. The pipe stays open: it ends with the driver.
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(self._stage).encode() + b"\n")
            yield process

    @contextlib.contextmanager
    def _worker(self, number: int, name: str) -> Iterator[_Worker]:
        """A worker's process, here or over ssh; it is told what to do by ``_look_at``."""
        assert self._load is not None
        if away := name.startswith("ssh://"):
            argv = [*self._ssh(name), f"exec {self._load.python} -c {shlex.quote(BOOT.read_text('utf-8'))}"]
        else:
            argv = [sys.executable, "-c", BOOT.read_text("utf-8")]
        path = self._folder / f"worker-{number}"
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL}
        with path.open("wb") as stderr, running(argv, bufsize=0, **pipes, stderr=stderr) as process:
            yield _Worker(name, process, path, away)
            # Its master has ended, and it cleans up behind itself.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LINGER_SECONDS)

    def _ssh(self, name: str) -> list[str]:
        assert self._load is not None
        url = urlsplit(name)
        config = ["-F", str(self._load.ssh_config)] if self._load.ssh_config else []
        port = ["-p", str(url.port)] if url.port else []
        user = ["-l", url.username] if url.username else []
        forward = ["-R", f"127.0.0.1:0:127.0.0.1:{self._port}", "-o", f"ConnectTimeout={self._connect_seconds}"]
        return ["ssh", *_SSH, *config, *port, *user, *forward, "--", str(url.hostname)]

    @property
    def _connect_seconds(self) -> int:
        return max(1, round(float(self._stage["connect_seconds"])))

    def _for_worker(self, port: int) -> dict[str, Any]:
        files = {f"cutover/{name}": (HOME / name).read_text("utf-8") for name in TRAVELS}
        locustfiles = "cutover/locustfile.py"
        if self._own:
            files["own/locustfile.py"] = self._own.read_text("utf-8")
            locustfiles = "cutover/in_locust/own.py,own/locustfile.py"
        stage = {**self._stage, "samples": os.devnull}
        if stage["ca"]:
            files["ca.pem"] = Path(stage["ca"]).read_text("utf-8")
            stage["ca"] = "ca.pem"
        return {"locust": version("locust"), "files": files, "locustfiles": locustfiles, "stage": stage, "port": port}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _, port = listener.getsockname()
    return int(port)
