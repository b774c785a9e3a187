"""``SHA256SUMS`` over a run's folder, and a signature over that: a report that was changed later is told apart."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from cutover.errors import UsageError
from cutover.files import write_whole

FILE, SIGNATURE = "SHA256SUMS", "SHA256SUMS.sig"
NAMESPACE = "cutover"  # of ssh-keygen -Y: a signature made for another purpose does not serve this one
SIGNING_SECONDS = 60  # a passphrase may be typed


def write(folder: Path) -> None:
    """Sum up every file but the two themselves; OSError when it cannot be written."""
    lines = [f"{digest(file)}  {file.relative_to(folder).as_posix()}\n" for file in _files(folder)]
    write_whole(folder / FILE, "".join(lines).encode())


def sign(folder: Path, key: Path) -> str:
    """Sign the sums with an ssh key; why that did not succeed, empty when it did."""
    (folder / SIGNATURE).unlink(missing_ok=True)
    argv = ["ssh-keygen", "-Y", "sign", "-f", str(key), "-n", NAMESPACE, str(folder / FILE)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=SIGNING_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip().partition("\n")[0] or "no reason given"


def check(folder: Path) -> list[str]:
    """What differs from the sums, a line each; UsageError when there are none."""
    try:
        lines = (folder / FILE).read_text("utf-8").splitlines()
        told = {name: sum_ for sum_, _, name in (line.partition("  ") for line in lines)}
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{folder / FILE}: cannot be read: is it the folder of a run that ended?") from None
    there = {file.relative_to(folder).as_posix(): file for file in _files(folder)}
    wrong = [f"{name}: is missing" for name in told if name not in there]
    wrong += [f"{name}: was changed" for name, file in there.items() if name in told and digest(file) != told[name]]
    return wrong + [f"{name}: was added" for name in there if name not in told]


def check_signature(folder: Path, signers: Path, identity: str) -> str:
    """Verify the signature by a file of allowed signers (ssh-keygen(1)); why it does not hold, empty when it does."""
    argv = ["ssh-keygen", "-Y", "verify", "-f", str(signers), "-I", identity, "-n", NAMESPACE]
    try:
        with (folder / FILE).open("rb") as sums:
            done = subprocess.run(
                [*argv, "-s", str(folder / SIGNATURE)],
                stdin=sums,
                capture_output=True,
                text=True,
                timeout=SIGNING_SECONDS,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else (done.stderr + done.stdout).strip().partition("\n")[0]


def digest(file: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name not in (FILE, SIGNATURE) and not file.name.startswith("."):
            yield file
