"""Results of probes as JSON: kept with the run, shared between processes, judged again later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from cutover.errors import NotDeclared, NotPromised, ProbeError, Unreachable, UsageError
from cutover.files import write_whole

_KINDS = {"ProbeError": ProbeError, "Unreachable": Unreachable}
_ADAPTERS: dict[type[object], TypeAdapter[Any]] = {}
_UNSAID = {"NotDeclared": NotDeclared, "NotPromised": NotPromised}


def _adapter(kind: type[object]) -> TypeAdapter[Any]:
    """To make one takes longer than to use it."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def write(file: Path, result: object) -> None:
    """Save what a probe returned, or the ProbeError or NotDeclared that it raised. OSError when it cannot be."""
    match result:
        case ProbeError():
            content: dict[str, Any] = {"error": type(result).__name__, "cause": result.cause, "advice": result.advice}
        case NotDeclared():
            content = {"error": type(result).__name__, "cause": str(result)}
        case _:
            content = {"facts": result}
    write_whole(file, to_json(content, indent=1) + b"\n")


def read(file: Path, kind: type[object]) -> object:
    """Read it back: facts of this kind, or the exception. UsageError for what is neither."""
    try:
        content = json.loads(file.read_text("utf-8"))
        if "error" not in content:
            return _adapter(kind).validate_json(json.dumps(content["facts"]))
        if nobody_said := _UNSAID.get(content["error"]):
            return nobody_said(content["cause"])
        return _KINDS[content["error"]](content["cause"], content["advice"])
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, ValidationError):
        raise UsageError(f"{file}: is not a saved result of a probe for {kind.__name__}") from None
