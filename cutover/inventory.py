"""The inventory: who is verified, by which ways, and what was promised of each. TOML, strict, typed.

Every default is the checklist's own value, so that an inventory of one line, ``host = "api.example.com"``,
promises what the checklist promises.
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyAddress, ValidationError
from pydantic_core import ErrorDetails

from cutover.errors import UsageError

GB = 10**9  # bytes; the checklist and the makers of disks count in powers of ten
GIB = 2**30  # bytes; memory comes in powers of two


def _host_name(name: str) -> str:
    """Accept a DNS host name (RFC 1123 section 2.1), in lower case and without the root's dot."""
    name = name.rstrip(".").lower()
    label = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
    if len(name) > 253 or not re.fullmatch(rf"{label}(\.{label})*", name) or re.fullmatch(r"[\d.]+", name):
        raise ValueError("expected a DNS host name such as api.example.com")
    return name


def _path(path: str) -> str:
    """Accept the path of a URL on the target."""
    if not re.fullmatch(r"/(?!/)[!-~]*", path):
        raise ValueError("expected a path that starts with one / such as /api/v1/knowledge")
    return path


def _way_in(way: str) -> str:
    """Accept a testinfra host spec that names its backend."""
    url = urlsplit(way)
    if not url.scheme or "://" not in way or (url.scheme != "local" and not url.netloc):
        raise ValueError("expected a way in such as ssh://ops@api.example.com, local:// or docker://NAME")
    if url.password:
        raise ValueError("a password does not belong in an inventory; use a key or the ssh agent")
    host = url.netloc.rpartition("@")[2]
    if host.startswith("-") or not re.fullmatch(r"[\w.@:%\[\]-]*", url.netloc):
        raise ValueError("expected user@host or user@host:port after ://")
    return way


HostName = Annotated[str, AfterValidator(_host_name)]
UrlPath = Annotated[str, AfterValidator(_path)]
WayIn = Annotated[str, AfterValidator(_way_in)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=600)]
Directory = Annotated[str, Field(pattern=r"^/[^\0\n]*$")]


class Promise(BaseModel):
    """A part of the inventory: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Size(Promise):
    """What a tier asks of the hardware (the checklist's appendix A)."""

    cpus: int
    memory_bytes: int
    disk_free_bytes: int


TIERS = {
    "small": Size(cpus=2, memory_bytes=4 * GIB, disk_free_bytes=20 * GB),
    "medium": Size(cpus=4, memory_bytes=8 * GIB, disk_free_bytes=50 * GB),
    "large": Size(cpus=8, memory_bytes=16 * GIB, disk_free_bytes=100 * GB),
}


class Credentials(Promise):
    """Who logs in. The password comes from a variable or from a command's first line, never from a literal.

    The command is run without a shell, in the inventory's folder.
    """

    username: str = "admin"
    password_env: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*$")] = "CUTOVER_PASSWORD"  # noqa: S105
    password_command: tuple[str, ...] = ()
    _folder: Path = Path()

    @property
    def folder(self) -> Path:
        """Where ``password_command`` runs."""
        return self._folder


class Endpoints(Promise):
    """The application's paths (the checklist's section 11) and where their JSON holds what is judged.

    A place is dotted: ``data.access_token``. The first place that exists counts.
    """

    root: UrlPath = "/"
    login: UrlPath = "/api/v1/auth/login"
    me: UrlPath = "/api/v1/auth/me"
    knowledge: UrlPath = "/api/v1/knowledge"
    static: UrlPath = "/static/"
    token_in: tuple[str, ...] = ("access_token", "data.access_token")
    username_in: tuple[str, ...] = ("username", "user.username", "data.username", "data.user.username")
    records_in: tuple[str, ...] = ("data.items", "data.knowledge", "data", "items", "knowledge", "")


class Ports(Promise):
    """TCP ports a stranger finds open and those he must find closed."""

    http: Port = 80
    https: Port = 443
    ssh: Port = 22
    closed: tuple[Port, ...] = (8000, 5432, 3306, 6379, 9090, 9100, 11211, 27017)

    @property
    def open(self) -> tuple[int, ...]:
        """The ports of the checklist's section 3, no others."""
        return (self.ssh, self.http, self.https)


class Limits(Promise):
    """Numbers that a verdict turns on."""

    response_seconds: Seconds = 2.0
    hsts_seconds: Annotated[int, Field(ge=0)] = 31_536_000
    certificate_lifetime_left: Annotated[float, Field(ge=0, lt=1)] = 0.25
    knowledge_records: Annotated[int, Field(ge=0)] = 1
    load_requests: Annotated[int, Field(ge=1, le=10_000)] = 100
    load_concurrency: Annotated[int, Field(ge=1, le=100)] = 10
    connect_seconds: Seconds = 5.0
    answer_seconds: Seconds = 30.0


class Server(Promise):
    """The way into the server, and what was promised of its inside.

    ``allowed`` are the firewall's rules as ufw tells them, ``22/tcp`` or ``22/tcp from 203.0.113.0/24``;
    without any, exactly the open ports.
    """

    way_in: WayIn
    ssh_config: Path | None = None
    sudo: bool = True
    allowed: tuple[str, ...] = ()


class Target(Promise):
    """One host under test: public name, addresses to dial, ways in, and what was promised of it."""

    host: HostName
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*$")] = ""
    addresses: tuple[IPvAnyAddress, ...] = ()
    phase: Literal["pre", "post"] = "post"
    tier: Literal["small", "medium", "large"] = "small"
    ca: Path | None = None
    resolvers: tuple[IPvAnyAddress, ...] = ()
    old_server: IPvAnyAddress | None = None
    credentials: Credentials = Credentials()
    endpoints: Endpoints = Endpoints()
    ports: Ports = Ports()
    limits: Limits = Limits()
    server: Server | None = None

    @property
    def label(self) -> str:
        """What reports call the target."""
        return self.name or self.host

    @property
    def size(self) -> Size:
        """What its tier asks of the hardware."""
        return TIERS[self.tier]


@dataclass(frozen=True, slots=True)
class Peer:
    """One address of a target, to be spoken to under the target's public name.

    ``address`` is empty, and ``problem`` tells why, when the name has no address to dial.
    """

    target: Target
    address: str
    problem: str = ""

    @property
    def label(self) -> str:
        """Target and address, as they stand in test names."""
        return f"{self.target.label}@{self.address or 'unresolved'}"

    @property
    def family(self) -> Literal["ipv4", "ipv6"]:
        """The address family."""
        return "ipv6" if ":" in self.address else "ipv4"


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
