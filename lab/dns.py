"""The lab's name servers: a root, ``test`` below it, ``example.test`` on two servers, all signed, and two resolvers.

Nothing here knows of any other name: nobody in the lab can ask the internet.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lab.machine import IPV4_RANGE, IPV6_RANGE, STATE, Daemon, Refusal, call, wait_for
from lab.network import ACME, API, DOMAIN, NS1, NS2, RESOLVERS, ROOT, HostSpec, inside
from lab.resolver import Resolver

PARENT = "test"
ROOT_NAME = f"ns.{PARENT}."
# Short, as the checklist asks for the time around a migration.
TTL_SECONDS = 300

# One key for each zone; the zone file is the only truth: no journal may bring an older zone back.
_COMMON = """policy:
  - id: lab
    manual: on
    single-type-signing: on
template:
  - id: default
    storage: "{here}"
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
log:
  - target: stdout
    any: info
"""


@dataclass(frozen=True)
class Record:
    """One line of a zone; ``name`` is relative to it, ``@`` is the zone itself."""

    name: str
    type: str
    value: str
    ttl: int = TTL_SECONDS

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} IN {self.type} {self.value}"


def addresses(name: str, spec: HostSpec) -> list[Record]:
    """Both addresses of a host under that name."""
    return [Record(name, "A", spec.ipv4), Record(name, "AAAA", spec.ipv6)]


def reference_records() -> list[Record]:
    """The zone as it is right: two name servers, the API in both families, and who may issue certificates."""
    hosts = [record for spec in (NS1, NS2, ACME, API) for record in addresses(spec.name, spec)]
    servers = [Record("@", "NS", spec.name) for spec in (NS1, NS2)]
    return [*servers, *hosts, Record("@", "CAA", f'0 issue "{ACME.fqdn}"')]


@dataclass(frozen=True)
class NameServer:
    """One knotd: it signs its zones, or has them from ``primary``."""

    spec: HostSpec
    zones: tuple[str, ...]
    primary: HostSpec | None = None
    secondary: HostSpec | None = None

    @property
    def _daemon(self) -> Daemon:
        return Daemon(f"dns-{self.spec.name}")

    @property
    def _directory(self) -> Path:
        return STATE / "dns" / self.spec.name

    def _zone_file(self, zone: str) -> Path:
        return self._directory / f"{zone.strip('.') or 'root'}.zone"

    def prepare(self, **options: str) -> None:
        """Write the configuration, with these options of the policy, and make a new key for each zone it signs."""
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        self.configure(**options)
        for zone in self.zones:
            if self.primary is None:
                self._keys(zone, "generate", "algorithm=ECDSAP256SHA256", "ksk=yes", "zsk=yes")

    def configure(self, zones: tuple[str, ...] | None = None, **options: str) -> None:
        """Write the configuration for these zones instead of its own."""
        listen = ", ".join(f"{address}@53" for address in self.spec.addresses)
        here, more = self._directory, "".join(f"    {key}: {value}\n" for key, value in options.items())
        text = (
            f'server:\n    rundir: "{here}"\n    listen: [ {listen} ]\n'
            f'control:\n    listen: "{here}/knot.sock"\ndatabase:\n    storage: "{here}"\n'
            f"acl:\n  - id: lab\n    address: [ {IPV4_RANGE}, {IPV6_RANGE} ]\n    action: [ transfer, notify ]\n"
        )
        other = self.primary or self.secondary
        if other:
            text += f"remote:\n  - id: other\n    address: {other.ipv4}\n"
        text += _COMMON.format(here=here).replace("single-type-signing: on\n", f"single-type-signing: on\n{more}")
        role = "dnssec-signing: on\n    dnssec-policy: lab"
        if other:
            role = "master: other" if self.primary else f"notify: other\n    {role}"
        text += "zone:\n" + "".join(
            f'  - domain: "{zone}"\n    file: "{self._zone_file(zone)}"\n    acl: lab\n    {role}\n'
            for zone in (self.zones if zones is None else zones)
        )
        (self._directory / "knot.conf").write_text(text)

    def ds(self, zone: str) -> list[str]:
        """What the parent has to say of the zone's key."""
        lines = self._keys(zone, "ds").splitlines()
        # Of the digests that are offered, SHA-256's.
        return [line.split(" DS ")[1] for line in lines if line.split()[4] == "2"]

    def start(self) -> None:
        """Serve; returns once all zones are served."""
        self._run()
        for zone in self.zones:
            wait_for(f"the zone {zone} on {self.spec.name}", lambda zone=zone: self._serves(zone), 15, 0.05)

    def restart(self) -> None:
        """Serve what its files now say, whatever that is; returns once it can be told what to do."""
        self.stop()
        self._run()
        wait_for(f"name server {self.spec.name}", self._responds, 15, 0.05)

    def _serves(self, zone: str) -> bool:
        self._daemon.require()
        return self.serial(zone) is not None

    def _responds(self) -> bool:
        self._daemon.require()
        try:
            return bool(self.control("status"))
        except Refusal:
            return False

    def _run(self) -> None:
        self._daemon.start([*inside(self.spec.namespace), "knotd", "--config", self._directory / "knot.conf"])

    def stop(self) -> None:
        self._daemon.stop()

    def is_up(self) -> bool:
        return self._daemon.pid is not None

    def set(self, zone: str, name: str, kind: str, values: Iterable[str], ttl: int = TTL_SECONDS) -> None:
        """Replace all records of that name and type by these values; no value removes them."""
        kept = [record for record in self.read(zone) if (record.name, record.type) != (name, kind)]
        self.write(zone, [*kept, *(Record(name, kind, value, ttl) for value in values)])
        self.control("-b", "zone-reload", zone)

    def read(self, zone: str) -> list[Record]:
        """The records that are served."""
        records = []
        for line in self._zone_file(zone).read_text().splitlines()[1:]:
            name, ttl, _, kind, value = line.split(" ", 4)
            records.append(Record(name, kind, value, int(ttl)))
        return records

    def write(self, zone: str, records: list[Record], ttl: int = TTL_SECONDS) -> None:
        """Write the zone's file, newer than what is served."""
        serial = (self.serial(zone) or 0) + 1
        primary = next(record.value for record in records if (record.name, record.type) == ("@", "NS"))
        soa = f"{primary} hostmaster.{DOMAIN}. {serial} 3600 600 604800 {ttl}"
        lines = [Record("@", "SOA", soa, ttl), *records]
        self._zone_file(zone).write_text("".join(f"{line}\n" for line in lines))

    def serial(self, zone: str) -> int | None:
        """The serial number of the zone that is served; None when none is."""
        if not self.is_up():
            return None
        try:
            # [example.test.] role: master | serial: 3 | …
            told = dict(part.split(": ", 1) for part in self.control("zone-status", zone).split(" | ") if ": " in part)
        except Refusal:
            return None
        return int(told["serial"].split()[0]) if told.get("serial", "-")[0].isdigit() else None

    def control(self, *words: str) -> str:
        return call(["knotc", "--config", self._directory / "knot.conf", *words], timeout=15)

    def _keys(self, zone: str, *words: str) -> str:
        return call(["keymgr", "--config", self._directory / "knot.conf", zone, *words], timeout=15)


@dataclass(frozen=True)
class Tree:
    """All of it. A change is made as an operator makes it: on the first name server, which tells the second."""

    root: NameServer = NameServer(ROOT, (".", PARENT))
    ns1: NameServer = NameServer(NS1, (DOMAIN,), secondary=NS2)
    ns2: NameServer = NameServer(NS2, (DOMAIN,), primary=NS1)
    resolvers: tuple[Resolver, ...] = tuple(map(Resolver, RESOLVERS))

    def start(self, ttl: int = TTL_SECONDS, **options: str) -> None:
        """Make new keys and serve what is right; ``options`` are those of the policy by which the domain is signed."""
        self.root.prepare()
        self.ns1.prepare(**options)
        self.ns2.prepare()
        self.ns1.write(DOMAIN, [replace(record, ttl=ttl) for record in reference_records()], ttl)
        self.root.write(PARENT, self._delegations())
        parent = [Record("@", "NS", ROOT_NAME), Record(PARENT, "NS", ROOT_NAME), *addresses(ROOT_NAME, ROOT)]
        self.root.write(".", [*parent, *(Record(PARENT, "DS", ds) for ds in self.root.ds(PARENT))])
        for server in (self.ns1, self.ns2, self.root):
            server.start()
        for resolver in self.resolvers:
            resolver.start(ROOT, ROOT_NAME, self.root.ds("."))

    def _delegations(self) -> list[Record]:
        name = DOMAIN.removesuffix(f".{PARENT}")
        servers = [Record(name, "NS", f"{spec.name}.{name}") for spec in (NS1, NS2)]
        glue = [record for spec in (NS1, NS2) for record in addresses(f"{spec.name}.{name}", spec)]
        own = [Record("@", "NS", ROOT_NAME), *addresses("ns", ROOT)]
        return [*own, *servers, *glue, *(Record(name, "DS", ds) for ds in self.ns1.ds(DOMAIN))]

    def stop(self) -> None:
        for part in self._parts():
            part.stop()

    def is_up(self) -> bool:
        return all(part.is_up() for part in self._parts())

    def _parts(self) -> tuple[NameServer | Resolver, ...]:
        return (*self.resolvers, self.root, self.ns1, self.ns2)

    def set(self, name: str, kind: str, values: Iterable[str], ttl: int = TTL_SECONDS) -> None:
        """Change the domain; returns once the second name server has it too."""
        self.ns1.set(DOMAIN, name, kind, values, ttl)
        wait_for("the zone transfer", lambda: self.ns2.serial(DOMAIN) == self.ns1.serial(DOMAIN), 15, 0.05)

    def forget(self) -> None:
        """Empty the caches of the resolvers."""
        for resolver in self.resolvers:
            resolver.forget()
