"""Running programs, so that none runs on behind: with a time limit and a bound on what is read."""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cutover.errors import ProbeError

# Set when the run was interrupted, of which only the main thread hears.
INTERRUPTED = threading.Event()
_STARTING = threading.Lock()
_RUNNING: set[subprocess.Popen[bytes]] = set()

# Becomes the program, with a watcher in its group that lives on a pipe whose other end only we hold: however we end,
# also by SIGKILL, the pipe ends, and then the group does. A visit over ssh would go on for minutes.
_WATCHED = 'exec {0}<&0 </dev/null; {{ read -r end <&{0}; kill -KILL 0; }} >/dev/null 2>&1 & exec "$@" {0}<&-'
_SHELL_FDS = range(3, 10)  # those a shell can name

LINGER_SECONDS = 2.0  # in which a program's last words are read when another holds its streams open
_TICK_SECONDS = 0.2


class Finished(NamedTuple):
    """A program that came to its end by itself."""

    rc: int
    stdout: bytes
    stderr: bytes


class Cut(ProbeError):
    """A program that was killed for taking too long or printing too much; ``stdout`` is what it printed till then."""

    def __init__(self, cause: str, stdout: bytes) -> None:
        super().__init__(cause)
        self.stdout = stdout


@contextlib.contextmanager
def running(argv: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:  # noqa: ANN401 - Popen's own
    """A program in a process group of its own; the group is killed at the end, by ``stop``, and when we are killed.

    The last is the program's own affair when its standard input comes with the options. OSError when it is none.
    """
    command = list(argv)
    if "stdin" not in options:
        _require(argv[0], options.get("cwd"), options.get("env"))
        free = next(fd for fd in _SHELL_FDS if fd not in options.get("pass_fds", ()))
        command, options["stdin"] = ["/bin/sh", "-c", _WATCHED.format(free), "sh", *argv], subprocess.PIPE
    with _STARTING:
        if INTERRUPTED.is_set():
            raise ProbeError(f"{argv[0]}: not run, because the run was interrupted", "verify again")
        process = subprocess.Popen(command, start_new_session=True, **options)
        _RUNNING.add(process)
    with process:
        try:
            yield process
        finally:
            _RUNNING.discard(process)
            _kill(process)


def stop() -> None:
    """Kill every program that runs in any thread, and let no other be started: for an interrupted run."""
    with _STARTING:
        INTERRUPTED.set()
        for process in tuple(_RUNNING):
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def run_bounded(
    argv: Sequence[str],
    *,
    seconds: float,
    bytes_: int,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: int | None = None,
    pass_fds: Sequence[int] = (),
    begun: Callable[[], object] | None = None,
    hears: Callable[[bytearray], object] | None = None,
) -> Finished:
    """Run a program with nothing on standard input, in the folder and with the environment given in place of ours.

    ``stdin`` is what stands there in place of nothing, and ``pass_fds`` stay open in it. ``begun`` is called once when
    it was started, before its time counts; ``hears`` with all it printed, whenever there is more.

    OSError when there is no such program. Cut when it takes longer than ``seconds`` or prints more than ``bytes_``.
    What a program left in the background may keep its streams open: they are read for LINGER_SECONDS after it ended.
    """
    stdout, stderr = bytearray(), bytearray()
    ended = False
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | ({} if stdin is None else {"stdin": stdin})
    options = {**pipes, "cwd": folder, "env": environment, "pass_fds": pass_fds}
    with running(argv, **options) as process, selectors.DefaultSelector() as selector:
        assert process.stdout is not None
        assert process.stderr is not None
        if begun:
            begun()
        deadline = time.monotonic() + seconds
        selector.register(process.stdout, selectors.EVENT_READ, stdout)
        selector.register(process.stderr, selectors.EVENT_READ, stderr)
        while selector.get_map() or not ended:
            if not ended and _has_ended(process):
                ended, deadline = True, time.monotonic() + LINGER_SECONDS
            left = deadline - time.monotonic()
            if left <= 0:
                if ended:
                    break
                raise Cut(f"{argv[0]}: did not end within {seconds:.0f} s", bytes(stdout))
            # Without a stream to read, it is about to end.
            for key, _ in selector.select(min(left, _TICK_SECONDS if selector.get_map() else 0.01)):
                block = os.read(key.fd, 65536)
                if not block:
                    selector.unregister(key.fileobj)
                key.data.extend(block)
                if hears:
                    hears(stdout)
                if len(key.data) > bytes_:
                    raise Cut(f"{argv[0]}: printed more than {bytes_} bytes", bytes(stdout))
    return Finished(process.returncode, bytes(stdout), bytes(stderr))


def _require(program: str, folder: Path | None, environment: Mapping[str, str] | None) -> None:
    """Tell what is no program before a shell would, in words of its own."""
    place = str((folder or Path()) / program) if "/" in program else program
    if not shutil.which(place, path=(os.environ if environment is None else environment).get("PATH", os.defpath)):
        number = errno.EACCES if "/" in program and os.path.exists(place) else errno.ENOENT
        raise OSError(number, os.strerror(number), program)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has; it is not taken away yet, so that its number, which is its group's too, is no other's."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
