"""What an awk program prints of a table, for the small part of awk that alerts are written in.

Nothing is run: a program of the host's is read here and worked out, so it can do no harm. What is beyond this part
is a ValueError, never a guess.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cutover.facts.patterns import compiled

LONGEST_LINE = 10_000  # characters that a substitution may make of one

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<string>\"[^\"\\]*\")|(?P<regex>/[^/\\]+/)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<sign>&&|\|\||[<>=!]=|[-$<>!~()+*{},;%=]))"
)
_COMPARE: dict[str, Callable[[object, object], bool]] = {
    "<": operator.lt,  # type: ignore[dict-item]
    "<=": operator.le,  # type: ignore[dict-item]
    ">": operator.gt,  # type: ignore[dict-item]
    ">=": operator.ge,  # type: ignore[dict-item]
    "==": operator.eq,
    "!=": operator.ne,
}

# Not the name of a variable, which would be nothing and 0 where nobody has set it.
_KEYWORDS = re.compile(
    "BEGIN|END|O?FS|O?RS|break|continue|delete|do|else|exit|for|function|getline|in|next|nextfile|printf|return|while"
)


@dataclass(frozen=True, slots=True)
class Value:
    """``numeric`` tells that awk compares it as a number: a constant, a sum, or input that looks like one."""

    text: str
    numeric: bool

    @property
    def number(self) -> float:
        """The number it begins with, 0 without any: "81%" is 81."""
        shape = re.match(r"\s*[-+]?\d+(\.\d+)?", self.text)
        return float(shape[0]) if shape else 0.0

    @property
    def true(self) -> bool:
        """Whether it holds as a condition."""
        return self.number != 0 if self.numeric else bool(self.text)


def _of(number: float) -> Value:
    return Value(f"{number:g}", True)


def _input(text: str) -> Value:
    return Value(text, bool(re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", text)))


def select(program: str, lines: list[str], separator: str = "", variables: dict[str, str] | None = None) -> list[str]:
    """What ``program`` prints of ``lines``; ValueError for what is beyond the part of awk known here."""
    printed: list[str] = []
    for number, line in enumerate(lines, 1):
        fields = re.split(re.escape(separator), line) if separator.strip() else line.split()
        names = {name: _input(value) for name, value in (variables or {}).items()}
        _Run(_tokens(program), line, fields, number, names, printed).program()
    return printed


def _tokens(program: str) -> list[str]:
    found: list[str] = []
    at = 0
    program = program.strip()
    while at < len(program):
        shape = _TOKEN.match(program, at)
        # A slash after a value divides; no alert needs that, and it would be taken for a regular expression.
        if not shape or (shape["regex"] and found and re.fullmatch(r"[\w)]+", found[-1])):
            raise ValueError(f"{program[at : at + 20]!r} is beyond what is worked out here")
        found.append(shape[0].strip())
        at = shape.end()
    return found


@dataclass
class _Run:
    """One program on one line of input, by recursive descent."""

    tokens: list[str]
    line: str
    fields: list[str]
    number: int
    names: dict[str, Value]
    printed: list[str]
    active: bool = True
    texts: set[int] = field(default_factory=set)  # fields that a substitution has made text

    def peek(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def take(self, expected: str = "") -> str:
        if not self.tokens or (expected and self.tokens[0] != expected):
            raise ValueError(f"{self.peek()!r} where {expected or 'more'!r} is due")
        return self.tokens.pop(0)

    def program(self) -> None:
        while self.tokens:
            holds = True if self.peek() == "{" else self.either().true
            if self.peek() != "{":
                if holds:
                    self.printed.append(self.line)
                if self.tokens:
                    self.take(";")
                continue
            self.block(holds)

    def block(self, active: bool) -> None:
        self.take("{")
        before, self.active = self.active, self.active and active
        while self.peek() != "}":
            self.statement()
            while self.peek() == ";":
                self.take()
        self.active = before
        self.take("}")

    def statement(self) -> None:
        if self.peek() == "{":
            self.block(True)
        elif self.peek() == "if":
            self.take()
            self.take("(")
            holds = self.either().true
            self.take(")")
            before, self.active = self.active, self.active and holds
            self.statement()
            self.active = before
        elif self.peek() == "print":
            self.take()
            words = []
            # No comparison here: after print, > would write a file.
            while self.peek() not in ("", ";", "}"):
                words.append(self.sum().text)
                if self.peek() == ",":
                    self.take()
            if self.active:
                self.printed.append(" ".join(words) if words else self.line)
        elif self.peek() in ("gsub", "sub"):
            self.substitute()
        elif len(self.tokens) > 1 and self.tokens[1] == "=":
            name = self.take()
            self.take("=")
            value = self.either()
            if self.active:
                self.names[name] = value
        else:
            raise ValueError(f"{self.peek()!r} is beyond what is worked out here")

    def substitute(self) -> None:
        count = 0 if self.take() == "gsub" else 1
        self.take("(")
        pattern = self.take()
        self.take(",")
        new = self.take().strip('"')
        target, index = "", 0
        if self.peek() == ",":
            self.take()
            if self.peek() == "$":
                self.take()
                index = int(self.take())
            else:
                target = self.take()
        self.take(")")
        if not self.active:
            return
        old = self.names.get(target, Value("", False)).text if target else self.cell(index).text
        changed = compiled(pattern[1:-1]).sub(lambda _: new, old, count=count)
        if len(changed) > LONGEST_LINE:
            raise ValueError("its lines grow beyond reason")
        if target:
            # Not a number, whatever it looks like: 9 is more than 80 then.
            self.names[target] = Value(changed, False)
        elif index:
            self.fields[index - 1 : index] = [changed]
            self.texts.add(index)
        else:
            self.line, self.fields = changed, changed.split()

    def cell(self, index: int) -> Value:
        text = self.line if index == 0 else self.fields[index - 1] if index <= len(self.fields) else ""
        return Value(text, False) if index in self.texts else _input(text)

    def either(self) -> Value:
        value = self.all()
        while self.peek() == "||":
            self.take()
            other = self.all()
            value = _of(value.true or other.true)
        return value

    def all(self) -> Value:
        value = self.comparison()
        while self.peek() == "&&":
            self.take()
            other = self.comparison()
            value = _of(value.true and other.true)
        return value

    def comparison(self) -> Value:
        left = self.sum()
        sign = self.peek()
        if sign in ("~", "!~"):
            self.take()
            return _of(bool(compiled(self.take()[1:-1]).search(left.text)))
        if sign in _COMPARE:
            self.take()
            right = self.sum()
            if left.numeric and right.numeric:
                return _of(_COMPARE[sign](left.number, right.number))
            return _of(_COMPARE[sign](left.text, right.text))
        return left

    def sum(self) -> Value:
        value = self.primary()
        while self.peek() in ("+", "-", "*", "%"):
            sign, other = self.take(), self.primary()
            a, b = value.number, other.number
            value = _of({"+": a + b, "-": a - b, "*": a * b, "%": a % b if b else 0.0}[sign])
        return value

    def primary(self) -> Value:
        word = self.take()
        if word == "!":
            return _of(not self.primary().true)
        if word == "(":
            value = self.either()
            self.take(")")
            return value
        if word == "$":
            return self.cell(len(self.fields) if self.peek() == "NF" and self.take() else int(self.primary().number))
        if word in ("int", "substr", "length"):
            return self.function(word)
        if word.startswith('"'):
            return Value(word.strip('"'), False)
        if word.startswith("/"):
            return _of(bool(compiled(word[1:-1]).search(self.line)))
        if re.fullmatch(r"[\d.]+", word):
            return Value(word, True)
        if word in ("NR", "FNR", "NF"):
            return _of(len(self.fields) if word == "NF" else self.number)
        if word in self.names:
            return self.names[word]
        if word[0].isalpha() and not _KEYWORDS.fullmatch(word) and self.peek() != "(":
            return Value("", True)
        raise ValueError(f"{word!r} is beyond what is worked out here")

    def function(self, name: str) -> Value:
        arguments = []
        if self.peek() == "(":
            self.take()
            while self.peek() != ")":
                arguments.append(self.either())
                if self.peek() == ",":
                    self.take()
            self.take(")")
        if name == "length":
            return _of(len(arguments[0].text if arguments else self.line))
        if name == "int" and len(arguments) == 1:
            return _of(int(arguments[0].number))
        if name == "substr" and len(arguments) in (2, 3):
            begin = int(arguments[1].number) - 1
            end = begin + int(arguments[2].number) if len(arguments) == 3 else None
            return Value(arguments[0].text[max(0, begin) : end], False)
        raise ValueError(f"{name} with {len(arguments)} arguments is beyond what is worked out here")
