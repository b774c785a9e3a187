"""One cause, one line: which failures of a target explain which others, by the checklist's troubleshooting rows.

A row T1 to T4 reads: what failed of its ``rows`` is the cause, what failed of its ``explains`` the consequence. What
could not be looked at is told with its own reason: as a cause it explains failures only, as a consequence only what was
to be seen at an address, where nobody answers when the cause is inside. An explanation hides nothing: what is explained
keeps its verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from cutover.checklist import Control, catalogue
from cutover.standing import Standing

EXAMPLE = "api.example.com"  # in the checklist's text, for the target's own name
Lang = Literal["ja", "en"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One failure that explains others, with the troubleshooting ``rows`` that tell so; all in the document's order."""

    root: Standing
    explained: tuple[Standing, ...]
    rows: tuple[Control, ...]

    def advice(self, lang: Lang, host: str) -> list[str]:
        """What the checklist says to do, a sentence for each of its rows, for this host."""
        told = (row.advice_ja if lang == "ja" else row.advice_en for row in self.rows)
        return [text.replace(EXAMPLE, host) for text in dict.fromkeys(told)]


def causes(of_target: Mapping[str, Standing]) -> tuple[Cause, ...]:
    """The causes among one target's standings: none is itself explained by another."""
    bad = {control: each for control, each in of_target.items() if each.word in ("failed", "error")}
    leads: dict[str, dict[str, list[Control]]] = {}
    for row, root, consequence in _links(bad):
        leads.setdefault(root, {}).setdefault(consequence, []).append(row)
    consequences = {consequence for of_root in leads.values() for consequence in of_root}
    return tuple(_cause(root, leads, bad) for root in bad if root in leads and root not in consequences)


def explained_by(found: tuple[Cause, ...]) -> dict[str, list[str]]:
    """By control: the causes that may explain it."""
    told: dict[str, list[str]] = {}
    for cause in found:
        for standing in cause.explained:
            told.setdefault(standing.control_id, []).append(cause.root.control_id)
    return told


def _links(bad: Mapping[str, Standing]) -> Iterator[tuple[Control, str, str]]:
    for row in catalogue().control:
        for root in row.rows:
            for consequence in row.explains:
                if root in bad and consequence in bad and _may_explain(bad[root], bad[consequence]):
                    yield row, root, consequence


def _may_explain(root: Standing, consequence: Standing) -> bool:
    if consequence.word == "failed":
        return True
    unseen = [verdict for verdict in consequence.verdicts if verdict.word == "error"]
    return root.word == "failed" and any(verdict.address for verdict in unseen)


def _cause(root: str, leads: Mapping[str, Mapping[str, list[Control]]], bad: Mapping[str, Standing]) -> Cause:
    """All that the root leads to, over others too; the advice is that of its own rows."""
    reached: set[str] = set()
    ahead = [root]
    while ahead:
        new = leads.get(ahead.pop(), {}).keys() - reached
        reached |= new
        ahead += new
    rows = {row.id: row for of_one in leads[root].values() for row in of_one}
    order = [row.id for row in catalogue().control]
    return Cause(
        bad[root],
        tuple(standing for control, standing in bad.items() if control in reached),
        tuple(rows[row] for row in sorted(rows, key=order.index)),
    )
