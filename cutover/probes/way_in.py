"""The way into a server: testinfra's backends (ssh, local, docker, podman, kubectl …), with limits of ours."""

from __future__ import annotations

from collections.abc import Callable

import testinfra
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from cutover.errors import NotDeclared, ProbeError
from cutover.inventory import Server, Target
from cutover.probes.process import Finished, run_bounded
from cutover.redact import redact

VISIT_BYTES = 32 * 1024 * 1024  # of all that one command prints
HOST_SECONDS = 60.0  # of a command of somebody's own check
Run = Callable[..., Finished]  # run_bounded, or what has something to say to the program
NO_WAY = "no way into the server is declared; give --ssh user@host or [target.server] way_in"

_SSH_OPTIONS = (
    "-o BatchMode=yes -o StrictHostKeyChecking=yes -o ControlMaster=no -o ServerAliveInterval=5 "
    "-o ServerAliveCountMax=3 -o ForwardAgent=no -o ForwardX11=no -T"
)


def host(target: Target) -> Host:
    """testinfra's own object for the way in, once that let us in; errors as of ``probe``.

    Each command it is asked to run has a connection and a time limit of its own.
    """
    if target.server is None:
        raise NotDeclared(NO_WAY)
    found = through(target, target.server, HOST_SECONDS)
    try:
        found.run("true")
    except RuntimeError as error:
        raise no_way_in(target.server, error) from None
    return found


def through(target: Target, server: Server, seconds: float, run: Run = run_bounded) -> Host:
    """testinfra's object for a way in, with limits: what takes longer than ``seconds`` is cut. Nothing is sent yet.

    ``run`` runs the program that is the way in.
    """
    options: dict[str, object] = {}
    if server.way_in.startswith("ssh://"):
        options = {
            "timeout": max(1, round(target.limits.connect_seconds)),
            "controlpersist": 0,
            "ssh_extra_args": _SSH_OPTIONS,
        }
        if server.ssh_config:
            options["ssh_config"] = str(server.ssh_config)
    host = testinfra.get_host(server.way_in, **options)
    backend = host.backend

    def run_local(command: str, *args: str) -> CommandResult:
        """Stand in for testinfra's own, which knows neither a time limit nor a bound on what it reads."""
        line = backend.quote(command, *args)
        finished = run(["/bin/sh", "-c", line], seconds=seconds, bytes_=VISIT_BYTES)
        return backend.result(finished.rc, line.encode(), finished.stdout, finished.stderr)

    backend.run_local = run_local
    return host


def no_way_in(server: Server, error: RuntimeError) -> ProbeError:
    """Why a way in does not let us in, from what its program said."""
    result = error.args[0] if error.args else None
    told = result.stderr_bytes if isinstance(result, CommandResult) else str(error).encode()
    lines = [
        line for line in redact(told.decode("utf-8", "replace").replace("\r\n", "\n")).splitlines() if line.strip()
    ]
    reason = lines[-1].strip()[:200] if lines else "no reason given"
    advice = "try the same way by hand: " + server.way_in.replace("://", " ", 1)
    if "host key" in reason.lower():
        advice = "compare the host's key with its owner, then add it to known_hosts; never skip this"
    return ProbeError(f"{server.way_in}: {reason}", advice)
