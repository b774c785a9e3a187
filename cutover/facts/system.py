"""The operating system's release (checklist section 1)."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.errors import ProbeError
from cutover.facts.evidence import Command, Evidence, Outputs
from cutover.facts.lines import is_number, words_of

COMMANDS = {"os-release": Command("cat /etc/os-release")}


@dataclass(frozen=True, slots=True)
class OperatingSystem:
    """``id``, ``version`` and ``codename`` as in os-release(5): debian, (12,), bookworm; ubuntu, (24, 4), noble."""

    id: str
    version: tuple[int, ...]
    name: str
    codename: str
    evidence: tuple[Evidence, ...]

    @classmethod
    def read(cls, outputs: Outputs) -> OperatingSystem:
        """Read ``/etc/os-release``; ProbeError when it names no release."""
        fields = {}
        for line in outputs.text("os-release").splitlines():
            key, sign, value = line.partition("=")
            if sign:
                try:
                    fields[key] = "".join(words_of(value))
                except ValueError:
                    continue
        try:
            numbers = fields.get("VERSION_ID", "").split(".")
            if not all(is_number(number) for number in numbers):
                raise ValueError
            version = tuple(map(int, numbers))
            return cls(
                id=fields["ID"],
                version=version,
                name=fields.get("PRETTY_NAME", fields["ID"]),
                codename=fields.get("VERSION_CODENAME", ""),
                evidence=outputs.evidence("os-release"),
            )
        except (KeyError, ValueError):
            raise ProbeError(f"{outputs.host}: /etc/os-release names no release with a number") from None
