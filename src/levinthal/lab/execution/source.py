"""A hash of the code that `measure` is made of, so that an edit without a new version is noticed.

The hash covers the function, the definitions of its file that it uses, and those that it imports from files
beside it. Comments, formatting, docstrings, claims and figures do not change it, nor does the file name of
a study of one's own.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[2]
Definition = tuple[Path, str]


def measure_source(measure: Callable[..., Any]) -> str:
    """Hash of the code of a study's `measure`, as it stands in its files now.

    Args:
        measure: a function of a module that has a file.

    Returns:
        Sixteen hexadecimal digits, or "" where there is no file to read.
    """
    file = getattr(sys.modules.get(getattr(measure, "__module__", "")), "__file__", None)
    if not file or not Path(file).is_file():
        return ""
    name = str(getattr(measure, "__qualname__", "")).partition(".")[0]
    parts = _Reader(Path(file).resolve()).used(name)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


class _Reader:
    """Follows names from one definition to all that it uses, in the files of one folder."""

    def __init__(self, file: Path) -> None:
        self.file, self.folder = file, file.parent
        self.modules: dict[Path, dict[str, list[ast.stmt]]] = {}

    def used(self, name: str) -> list[str]:
        """The code of every statement that the name needs, each once, in an order of its own."""
        seen: set[Definition] = set()
        open_: list[Definition] = [(self.file, name), (self.file, "")]
        found: set[str] = set()
        while open_:
            file, wanted = place = open_.pop()
            if place in seen:
                continue
            seen.add(place)
            for statement in self._statements(file, wanted):
                open_ += self._needs(file, statement)
                found.add(f"{self._name(file)} {_code(statement)}")
        return sorted(found)

    def _name(self, file: Path) -> str:
        """The file as the hash names it: the file of a study of one's own may be renamed."""
        renamed = file == self.file and not file.is_relative_to(PACKAGE)
        return "" if renamed else file.relative_to(self.folder).as_posix()

    def _statements(self, file: Path, name: str) -> list[ast.stmt]:
        """What defines a name in a file; "" is what runs on import."""
        if file not in self.modules:
            self.modules[file] = _definitions(file)
        held = self.modules[file]
        if name and not name.isidentifier():  # a lambda, or made inside another function
            return [statement for group in held.values() for statement in group]
        return held.get(name, [])

    def _needs(self, file: Path, statement: ast.stmt) -> Iterator[Definition]:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                yield file, node.id
            elif isinstance(node, ast.ImportFrom):
                yield from self._imported_from(file, node)
            elif isinstance(node, ast.Import):
                for alias in node.names:
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


def _code(statement: ast.stmt) -> str:
    """The statement without docstrings, comments and formatting."""
    for node in ast.walk(statement):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            del body[0]
    return "" if _is_text(statement) else ast.dump(statement)


def _is_text(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )
