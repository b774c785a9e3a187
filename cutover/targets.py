"""The targets that a person declared: read from an inventory file or from options, every mistake in one line."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from cutover.errors import UsageError
from cutover.inventory import Promise, Target


class _File(Promise):
    target: Annotated[tuple[Target, ...], Field(min_length=1)]


def load(path: Path) -> tuple[Target, ...]:
    """Read an inventory file; UsageError, one line with file and key, for whatever is wrong with it.

    Paths in it are relative to the file.
    """
    try:
        rows = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: is not TOML: {error}") from None
    try:
        targets = _File.model_validate_json(json.dumps(rows, default=str)).target
    except ValidationError as error:
        raise UsageError(f"{path}: {explain(error, _File)}") from None
    labels = [target.label for target in targets]
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError(f"{path}: two targets are called {label}; give each a name of its own")
    return tuple(_anchored(target, path.parent) for target in targets)


def from_options(host: str, addresses: list[str], ssh: str | None) -> Target:
    """The target that ``--host``, ``--address`` and ``--ssh`` describe; UsageError for what is none."""
    return _from_row({"host": host}, addresses, ssh)


def overridden(target: Target, addresses: list[str], ssh: str | None) -> Target:
    """The target with ``--address`` and ``--ssh`` in place of what the inventory says of these."""
    told = _from_row({"host": target.host}, addresses, ssh)
    update: dict[str, Any] = {}
    if addresses:
        update = {"addresses": told.addresses, "phase": told.phase}
    if told.server:
        before = target.server or told.server
        update["server"] = before.model_copy(update={"way_in": told.server.way_in})
    return target.model_copy(update=update)


def _from_row(row: dict[str, Any], addresses: list[str], ssh: str | None) -> Target:
    row["addresses"] = addresses
    if addresses:
        row["phase"] = "pre"
    if ssh:
        row["server"] = {"way_in": f"ssh://{ssh}"}
    try:
        return Target.model_validate_json(json.dumps(row))
    except ValidationError as error:
        first = error.errors()[0]
        option = {"host": "--host", "addresses": "--address", "server": "--ssh"}[str(first["loc"][0])]
        # What stands before @ may hold a password.
        given = "" if option == "--ssh" else f" {_given(first)}"
        raise UsageError(f"{option}{given}: {_expected(first)}") from None


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first of a validation's errors in one line: key, what was expected, what was there."""
    first = error.errors()[0]
    loc = first["loc"]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(loc[-1]), _known_keys(model), n=1)
        return f"{key}: unknown key" + (f"; did you mean {near[0]}?" if near else "")
    if first["type"] == "missing":
        return f"{key}: is missing"
    given = _given(first)
    # A value under credentials may be a password that was put in the wrong place.
    told = f", not {given}" if given and "credentials" not in loc else ""
    return f"{key}: {_expected(first)}{told}"


def _expected(first: ErrorDetails) -> str:
    message = str(first["msg"]).removeprefix("Value error, ")
    return re.sub(r"^(Input should (be|match)|value is not)", "expected", message)


def _given(first: ErrorDetails) -> str:
    value = first["input"]
    return repr(value) if isinstance(value, str | int | float | bool) else ""


def _known_keys(model: type[BaseModel]) -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        keys.add(name)
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                keys |= _known_keys(part)
    return keys


def _anchored(target: Target, folder: Path) -> Target:
    credentials = target.credentials.model_copy()
    credentials._folder = folder
    update: dict[str, Any] = {"credentials": credentials}
    if target.ca:
        update["ca"] = folder / target.ca
    if target.server and target.server.ssh_config:
        anchored = folder / target.server.ssh_config
        update["server"] = target.server.model_copy(update={"ssh_config": anchored})
    return target.model_copy(update=update)
