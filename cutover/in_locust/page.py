"""Whether an answer under load is the page that everybody gets when all is quiet.

Bytes that are those of a quiet answer are. Others may be too: a page may hold a clock, a counter, a token, the
latest news. So of those the words are compared, with every number read as 0 and without what looks random. The
answer is the page when

- the title is that of the quiet answers, if they have one in common;
- nine tenths of the words that all quiet answers have in common are there, all of them where they are few;
- half of its own words are known from one of them.

An error page with the status 200 misses most of the first kind, and a maintenance page shares little more than
its markup. One that keeps nine tenths of the true page is not told apart from it.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

FOUND_SHARE = 0.9
FEW_WORDS = 40  # such as {"status": "ok"}: one word makes the difference
KNOWN_SHARE = 0.5
REMEMBERED = 256  # different bodies whose words need not be compared again

_WORD = re.compile(r"[\w.-]+")
_NUMBER = re.compile(r"\d+")
# Sixteen characters of mixed kinds: a nonce, a session, a hash in a file's name.
_RANDOM = re.compile(r"(?=[\w.-]*\d)(?=[\w.-]*[A-Za-z])[\w.-]{16,}")
_TITLE = re.compile(r"(?is)<title[^>]*>(.*?)</title")


class Page:
    """The page, by its quiet answers; without any, every answer is the page."""

    def __init__(self, quiet: tuple[str, ...]) -> None:
        self._same = frozenset(quiet)
        words = [_words(text) for text in quiet]
        self._common = words[0].copy() if words else Counter()
        self._known: Counter[str] = Counter()
        for each in words:
            self._common &= each
            self._known |= each
        titles = {_title(text) for text in quiet}
        self._title = titles.pop() if len(titles) == 1 else ""
        self.differs = lru_cache(maxsize=REMEMBERED)(self._differs)

    def _differs(self, body: bytes) -> str:
        """What tells the body from the page; empty when nothing does."""
        text = body.decode("utf-8", "replace")
        if not self._same or text in self._same:
            return ""
        if self._title and _title(text) != self._title:
            return f"another title: {_title(text)[:80] or 'none'}"
        words = _words(text)
        wanted, found = self._common.total(), (self._common & words).total()
        if found < (FOUND_SHARE if wanted > FEW_WORDS else 1) * wanted:
            return f"{found} of the {wanted} words that the quiet page always has"
        known, of = (self._known & words).total(), words.total()
        if known < KNOWN_SHARE * of or bool(text.strip()) != any(each.strip() for each in self._same):
            return f"{of - known} of {of} words are not the quiet page's"
        return ""


def _words(text: str) -> Counter[str]:
    return Counter(_NUMBER.sub("0", word) for word in _WORD.findall(_RANDOM.sub(" ", text)))


def _title(text: str) -> str:
    found = _TITLE.search(text)
    return " ".join(_NUMBER.sub("0", found[1]).split()) if found else ""
