"""The catalogue: one control for each box of the migration checklist, and the advice beyond it: ``checklist.toml``."""

from __future__ import annotations

import difflib
import json
import tomllib
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from cutover.errors import UsageError

CATALOGUE = Path(__file__).with_name("checklist.toml")
ADVICE = "advice"  # the section that is not the checklist's


class Row(BaseModel):
    """A row of the catalogue: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Section(Row):
    """A chapter of the checklist: ``1`` to ``20``, or ``T1`` to ``T4`` of its troubleshooting part; or ``advice``."""

    id: str
    ja: str
    en: str


class Control(Row):
    """One box of the checklist, or one piece of advice beyond it.

    ``rows`` are the controls that answer a summarising box; ``explains`` are the controls whose failure a
    troubleshooting box helps to understand, with its remedy in ``advice_ja`` and ``advice_en``.
    """

    id: str
    ja: str
    en: str
    phase: Literal["pre", "post", "both"]
    severity: Literal["critical", "high", "medium", "low"]
    mandatory: bool
    judged_by: Literal["checks", "attestation", "rows"]
    rows: tuple[str, ...] = ()
    explains: tuple[str, ...] = ()
    advice_ja: str = ""
    advice_en: str = ""

    @property
    def section(self) -> str:
        """The id of the section the box stands in."""
        return self.id.partition(".")[0]

    @property
    def is_advice(self) -> bool:
        """Whether it is no box of the checklist."""
        return self.section == ADVICE


class Catalogue(Row):
    """All sections and controls, in the document's order."""

    section: tuple[Section, ...]
    control: tuple[Control, ...]

    def __getitem__(self, control_id: str) -> Control:
        """The control with this id; UsageError, with the nearest ids, when there is none."""
        if control := self._by_id.get(control_id):
            return control
        near = difflib.get_close_matches(control_id, [c.id for c in self.control], n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"control {control_id!r} is not in the checklist{hint}")

    @cached_property
    def _by_id(self) -> dict[str, Control]:
        # It is asked for each verdict, many times.
        return {control.id: control for control in self.control}


@cache
def catalogue() -> Catalogue:
    """The checklist, version 1.0.0 of 2024-12-27."""
    # Through JSON, because strict validation takes a list for a tuple there and only there.
    rows = json.dumps(tomllib.loads(CATALOGUE.read_text("utf-8")))
    return TypeAdapter(Catalogue).validate_json(rows)
