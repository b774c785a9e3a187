"""What a stranger finds who asks for files that are nobody's business, by status and form, without their content."""

from __future__ import annotations

from dataclasses import dataclass

from cutover.facts.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Found:
    """One answer. ``like_missing`` tells that a path which surely does not exist is answered the same way;
    ``listing`` that the body is a directory's."""

    url: str
    at: str
    status: int
    content_type: str
    length: int
    like_missing: bool
    listing: bool

    @property
    def told(self) -> str:
        """The answer in a few words."""
        form = "a directory listing" if self.listing else self.content_type or "no content type"
        return f"{self.status}, {form}, {self.length} bytes"


@dataclass(frozen=True, slots=True)
class PrivatePaths:
    """The answers by path. Bodies are not kept: one that should not have been served may hold any secret."""

    found: dict[str, Found]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What was asked, and the form of each answer."""
        return tuple(Evidence(f"GET {one.url}", one.at, one.told) for one in self.found.values())
