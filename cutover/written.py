"""The checks as they stand in files, whatever a command line asks for: read without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cutover.check import Doc


@dataclass(frozen=True, slots=True)
class Written:
    """One check: the box it names, its file below the root and line, its function, and its docstring."""

    control_id: str
    file: str
    line: int
    function: str
    doc: Doc

    @property
    def title(self) -> str:
        """Its name in plain words."""
        return self.function.removeprefix("test_").replace("_", " ")


def checks(root: Path, folders: Iterable[str]) -> Iterator[Written]:
    """All checks of these folders below ``root``; OSError or SyntaxError for a file that cannot be read."""
    for file in sorted(file for folder in folders for file in (root / folder).rglob("test_*.py")):
        for node in ast.parse(file.read_bytes()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                named, doc = file.relative_to(root).as_posix(), Doc.read(ast.get_docstring(node) or "")
                for box in map(_box, node.decorator_list):
                    if box:
                        yield Written(box, named, node.lineno, node.name, doc)


def _box(decorator: ast.expr) -> str:
    """The id in ``@control("12.redirect")``; empty for any other decorator."""
    match decorator:
        case ast.Call(func=ast.Name(id="control"), args=[ast.Constant(value=str(box))]):
            return box
    return ""
