"""Messages, docstrings and pages use the field's terms: these private ones are gone, and stay gone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRIVATE = {  # the term as an expression: what to write instead
    r"at a guess": "at chance level",
    r"another hand": "an external update",
    r"doublings|decades? (a|per) layer": "log2 ratio, log10 ratio",
    r"foretell\w*|foretold": "predict",
    r"dealt": "shuffled, permuted",
    r"flat part": "saturated region",
    r"tuning half|untouched half": "development split, held-out split",
    r"sick|wards?|zoo|hospital": "faulty, healthy cases",
    r"closer look|after a look": "detailed sample, evaluation",
    r"first glance": "screening",
    r"lost seeds?": "non-converged seeds",
    r"bad start": "bad initialisation",
    r"no bend": "no nonlinearity",
    r"likeness": "similarity",
    r"surer": "more confident",
    r"parts? of the grid": "condition",
    r"the house": "the project",
    r"smallest that counts": "smallest effect size of interest",
}
PAGES = [
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "guides").glob("*.md")),
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
]
CODE = sorted((ROOT / "src").rglob("*.py"))
TEMPLATES = sorted((ROOT / "src").rglob("*.html"))


def texts(path: Path) -> Iterator[str]:
    """The strings of a Python file, or the whole of another one."""
    if path.suffix != ".py":
        yield path.read_text("utf-8")
        return
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    yield from (n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))


def private(text: str) -> list[str]:
    """Each private term in a text, with what to write instead."""
    line = " ".join(text.split())
    return [
        f"'{found[0]}': write {better}"
        for term, better in PRIVATE.items()
        for found in re.finditer(rf"\b(?:{term})\b", line, re.IGNORECASE)
    ]


@pytest.mark.parametrize("path", [*PAGES, *TEMPLATES, *CODE], ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_term_is_left(path: Path) -> None:
    assert [problem for text in texts(path) for problem in private(text)] == []


def test_a_private_term_is_found_across_a_line_break() -> None:
    assert private("The loss stays at a\n    guess.") == ["'at a guess': write at chance level"]
