"""``evidence.jsonl``: one line for each verdict, written as it falls; a killed run leaves all of them so far."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter, ValidationError

from cutover.errors import UsageError
from cutover.report.about import About
from cutover.verdict import Verdict

FILE = "evidence.jsonl"
_VERDICT = TypeAdapter(Verdict)
_RUNS_BACK = 50  # in which the last one of the same target is looked for


class Journal:
    """The file while verdicts fall: opened with the first of them."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE
        self._open: BinaryIO | None = None

    def append(self, verdict: Verdict) -> None:
        """Write one line, out of this process when it returns; OSError when it cannot be written whole."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        if self._open is None:
            self._open = self._file.open("ab")
        self._open.write(b'{"at": "%s", "verdict": %s}\n' % (at.encode(), _VERDICT.dump_json(verdict)))
        self._open.flush()

    def close(self) -> None:
        """No more will come."""
        if self._open is not None:
            with contextlib.suppress(OSError):  # of a line that could not be written: append said so
                self._open.close()


def read(folder: Path) -> Iterator[Verdict]:
    """The verdicts of a run's folder, in order. A last line that was cut off is left out; UsageError for another."""
    try:
        lines = (folder / FILE).read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(f"{folder / FILE}: cannot be read: {error.strerror}") from None
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):
            return
        try:
            yield _VERDICT.validate_json(json.dumps(json.loads(line)["verdict"]))
        except (ValueError, KeyError, TypeError, ValidationError):
            raise UsageError(f"{folder / FILE}: line {number} is no verdict") from None


class History:
    """Since when something is not as promised, by the earlier runs beside this one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: dict[str, dict[tuple[str, str], str]] = {}

    def dated(self, verdict: Verdict, started: str) -> Verdict:
        """The verdict, with ``since`` where it is not as promised."""
        if verdict.word in ("passed", "not reviewed"):
            return verdict
        if verdict.target not in self._last:
            self._last[verdict.target] = self._of_last_run(verdict.target)
        return replace(verdict, since=self._last[verdict.target].get((verdict.file, verdict.check), started))

    def _of_last_run(self, target: str) -> dict[tuple[str, str], str]:
        try:
            names = sorted(folder.name for folder in self._folder.parent.iterdir())
        except OSError:
            return {}
        earlier = [name for name in reversed(names) if name < self._folder.name][:_RUNS_BACK]
        for name in earlier:
            folder = self._folder.parent / name
            try:
                if target in About.read(folder).targets:
                    told = [each for each in read(folder) if each.target == target and each.since]
                    return {(each.file, each.check): each.since for each in told}
            except UsageError:
                continue
        return {}
