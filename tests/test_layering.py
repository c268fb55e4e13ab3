"""Rooms to the right import from rooms to the left, never back, and no import hides in a function."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "levinthal"
ORDER = {"errors": 0, "vocabulary": 0, "user_files": 1, "data": 1, "networks": 1, "estimators": 1}
ORDER |= {"training": 2, "probes": 3, "lab": 4, "studies": 5, "figures": 6, "report": 7, "clinic": 8}
ORDER |= {"integrations": 9, "cli": 10, "__main__": 11}
OPTIONAL = {"ray", "lightning", "transformers", "tensorboard", "safetensors", "IPython"}
FILES = [path for path in sorted(SOURCE.rglob("*.py")) if path != SOURCE / "__init__.py"]


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: imports are absolute here"
        same = node.module == "levinthal"
        return [f"levinthal.{alias.name}" if same else str(node.module) for alias in node.names]
    return []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_left_and_stand_at_the_top(path: Path) -> None:
    room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    tree = ast.parse(path.read_text())
    for name in (name for node in ast.walk(tree) for name in imported(node)):
        target = name.split(".")[1] if name.startswith("levinthal.") else room
        assert target == room or ORDER[target] < ORDER[room], f"{room} imports {name}"
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    hidden = {name for function in functions for node in ast.walk(function) for name in imported(node)}
    assert room == "cli" or {name.split(".")[0] for name in hidden} <= OPTIONAL, f"hidden: {sorted(hidden)}"
