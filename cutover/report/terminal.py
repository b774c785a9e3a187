"""The terminal while a run looks and waits: one line of progress; and the colours of its words."""

from __future__ import annotations

import math
import shutil
import time
from types import TracebackType
from typing import Self

import pytest

from cutover.facts.dns import who_lags
from cutover.verdict import Outcome

COLOURS: dict[Outcome, dict[str, bool]] = {
    "passed": {"green": True},
    "failed": {"red": True, "bold": True},
    "error": {"red": True},
    "advice": {"yellow": True},
    "waived": {"yellow": True},
    "not reviewed": {"yellow": True},
}
SYMBOLS: dict[Outcome, str] = {
    "passed": "ok",
    "failed": "FAILED",
    "error": "ERROR",
    "advice": "advice",
    "waived": "waived",
    "not reviewed": "-",
}


class Progress:
    """One line, rewritten as probes end; on what is no terminal, one line at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self._out: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
        self._begun = time.monotonic()
        self._done = 0

    def __enter__(self) -> Self:
        return self

    def told(self, job: tuple[str, str], done: int, total: int) -> None:
        """A probe ended."""
        self._done = done
        if self._out and self._out.isatty:
            text = f"looking: {done} of {total} probes done, last: {job[0]} of {job[1]}"
            self._out.rewrite(text, erase=True)

    def live(self, text: str) -> None:
        """What a probe that takes long tells meanwhile; on what is no terminal, nothing."""
        if self._out and self._out.isatty:
            self._out.rewrite(text[: shutil.get_terminal_size().columns - 1], erase=True)

    def __exit__(self, kind: type[BaseException] | None, error: object, traceback: TracebackType | None) -> None:
        if self._out and self._done:
            text = f"looked with {self._done} probes in {time.monotonic() - self._begun:.1f} s"
            if self._out.isatty:
                self._out.rewrite(text, erase=True)
                self._out.line("")
            else:
                self._out.line(text)


class Waiting:
    """Who is waited for: one line, rewritten; on what is no terminal, a line whenever it is somebody else."""

    def __init__(self, config: pytest.Config) -> None:
        self._out: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
        self._last: dict[str, set[str]] = {}

    def told(self, target: str, missing: dict[str, int], seconds: float) -> None:
        """Who does not agree yet, with the seconds until its cache ends, and how long is still waited for it."""
        text = f"waiting for DNS of {target}, {math.ceil(seconds / 60)} min at most: {who_lags(missing)}"
        if self._out and self._out.isatty:
            self._out.rewrite(text[: shutil.get_terminal_size().columns - 1], erase=True)
        elif self._out and self._last.get(target) != set(missing):
            self._out.line(text)
        self._last[target] = set(missing)
