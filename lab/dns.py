"""The lab's name server: the right answers for ``example.test``, and a way to change them.

It is authoritative only, so every other name is refused: nothing in the lab can ask the internet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lab.machine import STATE, Daemon, Refusal, call, wait_for
from lab.network import ACME, API, DOMAIN, NAMESERVER, HostSpec, inside

# Short, as the checklist asks for the time around a migration.
TTL_SECONDS = 300


@dataclass(frozen=True)
class Record:
    """One line of the zone; ``name`` is relative to it, ``@`` is the zone itself."""

    name: str
    type: str
    value: str
    ttl: int = TTL_SECONDS

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} IN {self.type} {self.value}"


def reference_records() -> list[Record]:
    """The zone as it is right: one name server, the API in both families, and who may issue certificates."""
    hosts = [
        Record(spec.name, kind, address)
        for spec in (NAMESERVER, ACME, API)
        for kind, address in (("A", spec.ipv4), ("AAAA", spec.ipv6))
    ]
    return [Record("@", "NS", NAMESERVER.name), *hosts, Record("@", "CAA", f'0 issue "{ACME.fqdn}"')]


@dataclass(frozen=True)
class NameServer:
    """One knotd in the namespace of its spec; several may disagree about the zone, as in real life."""

    spec: HostSpec

    @property
    def _daemon(self) -> Daemon:
        return Daemon(f"dns-{self.spec.name}")

    @property
    def _directory(self) -> Path:
        return STATE / "dns" / self.spec.name

    @property
    def _zone_file(self) -> Path:
        return self._directory / f"{DOMAIN}.zone"

    def start(self, records: Iterable[Record]) -> None:
        """Serve those records; returns once the zone is served."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._write(1, list(records))
        config = self._directory / "knot.conf"
        config.write_text(self._config())
        self._daemon.start([*inside(self.spec.namespace), "knotd", "--config", config])
        wait_for(f"the zone on {self.spec.name}", self._serves, 15)

    def stop(self) -> None:
        self._daemon.stop()

    def is_up(self) -> bool:
        return self._daemon.pid is not None

    def set(self, name: str, kind: str, values: Iterable[str], ttl: int = TTL_SECONDS) -> None:
        """Replace all records of that name and type by these values; no value removes them."""
        serial, records = self.read()
        kept = [record for record in records if (record.name, record.type) != (name, kind)]
        self._write(serial + 1, [*kept, *(Record(name, kind, value, ttl) for value in values)])
        self._control("-b", "zone-reload", DOMAIN)

    def read(self) -> tuple[int, list[Record]]:
        """The serial number and the records that are served."""
        start, *lines = self._zone_file.read_text().splitlines()
        records = []
        for line in lines:
            name, ttl, _, kind, value = line.split(" ", 4)
            records.append(Record(name, kind, value, int(ttl)))
        return int(start.split()[6]), records

    def _write(self, serial: int, records: list[Record]) -> None:
        soa = f"{NAMESERVER.name} hostmaster {serial} 3600 600 604800 {TTL_SECONDS}"
        lines = [Record("@", "SOA", soa), *records]
        self._zone_file.write_text("".join(f"{line}\n" for line in lines))

    def _serves(self) -> bool:
        self._daemon.require()
        try:
            return "serial" in self._control("zone-status", DOMAIN)
        except Refusal:
            return False

    def _control(self, *words: str) -> str:
        return call(["knotc", "--config", self._directory / "knot.conf", *words], timeout=15)

    def _config(self) -> str:
        listen = ", ".join(f"{address}@53" for address in self.spec.addresses)
        here = self._directory
        return (
            f'server:\n    rundir: "{here}"\n    listen: [ {listen} ]\n'
            f'control:\n    listen: "{here}/knot.sock"\n'
            f'database:\n    storage: "{here}"\n'
            "log:\n  - target: stdout\n    any: info\n"
            # The zone file is the only truth: no journal may bring an older zone back.
            f'zone:\n  - domain: {DOMAIN}\n    storage: "{here}"\n    file: "{self._zone_file.name}"\n'
            "    zonefile-sync: -1\n    zonefile-load: whole\n    journal-content: none\n"
        )
