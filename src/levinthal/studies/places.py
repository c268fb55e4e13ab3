"""Where a fault of a study stands in the user's file: the line of the field that it names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from levinthal.user_files import shortened
from levinthal.vocabulary import Claim, Preset, Study, Task

NOUNS = {noun.__name__: [field.name for field in fields(noun)] for noun in (Study, Preset, Task, Claim)}
Written = tuple[ast.Call, str, ast.expr]
"""A call, a field that it gives, and what it gives."""


def placed(fault: str, file: Path) -> str:
    """The fault with its place before it.

    Args:
        fault: a line of `require_valid`, with `field=value` in it.
        file: the user's file.

    Returns:
        `file:line: fault`; the line is that of the field, else of the claim, else of the study. Only the file
        where the source does not tell.
    """
    line = line_of(fault, file.read_text(encoding="utf-8", errors="replace"))
    return f"{shortened(str(file))}:{f'{line}:' if line else ''} {fault}"


def line_of(fault: str, source: str) -> int:
    """The line of a source that gives the field that a fault names; 0 where none does.

    >>> line_of("claim C1 has null=nan: give", "a = Claim(\\n  id='C1',\\n  null=float('nan'))")
    3
    """
    try:
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, RecursionError):
        return 0
    named = re.search(r"\bclaim (\S+) ", fault)
    written = [one for call in calls for one in _written(call)]
    own = {id(call) for call, field, value in written if named and field == "id" and _is(value, named[1])}
    asked = re.findall(r"\b(\w+)=", fault)
    found = [(_weight(one, fault, own), one[2].lineno) for one in written if one[1] in asked[:1]]
    found += [(-1.0, call.lineno) for call in calls if id(call) in own]
    found += [(-2.0, call.lineno) for call in calls if _name(call) == "Study"]
    return max(found, default=(0.0, 0))[1]


def _written(call: ast.Call) -> Iterator[Written]:
    """The fields that a call gives, by their names and, for our nouns, by their places."""
    for name, value in zip(NOUNS.get(_name(call), []), call.args, strict=False):
        yield call, name, value
    yield from ((call, keyword.arg, keyword.value) for keyword in call.keywords if keyword.arg)


def _weight(written: Written, fault: str, own: set[int]) -> float:
    """How surely a field that is given is the one of the fault: its claim counts first, then its value."""
    call, field, value = written
    shown = f"{field}={ast.unparse(value)}"
    return 4.0 * (id(call) in own) + 2.0 * (f"{shown}:" in fault or f"{shown} " in fault)


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _is(value: ast.expr, text: str) -> bool:
    return isinstance(value, ast.Constant) and value.value == text
