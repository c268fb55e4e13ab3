"""A hash of the code that `measure` is made of, so that an edit without a new version is noticed.

The hash covers the function, the definitions of its file that it uses, and those that it imports from files
beside it. Comments, formatting, docstrings, claims and figures do not change it, nor does the file name of
a study of one's own.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from levinthal.lab.execution.definitions import PACKAGE, Reader, code, without_docstrings
from levinthal.lab.storage.spelling import words_of


def measure_source(measure: Callable[..., Any]) -> str:
    """Hash of the code of a study's `measure`, as it stands in its files now.

    Args:
        measure: a function of a module that has a file.

    Returns:
        Sixteen hexadecimal digits, or "" where there is no file to read.
    """
    file = file_of(measure)
    if file is None:
        return ""
    return digest(f"{_name(where, file)} {code(part)}" for where, part in _used(file, measure))


def measure_words(measure: Callable[..., Any]) -> frozenset[str | float] | None:
    """The words of all texts in the code of a study's `measure`, and its numbers without their signs.

    Of the words the names of measurements are made, of both the words of conditions.

    Args:
        measure: a function of a module that has a file.

    Returns:
        The words as `spelling.words_of` gives them, or None where there is no file to read.
    """
    file = file_of(measure)
    if file is None:
        return None
    parts = [part for _, part in _used(file, measure) if without_docstrings(part)]
    found = [node.value for part in parts for node in ast.walk(part) if isinstance(node, ast.Constant)]
    words = {word for text in found if isinstance(text, str) for word in words_of(text)}
    numbers = {one for one in found if isinstance(one, int | float) and not isinstance(one, bool)}
    return frozenset(words | numbers)


def _used(file: Path, measure: Callable[..., Any]) -> Iterator[tuple[Path, ast.stmt]]:
    """The statements that `measure` is made of, each with its file."""
    name = str(getattr(measure, "__qualname__", "")).partition(".")[0]
    return Reader(file.parent).follow([(file, name), (file, "")])


def _name(file: Path, main: Path) -> str:
    """The file as the hash names it: the file of a study of one's own may be renamed."""
    renamed = file == main and not file.is_relative_to(PACKAGE)
    return "" if renamed else file.relative_to(main.parent).as_posix()


def file_of(function: Callable[..., Any]) -> Path | None:
    """The file of a function's module, where it has one."""
    file = getattr(sys.modules.get(getattr(function, "__module__", "")), "__file__", None)
    return Path(file).resolve() if file and Path(file).is_file() else None


def digest(parts: Iterable[str]) -> str:
    """Sixteen hexadecimal digits over pieces of code, in an order of its own, each counted once."""
    return hashlib.sha256("\n".join(sorted(set(parts))).encode()).hexdigest()[:16]
