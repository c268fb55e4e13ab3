"""Training and probes know an ensemble by what it offers, not by the study it comes from."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from torch import nn

import levinthal
from levinthal.networks import first_last
from levinthal.networks.ensemble import Ensemble

SOURCE = Path(levinthal.__file__).parent


def imported(path: Path) -> set[str]:
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{name.name}" for name in node.names} | {str(node.module)}
        elif isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
    return names


def names_first_last(names: set[str]) -> bool:
    return any(
        name.startswith("levinthal.networks.first_last") or name.endswith(".FirstLast") for name in names
    )


@pytest.mark.parametrize("package", ["training", "probes"])
def test_no_module_imports_the_first_papers_network(package: str) -> None:
    found = [path.name for path in (SOURCE / package).glob("*.py") if names_first_last(imported(path))]
    assert not found


def test_the_search_finds_an_import() -> None:
    assert names_first_last(imported(SOURCE / "networks" / "__init__.py"))


def test_only_an_ensemble_is_one() -> None:
    assert isinstance(first_last(inputs=4, width=3, depth=2, seeds=(0, 1)), Ensemble)
    assert not isinstance(nn.Linear(3, 2), Ensemble)
