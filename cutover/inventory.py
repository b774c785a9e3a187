"""The inventory: who is verified, by which ways, and what was promised of each. TOML, strict, typed.

Every default is the checklist's own value, so that an inventory of one line, ``host = "api.example.com"``,
promises what the checklist promises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cutover.addresses import Address
from cutover.errors import NotDeclared
from cutover.facts.latency import Endpoint
from cutover.kinds import Directory, HostName, Name, Port, Seconds, UrlPath, WayIn
from cutover.policies import HEADERS, TIERS, HeaderPolicy, Size
from cutover.promise import Promise
from cutover.promised_load import DeclaredLoad


class Credentials(Promise):
    """Who logs in. The password comes from a variable or from a command's first line, never from a literal.

    The command is run without a shell and without a terminal, in the inventory's folder.
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
    """TCP ports a stranger finds open and those he must find closed, at least one.

    ``firewall`` are the rules that let something in, as ufw tells them: ``22/tcp``, or
    ``22/tcp from 203.0.113.0/24``. Without any, exactly the open ports are allowed.
    """

    http: Port = 80
    https: Port = 443
    ssh: Port = 22
    closed: tuple[Port, ...] = (8000, 5432, 3306, 6379, 9090, 9100, 11211, 27017)
    firewall: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _apart(self) -> Ports:
        if not self.closed:
            raise ValueError("closed names no port: then nothing would be judged")
        if both := sorted({*self.open} & {*self.closed}):
            raise ValueError(f"{', '.join(map(str, both))} cannot be both open and closed: declare closed without it")
        return self

    @property
    def open(self) -> tuple[int, ...]:
        """The ports of the checklist's section 3, no others."""
        return (self.ssh, self.http, self.https)

    @property
    def allowed(self) -> frozenset[str]:
        """The firewall's rules."""
        return frozenset(self.firewall or (f"{port}/tcp" for port in self.open))

    def allowed_in(self, family: Literal["ipv4", "ipv6"]) -> frozenset[str]:
        """Those of one family: a rule that names an address is of the address's own."""
        other = r"\d+\.\d+\.\d+\.\d+" if family == "ipv6" else r":[\da-f]*:"
        return frozenset(rule for rule in self.allowed if not re.search(other, rule))


class Limits(Promise):
    """Numbers that a verdict turns on.

    ``response_seconds`` holds for each endpoint that has no limit of its own. ``requests_per_minute`` is what the
    application takes: before a run sends more, it waits.
    """

    response_seconds: Seconds = 2.0
    root_seconds: Seconds | None = None
    login_seconds: Seconds | None = None
    me_seconds: Seconds | None = None
    knowledge_seconds: Seconds | None = None
    requests_per_minute: Annotated[int, Field(ge=1)] = 1000
    hsts_seconds: Annotated[int, Field(ge=0)] = 31_536_000
    dns_ttl_seconds: Annotated[int, Field(ge=1)] = 300
    certificate_lifetime_left: Annotated[float, Field(ge=0, lt=1)] = 0.25
    knowledge_records: Annotated[int, Field(ge=0)] = 1
    load_requests: Annotated[int, Field(ge=1, le=10_000)] = 100
    load_concurrency: Annotated[int, Field(ge=1, le=100)] = 10
    connect_seconds: Seconds = 5.0
    answer_seconds: Seconds = 30.0
    clock_skew_seconds: Seconds = 2.0
    package_lists_hours: Annotated[int, Field(ge=1)] = 24
    backup_hours: Annotated[int, Field(ge=1)] = 26
    backup_keep_days: Annotated[int, Field(ge=1)] = 30
    log_keep_days: Annotated[int, Field(ge=1)] = 30

    def answers_within(self, endpoint: Endpoint) -> float:
        """Seconds in which the endpoint has to answer."""
        own: float | None = getattr(self, f"{endpoint}_seconds")
        return own or self.response_seconds


class Server(Promise):
    """The way into the server, where the checklist put things there, and what it promised of them.

    ``remote`` and ``commit`` are what the checkout must be of; ``cors_origins`` what may call the API; empty,
    they are not declared and their checks not reviewed. ``workers`` is the checklist's processors × 2 + 1
    unless declared. ``user`` is whom the application runs as; `cutover sudoers` alone needs to know it beforehand.
    ``service`` is empty when the application runs without systemd (section 10 is optional).
    ``certificate`` and ``private_key`` are certbot's files for the host's name unless declared. ``allow_active``
    lets a command do more than look: it is ``--allow-active``.
    """

    way_in: WayIn
    ssh_config: Path | None = None
    sudo: bool = True
    checkout: Directory = "/opt/mirai-knowledge-systems"
    app_dir: Directory = "/opt/mirai-knowledge-systems/backend"
    env_file: Directory = "/opt/mirai-knowledge-systems/backend/.env.production"
    data_dir: Directory = "/var/lib/mirai-knowledge-system/data"
    log_dir: Directory = "/var/log/mirai-knowledge-system"
    backup_dir: Directory = "/var/backups/mirai-knowledge-system"
    allow_active: bool = False
    certificate: Directory | None = None
    private_key: Directory | None = None
    nginx_site: Name = "mirai-knowledge-system"
    user: Annotated[str, Field(pattern=r"^([a-z_][\w.-]*)?$")] = ""
    service: Annotated[str, Field(pattern=r"^([\w@-][\w@.-]*)?$")] = "mirai-knowledge-system"
    bind_port: Port = 8000
    remote: str = ""
    commit: Annotated[str, Field(pattern=r"^([0-9a-f]{7,40})?$")] = ""
    cors_origins: tuple[str, ...] = ()
    workers: Annotated[int, Field(ge=1)] | None = None
    threads: Annotated[int, Field(ge=1)] = 2
    log_level: str = "INFO"
    time_zone: str = "Asia/Tokyo"


class Database(Promise):
    """The PostgreSQL database of section 8, which is optional: declared by its table in the inventory."""

    name: Name = "mirai_knowledge"
    role: Name = "mks_user"


class Metrics(Promise):
    """The Prometheus endpoint of section 16, which is optional: declared by its table in the inventory."""

    port: Port = 9100
    path: UrlPath = "/metrics"


class Target(Promise):
    """One host under test: public name, addresses to dial, ways in, and what was promised of it.

    ``phase`` is ``pre`` until DNS has been changed from the addresses of ``old_server`` to ``addresses``.
    ``caa_issuer`` is what the certificate's issuer is called in CAA records; of large authorities that is known.
    """

    host: HostName
    name: Annotated[str, Field(pattern=r"^([A-Za-z0-9][\w.-]*)?$")] = ""
    addresses: tuple[Address, ...] = ()
    phase: Literal["pre", "post"] = "post"
    tier: Literal["small", "medium", "large"] = "small"
    ca: Path | None = None
    resolvers: tuple[Address, ...] = ()
    header_policy: HeaderPolicy = "checklist"
    old_server: tuple[Address, ...] = ()
    old_may_differ: tuple[Annotated[str, Field(pattern=r"^(names|header [!-~]+|(status|body) /[!-~]*)$")], ...] = ()
    caa_issuer: Annotated[str, Field(pattern=r"^([a-z0-9-]+(\.[a-z0-9-]+)*)?$")] = ""
    credentials: Credentials = Credentials()
    endpoints: Endpoints = Endpoints()
    ports: Ports = Ports()
    limits: Limits = Limits()
    server: Server | None = None
    database: Database | None = None
    metrics: Metrics | None = None
    load: DeclaredLoad | None = None

    @model_validator(mode="after")
    def _within_budget(self) -> Target:
        if self.load:
            known = 2 * self.limits.load_requests + (self.load.open.requests if self.load.open else 0)
            if known > self.load.requests:
                raise ValueError(f"load.requests is {self.load.requests}, and the stages need {known} at each address")
        return self

    @property
    def label(self) -> str:
        """What reports call the target."""
        return self.name or self.host

    def url(self, path: str, scheme: Literal["http", "https"] = "https") -> str:
        """The public URL of a path, without the scheme's default port."""
        port, default = (self.ports.https, 443) if scheme == "https" else (self.ports.http, 80)
        return f"{scheme}://{self.host}{'' if port == default else f':{port}'}{path}"

    @property
    def headers(self) -> dict[str, tuple[str, ...]]:
        """The security headers that every answer has to carry, each with the values that will do."""
        return HEADERS[self.header_policy]

    @property
    def old_paths(self) -> tuple[str, ...]:
        """The paths by which the old server and the new one are compared, without a token."""
        return (self.endpoints.root, self.endpoints.me, self.endpoints.knowledge, self.endpoints.static)

    @property
    def in_dns(self) -> frozenset[str]:
        """The addresses that DNS has to give in this phase; NotDeclared when nobody said."""
        addresses, key = (self.old_server, "old_server") if self.phase == "pre" else (self.addresses, "addresses")
        if not addresses:
            raise NotDeclared(f"{key} is not declared, which DNS is to give in phase {self.phase}")
        return frozenset(map(str, addresses))

    @property
    def size(self) -> Size:
        """What its tier asks of the hardware."""
        return TIERS[self.tier]


@dataclass(frozen=True, slots=True)
class Peer:
    """One address of a target, to be spoken to under the target's public name.

    ``address`` is empty, and ``problem`` tells why, when the name has no address to dial; ``record`` is then the
    type of DNS record that was asked for in vain, if it was one.
    """

    target: Target
    address: str
    problem: str = ""
    record: Literal["A", "AAAA", ""] = ""

    @property
    def label(self) -> str:
        """Target and address, as they stand in test names."""
        return f"{self.target.label}@{self.address or f'unresolved-{self.record}'.rstrip('-')}"

    @property
    def family(self) -> Literal["ipv4", "ipv6"]:
        """The address family."""
        return "ipv6" if ":" in self.address else "ipv4"
