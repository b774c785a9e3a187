"""nginx's configuration as a tree: a reader of what ``nginx -T`` prints, by the rules of nginx's own lexer.

crossplane, nginx's own parser, was considered: it opens files, and here there is only one text without them.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cutover.errors import ProbeError

_FILE = re.compile(r"(?m)^# configuration file (/.*):$")
MOST_FILES = 5000  # read in all, those included again counted again
_DEEPEST = 50  # includes and blocks within one another; nginx has no such limit, and no one such a configuration
_ESCAPES = {"t": "\t", "r": "\r", "n": "\n", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive; ``block`` holds what stands in its braces. ``file`` is the file as nginx named it."""

    name: str
    args: tuple[str, ...]
    file: str
    block: tuple[Directive, ...] = ()

    def of(self, name: str) -> tuple[Directive, ...]:
        """The directives of that name in its block."""
        return tuple(directive for directive in self.block if directive.name == name)


@dataclass(frozen=True, slots=True)
class Token:
    """A word of the configuration, or one of ``;``, ``{`` and ``}``, which a quoted word never is."""

    text: str
    kind: Literal["word", "mark"] = "word"


@dataclass(frozen=True, slots=True)
class Config:
    """``main`` is the whole configuration with every include in its place; ``files`` is what it was read from.

    ``globbed`` are the directories from which whatever lies in them is included.
    """

    main: Directive
    files: tuple[str, ...]
    globbed: frozenset[str]

    @classmethod
    def read(cls, dump: str) -> Config:
        """Read the output of ``nginx -T``; ProbeError where nginx itself would have read something else."""
        _, *parts = _FILE.split(dump)
        texts = dict(zip(parts[::2], parts[1::2], strict=True))
        if not texts:
            raise ProbeError("nginx -T printed no configuration file")
        root = next(iter(texts))
        globbed: set[str] = set()
        reader = _Reader(texts, posixpath.dirname(root), globbed)
        return cls(Directive("main", (), root, reader.file(root, 0)), tuple(texts), frozenset(globbed))


class _Reader:
    """Puts the printed files together."""

    def __init__(self, texts: dict[str, str], prefix: str, globbed: set[str]) -> None:
        self._texts, self._prefix, self._globbed = texts, prefix, globbed
        self._left = MOST_FILES

    def file(self, name: str, depth: int) -> tuple[Directive, ...]:
        self._left -= 1
        if self._left < 0:
            raise ProbeError("nginx configuration: its files include one another without end")
        found = iter(list(tokens(self._texts[name], name)))
        return tuple(self._directives(found, name, depth, nested=False))

    def _directives(self, found: Iterator[Token], file: str, depth: int, *, nested: bool) -> Iterator[Directive]:
        if depth > _DEEPEST:
            raise ProbeError(f"nginx configuration: {file} is nested too deeply")
        words: list[str] = []
        for token in found:
            if token.kind == "word":
                words.append(token.text)
            elif token.text == "}":
                if words or not nested:
                    raise ProbeError(f"nginx configuration: unexpected }} in {file}")
                return
            elif not words:
                raise ProbeError(f"nginx configuration: unexpected {token.text} in {file}")
            else:
                name, *args = words
                words = []
                if token.text == "{":
                    block = tuple(self._directives(found, file, depth + 1, nested=True))
                    yield Directive(name, tuple(args), file, block)
                elif name == "include" and len(args) == 1:
                    yield from self._included(args[0], depth + 1)
                else:
                    yield Directive(name, tuple(args), file)
        if words or nested:
            raise ProbeError(f"nginx configuration: {file} ends in the middle of a directive or block")

    def _included(self, pattern: str, depth: int) -> Iterator[Directive]:
        path = posixpath.join(self._prefix, pattern)
        if not re.search(r"[*?\[]", pattern):
            names = [path]
            if path not in self._texts:
                raise ProbeError(f"nginx -T includes {path} and did not print it")
        else:
            self._globbed.add(posixpath.dirname(path))
            names = sorted(name for name in self._texts if _globbed_by(name, path))
        for name in names:
            yield from self.file(name, depth)


def _globbed_by(name: str, pattern: str) -> bool:
    """Match as glob(3) does: no wildcard stands for a slash, nor for the dot that hides a file."""
    parts, patterns = name.split("/"), pattern.split("/")
    return len(parts) == len(patterns) and all(
        fnmatch.fnmatchcase(part, glob) and (part[:1] != "." or glob[:1] == ".")
        for part, glob in zip(parts, patterns, strict=True)
    )


# ngx_conf_read_token: quotes and # mean something at the start of a word only, and a brace in ${name} is the word's.
_TOKEN = re.compile(
    r"""(?s)\s*(?:
        (?P<comment>\#[^\n]*)
      | (?P<mark>[;{}])
      | "(?P<double>(?:[^"\\]|\\.)*)"(?=[\s;{)]|\Z)
      | '(?P<single>(?:[^'\\]|\\.)*)'(?=[\s;{)]|\Z)
      | (?P<word>(?:\$\{|\\.|[^\s;{"'\\])(?:\$\{|\\.|[^\s;{\\])*)
    )""",
    re.VERBOSE,
)


def tokens(text: str, file: str) -> Iterator[Token]:
    """The words and marks of one file."""
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            line = text.count("\n", 0, at) + 1
            raise ProbeError(f"nginx configuration: {file} is not understood near line {line}")
        at = match.end()
        if match["mark"]:
            yield Token(match["mark"], "mark")
        elif match["comment"] is None:
            raw = next(word for word in (match["double"], match["single"], match["word"]) if word is not None)
            yield Token(re.sub(r"(?s)\\(.)", lambda one: _ESCAPES.get(one[1], one[0]), raw))
