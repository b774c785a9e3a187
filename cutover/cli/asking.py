"""Questions to a person, or to whoever writes into the pipe: one line each, a bad answer is asked again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from cutover.errors import UsageError
from cutover.redact import redact
from cutover.targets import expected

T = TypeVar("T")
ENOUGH = 5  # bad answers to one question: a pipe that goes on answering wrongly must come to an end


class Ended(Exception):
    """No more answers come: Ctrl-C, Ctrl-D, or the end of a pipe."""


def ask(question: str, read: Callable[[str], T], default: str = "") -> T:
    """Ask until ``read`` takes the answer, ``default`` for an empty one; Ended when there is none.

    ``read`` raises ValueError, with what was expected, for an answer that will not do.
    """
    for _ in range(ENOUGH):
        print(question + (f" [{default}]" if default else "") + ": ", end="", flush=True)
        try:
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            raise Ended from None
        except UnicodeDecodeError:
            raise UsageError("an answer is not UTF-8") from None
        if not line:
            raise Ended
        if not sys.stdin.isatty():
            print()  # nobody typed the end of the line
        try:
            return read(line.strip() or default)
        except ValidationError as error:
            print("  " + expected(error.errors()[0]))
        except ValueError as error:
            print("  " + str(error))
    raise UsageError(f"{question}: {ENOUGH} answers in a row would not do")


def yes(question: str, *, default: bool = False) -> bool:
    """Ask for yes or no."""
    return ask(f"{question} (y/n)", _yes_or_no, "y" if default else "n")


def of(kind: Any) -> Callable[[str], str]:  # noqa: ANN401 - an annotated type is of no class
    """A reader of text that one field of the inventory takes: the type it is declared with."""
    adapter: TypeAdapter[object] = TypeAdapter(kind)

    def read(text: str) -> str:
        return str(adapter.validate_python(text))

    return read


def words(text: str) -> str:
    """A reader of text that must not be empty; what looks like a secret in it is hidden."""
    if not text:
        raise ValueError("expected a few words")
    if len(text) > 2000:
        raise ValueError("expected at most 2000 characters")
    return redact(text)


def _yes_or_no(text: str) -> bool:
    if text.lower() not in ("y", "yes", "n", "no"):
        raise ValueError("expected y or n")
    return text.lower().startswith("y")
