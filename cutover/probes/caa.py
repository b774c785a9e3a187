"""The CAA records in a reply, as far as they may be printed."""

from __future__ import annotations

from dns.name import Name

from cutover.facts.caa import Caa, Property
from cutover.facts.dns import KNOWN
from cutover.probes.query import Reply, follow, text
from cutover.redact import redact

LONGEST = 500  # characters kept of a value


def policy(reply: Reply, name: Name) -> Caa:
    """What stands at a name, or where its aliases lead."""
    end = follow(reply, name, "CAA")
    if end.state not in KNOWN:
        return Caa(problem=f"CAA of {text(name)} cannot be asked: {end.state}")
    records = (
        Property(record.flags, _printable(record.tag).lower(), _printable(record.value)) for record in end.records
    )
    found_at = text(end.links[-1] if end.links else name) if end.records else ""
    return Caa(found_at, tuple(sorted(records, key=lambda record: record.told)))


def _printable(octets: bytes) -> str:
    return redact(octets.decode("ascii", "backslashreplace"))[:LONGEST]
