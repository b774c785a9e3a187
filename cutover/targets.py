"""The targets that a person declared: read from an inventory file or from options, every mistake in one line."""

from __future__ import annotations

import difflib
import json
import os
import re
import ssl
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from cutover.errors import UsageError
from cutover.inventory import Target
from cutover.promise import Promise
from cutover.promised_load import DeclaredLoad


class _File(Promise):
    target: Annotated[tuple[Target, ...], Field(min_length=1)]


def load(path: Path) -> tuple[Target, ...]:
    """Read an inventory file; UsageError, one line with file and key, for whatever is wrong with it.

    Paths in it are relative to the file.
    """
    # Dates have no place in an inventory: what stands for one is of no type that a key has.
    rows = as_json(path, lambda date: {"date": str(date)})
    try:
        targets = _File.model_validate_json(rows).target
    except ValidationError as error:
        raise UsageError(f"{path}: {explain(error, _File)}") from None
    labels = [target.label for target in targets]
    for label in labels:
        if labels.count(label) > 1:
            raise UsageError(f"{path}: two targets are called {label}; give each a name of its own")
    return tuple(_anchored(target, path, f"target[{number}]") for number, target in enumerate(targets))


def as_json(path: Path, date: Callable[[object], object]) -> str:
    """A TOML file as JSON, each ``date`` as told; UsageError, one line with the file, when it is none."""
    try:
        return json.dumps(tomllib.loads(path.read_text("utf-8")), default=date)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except RecursionError:
        raise UsageError(f"{path}: is nested too deeply") from None
    except ValueError as error:  # of TOML, of UTF-8, or a number with thousands of digits
        raise UsageError(f"{path}: is not TOML: {error}") from None


def chosen(path: Path, hosts: list[str]) -> tuple[Target, ...]:
    """The targets of an inventory that ``--host`` names, all without any; UsageError for a name it does not have."""
    targets = load(path)
    known = dict.fromkeys(name for target in targets for name in (target.host, target.label))
    hosts = [host if host in known else host.rstrip(".").lower() for host in hosts]
    for host in hosts:
        if host not in known:
            raise UsageError(f"--host {host}: not in {path}, which has {', '.join(known)}")
    return tuple(target for target in targets if not hosts or {target.host, target.label} & set(hosts))


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


def with_active_probes(target: Target) -> Target:
    """The target with ``--allow-active``, which means nothing without a way into the server."""
    if target.server is None:
        return target
    return target.model_copy(update={"server": target.server.model_copy(update={"allow_active": True})})


def with_load(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """The targets with ``--load``, which permits what they declare; UsageError when none declares any."""
    if not any(target.load for target in targets):
        raise UsageError("--load permits what an inventory declares as [target.load], and nothing is declared")
    return tuple(
        target.model_copy(update={"load": target.load.permit()}) if target.load else target for target in targets
    )


def duration(text: str) -> float:
    """The seconds of ``90s``, ``30m`` or ``2h``; UsageError for what is none of these, or more than a day."""
    found = re.fullmatch(r"([1-9]\d{0,4})([smh])", text)
    seconds = int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]] if found else 0
    if not 0 < seconds <= 86400:
        raise UsageError(f"--wait-dns {_printable(text)}: expected a time such as 90s, 30m or 2h, at most a day")
    return float(seconds)


def after_the_change(target: Target) -> Target:
    """The target with ``--wait-dns``, which waits until DNS gives its addresses; UsageError when none are declared."""
    if not target.addresses:
        raise UsageError(f"--wait-dns: no addresses of {target.label} are declared; add --address, or an inventory")
    return target.model_copy(update={"phase": "post"})


def _from_row(row: dict[str, Any], addresses: list[str], ssh: str | None) -> Target:
    row["addresses"] = addresses
    if addresses:
        row["phase"] = "pre"
    if ssh is not None:
        row["server"] = {"way_in": f"ssh://{ssh}"}
    try:
        return Target.model_validate_json(json.dumps(row))
    except ValidationError as error:
        first = error.errors()[0]
        option = {"host": "--host", "addresses": "--address", "server": "--ssh"}[str(first["loc"][0])]
        # What stands before @ may hold a password.
        given = "" if option == "--ssh" else f" {_given(first)}"
        raise UsageError(f"{option}{given}: {expected(first)}") from None


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first of a validation's errors in one line: key, what was expected, what was there."""
    # A key that nobody knows is why another one is missing.
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    loc = first["loc"]
    parts = (f"[{part}]" if isinstance(part, int) else f".{_printable(part)}" for part in loc)
    key = "".join(parts).lstrip(".")
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(loc[-1]), _known_keys(model), n=1)
        return f"{key}: unknown key" + (f"; did you mean {near[0]}?" if near else "")
    if first["type"] == "missing":
        return f"{key}: is missing"
    given = _given(first)
    # A value under credentials may be a password that was put in the wrong place; a way in may hold one.
    told = f", not {given}" if given and not {"credentials", "way_in"} & set(loc) else ""
    return f"{key}: {expected(first)}{told}"


def expected(first: ErrorDetails) -> str:
    """What would have been right, as the end of a sentence."""
    message = str(first["msg"]).removeprefix("Value error, ")
    return re.sub(r"^(Input should (be|match)|value is not)", "expected", message)


def _given(first: ErrorDetails) -> str:
    value = first["input"]
    return _printable(repr(value)) if isinstance(value, str | int | float | bool) else ""


def _printable(text: str) -> str:
    visible = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
    return visible if len(visible) <= 120 else f"{visible[:119]}…"


def _known_keys(model: type[BaseModel]) -> set[str]:
    keys: set[str] = set()
    for name, field in model.model_fields.items():
        keys.add(name)
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, BaseModel):
                keys |= _known_keys(part)
    return keys


def _anchored(target: Target, path: Path, key: str) -> Target:
    """The target with paths that are relative to the inventory's file, and name what can be read."""
    folder = path.parent
    credentials = target.credentials.model_copy()
    credentials._folder = folder
    update: dict[str, Any] = {"credentials": credentials}
    if target.ca:
        update["ca"] = folder / target.ca
        try:
            ssl.create_default_context(cafile=update["ca"])
        except OSError as error:  # of the file, or of OpenSSL
            reason = "holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            raise UsageError(f"{path}: {key}.ca: {update['ca']}: {reason}") from None
    if target.server and target.server.ssh_config:
        anchored = folder / target.server.ssh_config
        if not os.access(anchored, os.R_OK):
            raise UsageError(f"{path}: {key}.server.ssh_config: {anchored}: cannot be read")
        update["server"] = target.server.model_copy(update={"ssh_config": anchored})
    if target.load:
        update["load"] = _anchored_load(target.load, path, f"{key}.load")
    return target.model_copy(update=update)


def _anchored_load(load: DeclaredLoad, path: Path, key: str) -> DeclaredLoad:
    files = {"ssh_config": load.ssh_config, "own.locustfile": load.own.locustfile if load.own else None}
    found = {name: (path.parent / file).resolve() for name, file in files.items() if file}
    for name, file in found.items():
        if not file.is_file() or not os.access(file, os.R_OK):
            raise UsageError(f"{path}: {key}.{name}: {file}: cannot be read")
    own = load.own and load.own.model_copy(update={"locustfile": found["own.locustfile"]})
    return load.model_copy(update={"ssh_config": found.get("ssh_config"), "own": own})
