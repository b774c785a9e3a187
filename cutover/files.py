"""Files that are whole or not there: a reader, or a full disk, never leaves half of one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path


def write_whole(file: Path, content: bytes) -> None:
    """Write under another name first; the folders are made, a file's mode stays. OSError when it cannot be written."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        if file.exists():
            shutil.copymode(file, draft)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
