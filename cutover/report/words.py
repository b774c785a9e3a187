"""The fixed texts of ``report.html`` and ``report.md``, in Japanese and English: ``words.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from cutover.causes import Lang

_GROUPS = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
TEXTS: dict[str, dict[str, str]] = {
    f"{group}.{key}": texts for group, of in _GROUPS.items() for key, texts in of.items()
}


@dataclass(frozen=True, slots=True)
class Words:
    """All texts in one language; called with a key such as ``answer.yes``, and the values it names."""

    lang: Lang

    def __call__(self, key: str, **values: object) -> str:
        """The text; KeyError for one that is not in the table."""
        return TEXTS[key][self.lang].format(**values)

    def verdict(self, outcome: str) -> str:
        """One of the five words, or ``advice``."""
        return self(f"word.{outcome.replace(' ', '-')}")


def of_locale(environment: Mapping[str, str]) -> Lang:
    """The language of the reports when nobody asks for one: that of messages, as POSIX finds it."""
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return "ja" if locale.lower().partition(".")[0].partition("_")[0] in ("ja", "japanese") else "en"


def both_times(iso: str) -> str:
    """A moment as the people of the checklist and its machines tell it: JST, and UTC behind it."""
    at = datetime.fromisoformat(iso)
    return f"{at.astimezone(ZoneInfo('Asia/Tokyo')):%Y-%m-%d %H:%M:%S} JST ({at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC)"
