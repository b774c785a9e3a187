"""Starts one of locust's workers on the machine that runs this, `python3 -c THIS`, and leaves nothing behind.

One line of JSON comes on standard input: the files that locust needs, by name, the stage, and the port of this
machine's loopback that leads to the master. When standard input ends, the driver is gone, and the worker is ended.
Needs Python 3.11 with the driver's version of locust, and nothing of cutover.
"""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
import tempfile
import threading
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


def read_line() -> bytes:
    """The line; unbuffered, because what follows is the end."""
    line = bytearray()
    while not line.endswith(b"\n"):
        block = os.read(0, 65536)
        if not block:
            sys.exit("nobody told what to do")
        line += block
    return bytes(line)


def main() -> int:
    """The worker's exit status; a message when it cannot be one."""
    if sys.version_info < (3, 11):  # noqa: UP036 - of a machine that nobody asked before
        return _no(f"has Python {sys.version_info[0]}.{sys.version_info[1]} and needs 3.11 or newer")
    told = json.loads(read_line())
    try:
        found = version("locust")
    except PackageNotFoundError:
        return _no(f"has no locust for {sys.executable}: pip install locust=={told['locust']}")
    if found != told["locust"]:
        return _no(f"has locust {found}, the driver {told['locust']}: pip install locust=={told['locust']}")
    folder = Path(tempfile.mkdtemp(prefix="cutover-worker-"))
    try:
        return work(told, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def work(told: dict[str, object], folder: Path) -> int:
    """Write the files and run locust on them until it or the driver ends."""
    files: dict[str, str] = told["files"]  # type: ignore[assignment]
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    stage = dict(told["stage"])  # type: ignore[call-overload]
    stage["ca"] = str(folder / stage["ca"]) if stage["ca"] else ""
    argv = [sys.executable, "-m", "locust", "-f", str(told["locustfiles"]), "--worker", "--loglevel", "WARNING"]
    argv += ["--master-host", "127.0.0.1", "--master-port", str(told["port"])]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "PYTHONPATH": str(folder),
        "PYTHONUSERBASE": site.getuserbase(),
        "CUTOVER_STAGE": "stdin",
    }
    locust = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=folder, env=environment, start_new_session=True
    )
    assert locust.stdin is not None
    locust.stdin.write(json.dumps(stage).encode() + b"\n")
    locust.stdin.flush()

    def end_with_driver() -> None:
        while os.read(0, 65536):
            pass
        locust.kill()

    threading.Thread(target=end_with_driver, daemon=True).start()
    return locust.wait()


def _no(why: str) -> int:
    print(f"cutover: this machine {why}", file=sys.stderr)
    return 3


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # Not sys.exit: the thread that waits for the driver would be waited for.
    os._exit(status)
