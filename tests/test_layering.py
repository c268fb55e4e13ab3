"""Packages to the right import from packages to the left, never back, and no import hides in a function."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "levinthal"
ORDER = {
    "shown": -3,
    "interrupts": -3,
    "errors": -2,
    "arguments": -1,
    "written_files": -1,
    "vocabulary": 0,
    "after_import": 0,
    "user_data": 0,
    "user_files": 1,
    "user_scripts": 2,
    "data": 1,
    "networks": 1,
    "estimators": 1,
    "certificates": 2,
}
ORDER |= {
    "training": 2,
    "probes": 3,
    "lab": 4,
    "studies": 5,
    "figures": 6,
    "report": 7,
    "clinic": 8,
    "bounds": 8,
}
ORDER |= {"integrations": 9, "testing": 9, "cli": 10, "__main__": 11}
INSIDE = {
    "lab": {"storage": 0, "judging": 1, "execution": 2, "analysis": 2},
    "clinic": {
        "failures": -1,
        "recording": 0,
        "findings": 0,
        "rules": 1,
        "answer": 2,
        "presentation": 3,
        "checkup": 4,
        "announcing": 4,
        "checking": 5,
        "watching": 5,
        "problem": 6,
        "examination": 7,
        "treatment": 8,
        "export": 9,
        "observing": 10,
        "changes": 10,
    },
}
"""The order inside a package that has sub-packages; equals do not import each other."""
OPTIONAL = {"ray", "lightning", "transformers", "tensorboard", "safetensors", "IPython", "pyarrow"}
FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path != SOURCE / "__init__.py"]
TREES = {path: ast.parse(path.read_text()) for path in FILES}


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: imports are absolute here"
        same = node.module == "levinthal"
        return [f"levinthal.{alias.name}" if same else str(node.module) for alias in node.names]
    return []


def ours(path: Path) -> list[list[str]]:
    """The parts of the names of our own modules that a file imports, without `levinthal`."""
    names = (name for node in ast.walk(TREES[path]) for name in imported(node))
    return [name.split(".")[1:] for name in names if name.startswith("levinthal.")]


def parts(path: Path) -> list[str]:
    return [part.removesuffix(".py") for part in path.relative_to(SOURCE).parts]


def named(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("path", FILES, ids=named)
def test_imports_point_left_and_stand_at_the_top(path: Path) -> None:
    package = parts(path)[0]
    for target, *_ in ours(path):
        assert target in ORDER, (
            f"`from levinthal import {target}`: inside the package, import it from the module that defines it"
        )
        assert target == package or ORDER[target] < ORDER[package], f"{package} imports {target}"
    functions = [node for node in ast.walk(TREES[path]) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    hidden = {name for function in functions for node in ast.walk(function) for name in imported(node)}
    assert package == "cli" or {name.split(".")[0] for name in hidden} <= OPTIONAL, (
        f"hidden: {sorted(hidden)}"
    )


@pytest.mark.parametrize("path", [path for path in FILES if parts(path)[0] in INSIDE], ids=named)
def test_inside_a_package_imports_point_left_too(path: Path) -> None:
    package, inner = parts(path)[:2]
    order = INSIDE[package]
    if inner == "__init__":  # it gives the public names of all of them
        return
    for target, *rest in ours(path):
        if target == package:
            assert rest, f"{inner} imports from {package} itself: name the module"
            assert rest[0] == inner or order[rest[0]] < order[inner], f"{inner} imports {rest[0]}"


@pytest.mark.parametrize("path", [path for path in FILES if parts(path)[0] == "studies"], ids=named)
def test_no_study_imports_another(path: Path) -> None:
    own = parts(path)[:3]
    for target, *rest in ours(path):
        assert target != "studies" or not rest[1:] or ["studies", *rest[:2]] == own, f"imports {rest}"
