"""Every module has its test file, or a line in docs/structure.md that says where it is tested."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCE, TESTS = ROOT / "src" / "levinthal", ROOT / "tests"
NAMED = re.compile(r"`([^`]+)`")


def table() -> dict[str, list[str]]:
    """Module or folder -> the test files that the page names for it."""
    _, _, section = (ROOT / "docs" / "structure.md").read_text().partition("### Modules without a test file")
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| `")]
    return {place: NAMED.findall(tests) for _, places, tests, _ in rows for place in NAMED.findall(places)}


def without_mirror() -> list[str]:
    modules = [path.relative_to(SOURCE) for path in SOURCE.rglob("*.py") if path.name != "__init__.py"]
    return [path.as_posix() for path in modules if not (TESTS / path.parent / f"test_{path.name}").exists()]


def covers(place: str, module: str) -> bool:
    return module.startswith(place) if place.endswith("/") else module == place


def test_every_module_has_its_test_file_or_a_line_of_the_table() -> None:
    places = table()
    lost = [module for module in without_mirror() if not any(covers(place, module) for place in places)]
    assert lost == [], "write tests/<folder>/test_<module>.py, or a line in docs/structure.md"


def test_every_line_of_the_table_is_needed_and_names_what_exists() -> None:
    modules = without_mirror()
    for place, tests in table().items():
        assert any(covers(place, module) for module in modules), f"{place}: delete its line"
        assert tests, place
        assert all((ROOT / test).exists() for test in tests), place
