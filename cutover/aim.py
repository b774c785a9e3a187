"""What a run is about: whom it looks at, what stands in for looking, what people answer for, and where it writes."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from cutover.errors import UsageError
from cutover.exceptions import Exceptions
from cutover.files import write_whole
from cutover.inventory import Peer, Target
from cutover.probes.names import peers
from cutover.probes.survey import Recorded

SAVED = "targets.json"  # in a run's folder of facts: what `--facts` verifies again


@dataclass(frozen=True)
class Aim:
    """A run's peers by target label, saved server facts that stand in for a server, its folder.

    ``inputs`` are the files it was told by, by what they are. ``wait_dns`` is for how many seconds at most DNS is
    waited for. ``replayed`` is the folder of an earlier run's facts, which are judged in place of looking.
    """

    peers: dict[str, tuple[Peer, ...]]
    recorded: dict[str, Recorded]
    folder: Path
    started: datetime
    exceptions: Exceptions
    inputs: dict[str, Path] = field(default_factory=dict)
    wait_dns: float = 0.0
    replayed: Path | None = None

    @classmethod
    def at(cls, targets: tuple[Target, ...], recorded: dict[str, Recorded], reports: Path) -> Aim:
        """Find every target's addresses, side by side."""
        with ThreadPoolExecutor(max_workers=min(32, len(targets))) as pool:
            found = list(pool.map(peers, targets))
        return cls._now({of[0].target.label: of for of in found}, recorded, reports)

    @classmethod
    def _now(cls, found: dict[str, tuple[Peer, ...]], recorded: dict[str, Recorded], reports: Path) -> Aim:
        """A run that begins now, named by its time (UTC)."""
        started = datetime.now(UTC)
        name = f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
        return cls(found, recorded, reports / name, started, Exceptions(started.date()))

    def save(self, facts: Path) -> None:
        """Keep with the facts whom they are of; OSError when it cannot be written."""
        rows = tuple(
            _Row(of[0].target, tuple((peer.address, peer.problem) for peer in of), promised)
            for label, of in self.peers.items()
            for promised in [self.recorded[label].promised if label in self.recorded else None]
        )
        write_whole(facts / SAVED, _ROWS.dump_json(rows, indent=1) + b"\n")

    @classmethod
    def again(cls, run: Path, reports: Path) -> Aim:
        """Judge the facts of an earlier run again; UsageError when its folder has none."""
        facts = run / "facts"
        try:
            rows = _rows(facts)
        except UsageError as error:
            raise UsageError(f"--facts {run}: {error}") from None
        found = {row.target.label: tuple(Peer(row.target, *each) for each in row.peers) for row in rows}
        recorded = {row.target.label: Recorded(facts, row.recorded) for row in rows if row.recorded}
        return replace(cls._now(found, recorded, reports), replayed=facts)


def targets_of(facts: Path) -> dict[str, Target]:
    """By label, the targets whose facts these are; UsageError when nobody wrote it down."""
    return {row.target.label: row.target for row in _rows(facts)}


@dataclass(frozen=True, slots=True)
class _Row:
    """One target as it is saved: its addresses, each with why it is none, and of a recorded server its promises."""

    target: Target
    peers: tuple[tuple[str, str], ...]
    recorded: Target | None


_ROWS = TypeAdapter(tuple[_Row, ...])


def _rows(facts: Path) -> tuple[_Row, ...]:
    try:
        return _ROWS.validate_json((facts / SAVED).read_bytes())
    except OSError as error:
        raise UsageError(f"{SAVED} cannot be read: {error.strerror}") from None
    except ValidationError:
        raise UsageError(f"{SAVED} is not what a run of this version writes") from None
