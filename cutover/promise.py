"""What every part of the inventory is: strict and typed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Promise(BaseModel):
    """A part of the inventory: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
