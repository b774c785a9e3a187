"""The old server beside the new one, asked the same things: the last look before the switch."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.facts.evidence import Evidence
from cutover.facts.http import Exchange


@dataclass(frozen=True, slots=True)
class Pair:
    """Both answers to one request; ``same_body`` compares JSON by its values, all else by its bytes."""

    old: Exchange
    new: Exchange
    same_body: bool


@dataclass(frozen=True, slots=True)
class OldServer:
    """Both servers' answers by path, without a token, and the names in both certificates."""

    address: str
    pairs: dict[str, Pair]
    old_names: tuple[str, ...]
    new_names: tuple[str, ...]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The transcript of the old server's side; the new one's is told by other checks."""
        return tuple(pair.old.evidence() for pair in self.pairs.values())


@dataclass(frozen=True, slots=True)
class OldRecords:
    """The knowledge that each server hands out with a token: how many records, and how many of the old ones are not
    among the new, with the first of these by their id."""

    address: str
    at: str
    old: int
    new: int
    lost: int
    first_lost: tuple[str, ...]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The two counts."""
        told = f"old {self.old} records, new {self.new}; {self.lost} of the old ones are missing or differ"
        return (Evidence(f"knowledge of {self.address} and of the new server", self.at, told),)
