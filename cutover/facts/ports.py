"""TCP ports of one peer as a stranger finds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cutover.facts.evidence import Evidence

State = Literal["open", "refused", "filtered"]


@dataclass(frozen=True, slots=True)
class Ports:
    """Port → state. ``filtered`` is no answer, or one of a router or firewall, within the connect timeout."""

    address: str
    at: str
    states: dict[int, State]

    def in_state(self, *states: State) -> set[int]:
        """The ports found in one of these states."""
        return {port for port, state in self.states.items() if state in states}

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All states in one line."""
        answer = ", ".join(f"{port} {state}" for port, state in sorted(self.states.items()))
        return (Evidence(f"TCP connect to {self.address}", self.at, answer),)
