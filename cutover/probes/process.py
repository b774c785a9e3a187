"""Running a program with a time limit and a bound on what is read from it."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from cutover.errors import ProbeError
from cutover.probes.threads import INTERRUPTED

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


def run_bounded(argv: Sequence[str], *, seconds: float, bytes_: int, folder: Path | None = None) -> Finished:
    """Run a program in a process group of its own, with nothing on standard input.

    Cut when it takes longer than ``seconds`` or prints more than ``bytes_``; the group is killed then, and on
    any exception, so that nothing runs on behind. What a program left in the background may keep its streams
    open: they are read for LINGER_SECONDS after it ended.
    """
    if INTERRUPTED.is_set():
        raise ProbeError(f"{argv[0]}: not run, because the run was interrupted", "verify again")
    deadline = time.monotonic() + seconds
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    read = {process.stdout: bytearray(), process.stderr: bytearray()}
    ended = False
    try:
        with selectors.DefaultSelector() as selector:
            for stream in read:
                selector.register(stream, selectors.EVENT_READ, read[stream])
            while selector.get_map() or not ended:
                if not ended and _has_ended(process):
                    ended, deadline = True, time.monotonic() + LINGER_SECONDS
                left = deadline - time.monotonic()
                if left <= 0:
                    if ended:
                        break
                    raise Cut(f"{argv[0]}: did not end within {seconds:.0f} s", bytes(read[process.stdout]))
                if INTERRUPTED.is_set():
                    raise ProbeError(f"{argv[0]}: killed, because the run was interrupted", "verify again")
                # Without a stream to read, it is about to end.
                for key, _ in selector.select(min(left, _TICK_SECONDS if selector.get_map() else 0.01)):
                    block = os.read(key.fd, 65536)
                    if not block:
                        selector.unregister(key.fileobj)
                    key.data.extend(block)
                    if len(key.data) > bytes_:
                        raise Cut(f"{argv[0]}: printed more than {bytes_} bytes", bytes(read[process.stdout]))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        rc = process.wait()
        process.stdout.close()
        process.stderr.close()
    return Finished(rc, bytes(read[process.stdout]), bytes(read[process.stderr]))


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has; it is not taken away yet, so that its number, which is its group's too, is no other's."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
