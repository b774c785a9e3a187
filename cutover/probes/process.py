"""Running a program with a time limit and a bound on what is read from it."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import NamedTuple

from cutover.errors import ProbeError


class Finished(NamedTuple):
    """A program that came to its end by itself."""

    rc: int
    stdout: bytes
    stderr: bytes


def run_bounded(argv: Sequence[str], *, seconds: float, bytes_: int) -> Finished:
    """Run a program in a process group of its own, with nothing on standard input.

    ProbeError when it takes longer than ``seconds`` or prints more than ``bytes_``; the group is killed then,
    and on any exception, so that nothing runs on behind.
    """
    deadline = time.monotonic() + seconds
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    read = {process.stdout: bytearray(), process.stderr: bytearray()}
    try:
        with selectors.DefaultSelector() as selector:
            for stream in read:
                selector.register(stream, selectors.EVENT_READ, read[stream])
            while selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ProbeError(f"{argv[0]}: did not end within {seconds:.0f} s")
                for key, _ in selector.select(left):
                    block = os.read(key.fd, 65536)
                    if not block:
                        selector.unregister(key.fileobj)
                    key.data.extend(block)
                    if len(key.data) > bytes_:
                        raise ProbeError(f"{argv[0]}: printed more than {bytes_} bytes")
        try:
            rc = process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise ProbeError(f"{argv[0]}: did not end within {seconds:.0f} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()
    return Finished(rc, bytes(read[process.stdout]), bytes(read[process.stderr]))
