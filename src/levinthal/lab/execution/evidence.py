"""A hash of the code that a claim's evidence is made of, so that a change after a run is noticed.

The hash covers the expression of the claim's evidence and the definitions of the study that it uses.
Comments, formatting, docstrings, annotations, the words and numbers of the claim, and other claims do not
change it, nor does moving code from one file of the study to another.
"""

from __future__ import annotations

import ast
import copy
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from levinthal.lab.execution.definitions import LIBRARIES, PACKAGE, Reader, without_docstrings
from levinthal.lab.execution.source import digest, file_of
from levinthal.vocabulary import Claim, Study

_FIELDS = [field.name for field in fields(Claim)]
_OTHERS = {*_FIELDS} - {"evidence"}
_COMPREHENSIONS = (ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)
Holder = tuple[Path, str, Any]
"""A file, a name that it defines, and the value of that name."""


def evidence_sources(study: Study) -> dict[str, str]:
    """The hash of the code of each claim's evidence, as it stands in the study's files now.

    Args:
        study: a study that was imported from a file.

    Returns:
        Id of the claim -> sixteen hexadecimal digits, or "" where its code is in no file.
    """
    home = file_of(study.measure)
    holders = _holders(study.claims)
    words = words_of_claims(study)
    return {c.id: _source(c, home.parent if home else None, holders[c.id], words) for c in study.claims}


def words_of_claims(study: Study) -> set[str]:
    """The ids and sentences of a study's claims: they are compared one by one, and no hash covers them."""
    return {text for claim in study.claims for text in _texts(claim)}


def _source(claim: Claim, home: Path | None, holders: Sequence[Holder], words: Collection[str]) -> str:
    if not holders:
        return ""
    # A script may hold the study too: what it is called there says nothing of how the claim is made.
    inside = [holder for holder in holders if home and holder[0].is_relative_to(home)]
    folder, holders = (home, inside) if home and inside else (holders[0][0].parent, holders)
    reader = Reader(folder, _part)
    nodes = [(file, _without(words, node)) for file, node in _nodes(reader, claim, holders)]
    opened = [need for file, node in nodes for need in reader.needs(file, node)]
    opened += [(file, "") for file, _ in nodes]
    used = [(file, part) for file, part in reader.follow(opened) if not _is_inside(reader, file, part)]
    return digest([*(_text(node) for _, node in nodes), *(_text(part) for _, part in used)])


def _holders(claims: Sequence[Claim]) -> dict[str, list[Holder]]:
    """Where modules hold each claim, by its id; of the libraries, only this package is searched."""
    wanted = {id(claim): claim.id for claim in claims}
    found: dict[str, list[Holder]] = {claim.id: [] for claim in claims}
    for file, module in _own_modules():
        for name, value in list(vars(module).items()):
            for one in {wanted.get(id(claim), "") for claim in _claims_in(value)} - {""}:
                found[one].append((file, name, value))
    return found


def _own_modules() -> Iterator[tuple[Path, ModuleType]]:
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.endswith(".py"):
            path = Path(file).resolve()
            if path.is_relative_to(PACKAGE) or not file.startswith(LIBRARIES):
                yield path, module


def _claims_in(value: Any) -> Iterable[object]:
    """The claims that a value may hold: itself, its items, or those of a study."""
    kind = type(value)  # not isinstance, which asks the value: some modules hold values that warn or compute
    if kind is Study:
        return cast(Study, value).claims
    if kind is dict:
        return cast(Mapping[object, object], value).values()
    return cast(Iterable[object], value) if kind in (tuple, list) else (value,)


def _nodes(reader: Reader, claim: Claim, holders: Sequence[Holder]) -> list[tuple[Path, ast.AST]]:
    """The code that makes the claim: the smallest that names its id, else what holds the fewest claims."""
    found = [
        (file, part, len(list(_claims_in(value))), type(value) is Study)
        for file, name, value in holders
        for statement in reader.statements(file, name)
        if not isinstance(statement, ast.Import | ast.ImportFrom)
        for part in [_claims_of(statement) if type(value) is Study else statement]
    ]
    exact = [(file, place) for file, part, *_ in found for place in _places(part, claim.id)]
    others = [one for one in found if not one[3]] or found
    fewest = min((claims for _, _, claims, _ in others), default=0)
    return exact or [(file, part) for file, part, claims, _ in others if claims == fewest]


def _claims_of(statement: ast.stmt) -> ast.AST:
    """The claims in the statement that makes a study."""
    named = (key for key in ast.walk(statement) if isinstance(key, ast.keyword) and key.arg == "claims")
    return next((key.value for key in named), statement)


def _places(part: ast.AST, name: str) -> list[ast.AST]:
    """The calls that get the id as an argument; else the comprehensions or the statement that hold it."""
    calls = [node for node in ast.walk(part) if isinstance(node, ast.Call) and _is_given(node, name)]
    if calls or not _holds_text(part, name):
        return list(calls)
    inside = [node for node in ast.walk(part) if isinstance(node, _COMPREHENSIONS)]
    return [node for node in inside if _holds_text(node, name)] or [part]


def _is_given(call: ast.Call, name: str) -> bool:
    given = (*call.args, *(key.value for key in call.keywords))
    return any(isinstance(node, ast.Constant) and node.value == name for node in given)


def _holds_text(part: ast.AST, text: str) -> bool:
    return any(isinstance(node, ast.Constant) and node.value == text for node in ast.walk(part))


class _Pruned(ast.NodeTransformer):
    """Code without annotations, and claims without the fields that are compared one by one."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name | ast.Attribute) and _last_name(node.func) == "Claim":
            node.args = [arg for arg, name in zip(node.args, _FIELDS, strict=False) if name == "evidence"]
            node.keywords = [key for key in node.keywords if key.arg not in _OTHERS]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)


def _last_name(function: ast.Name | ast.Attribute) -> str:
    return function.id if isinstance(function, ast.Name) else function.attr


def _part(statement: ast.stmt, name: str) -> ast.stmt:
    """What a statement gives to a name: of an import, that name alone."""
    pruned = cast(ast.stmt, _Pruned().visit(copy.deepcopy(statement)))
    if isinstance(pruned, ast.Import | ast.ImportFrom):
        wanted = [one for one in pruned.names if (one.asname or one.name).partition(".")[0] == name]
        pruned.names = wanted or pruned.names
    return pruned


def _texts(claim: Claim) -> Iterator[str]:
    """The id of a claim and its sentences."""
    values = (getattr(claim, name) for name in _OTHERS)
    yield claim.id
    yield from (value for value in values if isinstance(value, str) and " " in value)


def _without(words: Collection[str], node: ast.AST) -> ast.AST:
    """The code that makes a claim, without the texts that are fields of a claim."""
    pruned = cast(ast.AST, _Pruned().visit(copy.deepcopy(node)))
    for inner in ast.walk(pruned):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.value in words:
            inner.value = ""
    return pruned


def _is_inside(reader: Reader, file: Path, part: ast.stmt) -> bool:
    """Whether a statement imports from the study itself: what it imports is in the hash, not from where."""
    return isinstance(part, ast.Import | ast.ImportFrom) and any(reader.needs(file, part))


def _text(node: ast.AST) -> str:
    """Code as text; an import as the package and the name."""
    if isinstance(node, ast.ImportFrom):
        package = (node.module or "").partition(".")[0]
        return f"{package}: {', '.join(sorted(one.name for one in node.names))}"
    return ast.unparse(node) if without_docstrings(node) else ""
