"""Which definitions a piece of code is made of: names are followed through the files of one folder."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
"""The folders of Python's own modules and of installed packages."""
Definition = tuple[Path, str]
"""A file and a name that it defines."""


def _whole_statement(statement: ast.stmt, _: str) -> ast.stmt:
    return statement


class Reader:
    """Follows names from one definition to all that it uses, in the files of one folder.

    `change` gives the part of a statement that matters for a name; all of it where not given.
    """

    def __init__(self, folder: Path, change: Callable[[ast.stmt, str], ast.stmt] = _whole_statement) -> None:
        self.folder, self.change = folder, change
        self.modules: dict[Path, dict[str, list[ast.stmt]]] = {}

    def follow(self, open_: Iterable[Definition]) -> Iterator[tuple[Path, ast.stmt]]:
        """Every statement that the names need, with its file."""
        seen: set[Definition] = set()
        waiting = list(open_)
        while waiting:
            file, wanted = place = waiting.pop()
            if place in seen:
                continue
            seen.add(place)
            for statement in self.statements(file, wanted):
                part = self.change(statement, wanted)
                waiting += self.needs(file, part)
                yield file, part

    def statements(self, file: Path, name: str) -> list[ast.stmt]:
        """The statements that define a name in a file; "" stands for what runs on import."""
        if file not in self.modules:
            self.modules[file] = _definitions(file)
        held = self.modules[file]
        if name and not name.isidentifier():  # a lambda, or made inside another function
            return [statement for group in held.values() for statement in group]
        return held.get(name, [])

    def needs(self, file: Path, node: ast.AST) -> Iterator[Definition]:
        """The names that a piece of code uses, each with the file of the folder that defines it."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name):
                yield file, inner.id
            elif isinstance(inner, ast.ImportFrom):
                yield from self._imported_from(file, inner)
            elif isinstance(inner, ast.Import):
                for alias in inner.names:
                    yield from self._whole(self._file_of(alias.name))

    def _imported_from(self, file: Path, node: ast.ImportFrom) -> Iterator[Definition]:
        module = node.module or ""
        base = file.parents[node.level - 1] if node.level else None
        found = _module_file(base, module) if base else self._file_of(module)
        for alias in node.names:
            inner = _module_file(base, f"{module}.{alias.name}".strip(".")) if base else None
            inner = inner or (None if base else self._file_of(f"{module}.{alias.name}"))
            if inner is not None and self._is_beside(inner):
                yield from self._whole(inner)
            elif found is not None and self._is_beside(found):
                yield found, ""
                yield from self._whole(found) if alias.name == "*" else [(found, alias.name)]

    def _whole(self, file: Path | None) -> Iterator[Definition]:
        if file is not None and self._is_beside(file):
            if file not in self.modules:
                self.modules[file] = _definitions(file)
            yield from ((file, name) for name in self.modules[file])

    def _file_of(self, module: str) -> Path | None:
        loaded = getattr(sys.modules.get(module), "__file__", None)
        return Path(loaded).resolve() if loaded else _module_file(self.folder, module)

    def _is_beside(self, file: Path) -> bool:
        """Whether a file is of the study: below its folder, and not of an environment or of this package."""
        if not file.is_relative_to(self.folder) or file.suffix != ".py" or not file.is_file():
            return False
        inside = file.relative_to(self.folder).parts
        ours = file.is_relative_to(PACKAGE) and not self.folder.is_relative_to(PACKAGE)
        return not ours and not any(part == "site-packages" or part.startswith(".") for part in inside)


def _module_file(folder: Path, module: str) -> Path | None:
    stem = folder.joinpath(*module.split(".")) if module else folder
    return next((file for file in (stem.with_suffix(".py"), stem / "__init__.py") if file.is_file()), None)


def _definitions(file: Path) -> dict[str, list[ast.stmt]]:
    """The statements of a file by the names that they bind; those that bind none run on import."""
    try:
        body = ast.parse(file.read_text("utf-8")).body
    except (SyntaxError, UnicodeDecodeError):
        return {}
    found: dict[str, list[ast.stmt]] = {}
    for statement in body:
        for name in set(_bound(statement)) or {""}:
            found.setdefault(name, []).append(statement)
    return found


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The module's names that a statement binds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    own = _of_comprehensions(statement)
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in own:
            yield node.id
        elif isinstance(node, ast.alias):
            yield (node.asname or node.name).partition(".")[0]
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name


def _of_comprehensions(statement: ast.stmt) -> set[ast.AST]:
    """The variables of comprehensions: they are no names of the module."""
    targets = (node.target for node in ast.walk(statement) if isinstance(node, ast.comprehension))
    return {node for target in targets for node in ast.walk(target)}


def code(statement: ast.stmt) -> str:
    """The statement without docstrings, comments and formatting."""
    return ast.dump(statement) if without_docstrings(statement) else ""


def without_docstrings(node: ast.AST) -> bool:
    """Take the docstrings out of a piece of code; whether anything is left of it."""
    for inner in ast.walk(node):
        body = getattr(inner, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            del body[0]
    return not _is_text(node)


def _is_text(statement: ast.AST) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
