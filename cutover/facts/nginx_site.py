"""What nginx makes of its configuration for one host name: the server, the location, and what they inherit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.lines import is_number
from cutover.facts.nginx_config import Config, Directive
from cutover.facts.patterns import compiled

_LOOPBACK = re.compile(r"127\.|localhost$|\[::1\]$")
_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_TIMES = {"ms": 0.001, "s": 1, "": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True, slots=True)
class Listen:
    """One ``listen``: the families it serves beyond loopback, and its port; 0 for a socket in the file system."""

    families: frozenset[str]
    port: int
    ssl: bool
    default: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A place of the configuration: the blocks that lead to it, the outermost first."""

    levels: tuple[Directive, ...]

    @property
    def block(self) -> Directive:
        """The innermost block."""
        return self.levels[-1]

    @property
    def label(self) -> str:
        """How a person names it."""
        inner = [" ".join((level.name, *level.args)) for level in self.levels if level.name not in ("main", "http")]
        return ", ".join(inner[1:]) or "server"

    def all(self, name: str) -> tuple[Directive, ...]:
        """The directives of that name, of the innermost level that has any: nginx does not join levels."""
        for level in reversed(self.levels):
            if found := level.of(name):
                return found
        return ()

    def args(self, name: str, *default: str) -> tuple[str, ...]:
        """The arguments of the one directive of that name that holds here."""
        found = self.all(name)
        return found[-1].args if found else default

    def within(self, *names: str) -> tuple[Place, ...]:
        """The blocks of these names directly inside."""
        return tuple(Place((*self.levels, block)) for block in self.block.block if block.name in names)

    def everywhere(self, *names: str) -> Iterator[Place]:
        """This place and all blocks of these names inside it, at any depth."""
        yield self
        for place in self.within(*names):
            yield from place.everywhere(*names)

    @property
    def headers(self) -> dict[str, bool]:
        """The response headers added here, by name in lower case, and whether to answers of every status.

        headers-more's lines hold for every status and are joined over all levels.
        """
        found = {add.args[0].lower(): "always" in add.args[2:] for add in self._added() if len(add.args) > 1}
        for level in self.levels:
            for more in level.of("more_set_headers"):
                found |= {arg.partition(":")[0].strip().lower(): True for arg in more.args if ":" in arg}
        return found

    def _added(self) -> tuple[Directive, ...]:
        if self.args("add_header_inherit", "on") != ("merge",):  # since nginx 1.29.3
            return self.all("add_header")
        return tuple(add for level in self.levels for add in level.of("add_header"))

    @property
    def request_headers(self) -> dict[str, str]:
        """What the application is told, by header name in lower case; nginx's own two are overridden by name."""
        found = {"host": "$proxy_host", "connection": "close"}
        lines = [line.args for line in self.all("proxy_set_header") if len(line.args) == 2]
        return found | {name.lower(): value for name, value in lines}

    @property
    def files(self) -> str | None:
        """The directory that files are served from here; None when something else answers."""
        if any(self.block.of(name) for name in ("proxy_pass", "return", "fastcgi_pass", "uwsgi_pass", "grpc_pass")):
            return None
        alias = self.block.of("alias")
        return alias[-1].args[0] if alias else self.args("root", "/usr/share/nginx/html")[0]


@dataclass(frozen=True, slots=True)
class Site:
    """One server block."""

    place: Place
    names: tuple[str, ...]
    listens: tuple[Listen, ...]

    @property
    def file(self) -> str:
        """The file it stands in."""
        return self.place.block.file

    def knows(self, host: str) -> bool:
        """Whether one of its names stands for the host."""
        return _rank(self, host) is not None

    def listens_on(self, family: str, port: int) -> tuple[Listen, ...]:
        """Its sockets of a family and port."""
        return tuple(listen for listen in self.listens if listen.port == port and family in listen.families)

    def location(self, path: str) -> Place:
        """The location that answers a path, or the server's own level."""
        return _find(self.place, path) or self.place

    def returned(self, path: str, host: str) -> tuple[int, str] | None:
        """The status and text that ``return`` or ``rewrite`` answers a path with; None when neither does."""
        own = _returned(self.place.block, path, host)
        place = self.location(path)
        return own or (_returned(place.block, path, host) if place != self.place else None)

    @property
    def proxied(self) -> tuple[Place, ...]:
        """The places that hand requests on to an application; ProbeError without any: nothing can be said of them."""
        places = self.place.everywhere("location", "if", "limit_except")
        found = tuple(place for place in places if place.block.of("proxy_pass"))
        if not found:
            raise ProbeError(f"nginx: the server of {self.file} hands no request on", "location / needs a proxy_pass")
        return found


def sites(config: Config) -> tuple[Site, ...]:
    """All servers of the configuration, in nginx's order."""
    main = Place((config.main,))
    return tuple(_site(server) for http in main.within("http") for server in http.within("server"))


def answering(config: Config, family: str, port: int, host: str) -> Site | None:
    """The server that nginx picks for a host name on a port; None when nothing listens there."""
    there = [site for site in sites(config) if site.listens_on(family, port)]
    ranked = [(rank, number, site) for number, site in enumerate(there) if (rank := _rank(site, host))]
    if ranked:
        return min(ranked, key=lambda one: (one[0], one[1]))[2]
    return default(config, family, port)


def serving(config: Config, port: int, host: str) -> Site:
    """The server that nginx picks for a host name in either family; ProbeError when nothing listens there."""
    for family in ("ipv4", "ipv6"):
        if site := answering(config, family, port, host):
            return site
    raise ProbeError(f"nginx has no server on port {port}", "mend the listen lines of the site")


def default(config: Config, family: str, port: int) -> Site | None:
    """The server that answers for names nobody knows."""
    there = [site for site in sites(config) if site.listens_on(family, port)]
    marked = [site for site in there if any(listen.default for listen in site.listens_on(family, port))]
    return next(iter(marked or there), None)


def upstreams(config: Config, place: Place) -> tuple[str, ...]:
    """The addresses that ``proxy_pass`` leads to, upstream blocks looked up."""
    url = re.sub(r"^https?://", "", "".join(place.args("proxy_pass", "")[:1]))
    name = url if url.startswith("unix:") else url.partition("/")[0]
    groups = [block for http in config.main.of("http") for block in http.of("upstream") if block.args == (name,)]
    return tuple(server.args[0] for group in groups for server in group.of("server") if server.args) or (name,)


def size(text: str) -> int:
    """``10M`` in bytes."""
    match = re.fullmatch(r"(\d{1,15})([kmg]?)", text.lower())
    if not match:
        raise ProbeError(f"nginx configuration: {text!r} is no size")
    return int(match[1]) * _SIZES[match[2]]


def duration(text: str) -> float:
    """``1m 30s`` in seconds."""
    parts = re.findall(r"(\d{1,15})(ms|[smhdw]?)\s*", text)
    if not parts or "".join(number + unit for number, unit in parts) != text.replace(" ", ""):
        raise ProbeError(f"nginx configuration: {text!r} is no time")
    return sum(int(number) * _TIMES[unit] for number, unit in parts)


def _site(server: Place) -> Site:
    names = tuple(name.lower() for line in server.block.of("server_name") for name in line.args)
    lines = [line.args for line in server.block.of("listen") if line.args] or [("80",)]
    everything_is_tls = server.args("ssl", "off") == ("on",)  # the old directive, gone since nginx 1.25
    return Site(server, names, tuple(_listen(args, everything_is_tls) for args in lines))


def _listen(args: tuple[str, ...], ssl: bool) -> Listen:
    where, *options = args
    match = re.fullmatch(r"(?:(?P<address>\[[^\]]*\]|[^:\[\]]+):)?(?P<port>\d{1,5})", where)
    address, port = (match["address"] or "*", int(match["port"])) if match else (where, 80)
    if where.startswith("unix:"):
        families, port = frozenset[str](), 0
    elif _LOOPBACK.match(address):
        families = frozenset()
    elif address.startswith("["):
        families = frozenset({"ipv4", "ipv6"} if "ipv6only=off" in options else {"ipv6"})
    else:
        families = frozenset({"ipv4"})
    marked = "default_server" in options or "default" in options
    return Listen(families, port, ssl or "ssl" in options or "quic" in options, marked)


def _rank(site: Site, host: str) -> tuple[int, int] | None:
    """How well the server's names fit, the smallest first; None when none does."""
    best: tuple[int, int] | None = None
    for name in site.names:
        if name == host or (name.startswith(".") and name[1:] == host):
            rank = (1, 0)
        elif name.startswith(("*.", ".")) and host.endswith(name.lstrip("*")):
            rank = (2, -len(name))
        elif name.endswith(".*") and host.startswith(name[:-1]):
            rank = (3, -len(name))
        elif name.startswith("~") and _matches(name[1:], host, re.IGNORECASE):
            rank = (4, 0)
        else:
            continue
        best = min(best or rank, rank)
    return best


def _find(inside: Place, path: str) -> Place | None:
    """The location for a path by nginx's order: exact, longest prefix, then the first regular expression."""
    prefix: Place | None = None
    patterns: list[tuple[str, Place]] = []
    for place in inside.within("location"):
        modifier, text = _location(place.block)
        if modifier == "=" and text == path:
            return place
        if modifier in ("~", "~*"):
            patterns.append((modifier, place))
        elif (
            modifier in ("", "^~")
            and path.startswith(text)
            and (prefix is None or len(text) > len(_location(prefix.block)[1]))
        ):
            prefix = place
    nested = _find(prefix, path) if prefix else None
    if prefix is None or _location(prefix.block)[0] != "^~":
        for modifier, place in patterns:
            if _matches(place.block.args[-1], path, re.IGNORECASE if modifier == "~*" else 0):
                return _find(place, path) or place
    return nested or prefix


def _location(block: Directive) -> tuple[str, str]:
    """A location's modifier and text, which may be written as one word."""
    if len(block.args) == 2:
        return block.args[0], block.args[1]
    match = re.fullmatch(r"(=|\^~|~\*|~|)(.*)", block.args[0] if block.args else "", re.DOTALL)
    return (match[1], match[2]) if match else ("", "")


def _returned(block: Directive, path: str, host: str) -> tuple[int, str] | None:
    for line in block.block:
        if line.name == "return" and line.args:
            code = line.args[0]
            return (int(code), " ".join(line.args[1:])) if is_number(code) else (302, code)
        if line.name == "rewrite" and len(line.args) == 3 and _matches(line.args[0], path):
            status = {"permanent": 301, "redirect": 302}.get(line.args[2])
            if status:
                return status, line.args[1]
        if line.name == "if" and _holds(" ".join(line.args), host) and (found := _returned(line, path, host)):
            return found
    return None


def _holds(condition: str, host: str) -> bool:
    """Whether an ``if`` holds for a plain request to the host; what is not known does not."""
    words = condition.strip("() ").replace('"', "").split()
    known = {"$host": host, "$http_host": host, "$scheme": "http", "$https": "", "$server_port": "80"}
    match words:
        case [left, "=", right]:
            return known.get(left) == right
        case [left, "!=", right]:
            return left in known and known[left] != right
        case _:
            return False


def _matches(pattern: str, text: str, flags: int = 0) -> bool:
    try:
        return compiled(pattern, flags).search(text) is not None
    except ValueError as error:
        raise ProbeError(f"nginx configuration: the expression {error}") from None
