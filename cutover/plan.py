"""Which checks a run is to judge, and which it was told to leave out: what was not judged is told, not forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from cutover import written
from cutover.files import write_whole
from cutover.inventory import Peer, Target
from cutover.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Planned:
    """One check of one target, before anything is known of it; the fields are those of its verdict."""

    control_id: str
    file: str
    check: str
    target: str
    address: str

    @classmethod
    def of(cls, item: pytest.Item) -> Planned | None:
        """What a collected test is to judge; None when it names no box of the checklist."""
        marker = item.get_closest_marker("control")
        if marker is None:
            return None
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        target, peer = parameters.get("target"), parameters.get("peer")
        return cls(
            control_id=str(next(iter(marker.args), "")),
            file=item.location[0],
            check=item.name,
            target=target.label if isinstance(target, Target) else "",
            address=peer.address if isinstance(peer, Peer) else "",
        )

    @property
    def function(self) -> str:
        """The test function's name."""
        return self.check.partition("[")[0]

    def error(self, reason: str, mend: str) -> Verdict:
        """The verdict when nothing came of it."""
        return Verdict(
            word="error",
            control_id=self.control_id,
            file=self.file,
            check=self.check,
            target=self.target,
            address=self.address,
            reason=reason,
            mend=mend,
        )


@dataclass
class Plan:
    """All checks of a run by node id, those that were deselected, and those of the suite that were not asked for.

    The last have no target: they are left out for all.
    """

    checks: dict[str, Planned] = field(default_factory=dict)
    deselected: list[Planned] = field(default_factory=list)
    uncollected: list[Planned] = field(default_factory=list)

    def select(self, items: Iterable[pytest.Item], root: Path, folders: Iterable[str]) -> None:
        """Take what was collected, and note what the suite's ``folders`` hold beside it."""
        self.checks = {item.nodeid: check for item in items if (check := Planned.of(item))}
        known = {(check.file, check.function) for check in (*self.checks.values(), *self.deselected)}
        self.uncollected = [
            Planned(check.control_id, check.file, check.function, "", "")
            for check in written.checks(root, folders)
            if (check.file, check.function) not in known
        ]

    def deselect(self, items: Iterable[pytest.Item]) -> None:
        """Note what was left out."""
        self.deselected += [check for item in items if (check := Planned.of(item))]

    def left(self, verdicts: Iterable[Verdict]) -> list[Planned]:
        """The checks without a verdict."""
        judged = {(verdict.file, verdict.check) for verdict in verdicts}
        return [check for check in self.checks.values() if (check.file, check.check) not in judged]

    def share(self, file: Path) -> None:
        """Under -n a worker collects: it tells the controller, which does not."""
        write_whole(file, _PLAN.dump_json(self))

    def read(self, file: Path) -> None:
        """What a worker told; nothing when none came as far as that."""
        if file.exists():
            told = _PLAN.validate_json(file.read_bytes())
            self.checks, self.deselected, self.uncollected = told.checks, told.deselected, told.uncollected


_PLAN = TypeAdapter(Plan)
