"""Every study has one layout: a file, or a package of five modules that import each other in one order."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from levinthal import studies

CHAPTERS = Path(str(studies.__file__)).parent
ORDER = {"design": 0, "measure": 1, "claims": 1, "figures": 2, "__init__": 3}
"""Equals do not import each other: the claims are fixed before anything is measured."""
LONGEST = 250
PACKAGES = [path.parent for path in sorted(CHAPTERS.glob("*/*/__init__.py"))]
FILES = [path for path in sorted(CHAPTERS.glob("*/*.py")) if path.name != "__init__.py"]


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def modules(package: Path) -> dict[str, list[Path]]:
    """Module -> its file, or the files of its folder."""
    files = {path.stem: [path] for path in package.glob("*.py")}
    folders = {path.parent.name: sorted(path.parent.glob("*.py")) for path in package.glob("*/__init__.py")}
    assert not files.keys() & folders.keys()
    return files | folders


def named(path: Path) -> str:
    return str(path.relative_to(CHAPTERS))


@pytest.mark.parametrize("package", PACKAGES, ids=named)
def test_a_study_is_its_five_modules(package: Path) -> None:
    assert set(modules(package)) == set(ORDER)


@pytest.mark.parametrize("package", PACKAGES, ids=named)
def test_only_claims_and_figures_too_long_for_a_file_are_folders(package: Path) -> None:
    for name, files in modules(package).items():
        if len(files) > 1:
            assert name in ("claims", "figures")
            assert sum(map(lines, files)) > LONGEST, f"{name}/ is short enough to be one file"


@pytest.mark.parametrize("path", [*FILES, *(p for one in PACKAGES for p in one.rglob("*.py"))], ids=named)
def test_a_file_of_a_study_is_no_longer_than_others(path: Path) -> None:
    assert lines(path) <= LONGEST


@pytest.mark.parametrize("package", PACKAGES, ids=named)
def test_design_comes_before_measure_and_claims_and_these_before_figures(package: Path) -> None:
    prefix = f"levinthal.studies.{package.parent.name}.{package.name}."
    for name, files in modules(package).items():
        for path in files:
            nodes = (
                node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)
            )
            own = [str(node.module) for node in nodes if str(node.module).startswith(prefix)]
            targets = {module.removeprefix(prefix).split(".")[0] for module in own} - {name}
            assert all(ORDER[target] < ORDER[name] for target in targets), f"{path.name} imports {targets}"
