from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from levinthal.lab.execution.source import measure_source, measure_words
from levinthal.studies import all_studies

STUDY = '''"""A study."""
import math
import beside
from others.deep import gain as gained

LAYERS = 3
UNUSED = 4
CLAIMS = tuple(("width", x) for x in range(5))

def double(x):
    """Twice."""
    return 2 * x

def measure(task, *, data, device):
    # a comment
    return double(beside.shift(LAYERS)) + gained + math.pi

def figures(rows):
    return UNUSED
'''


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Write a study and the files beside it with some words replaced, and hash its `measure`."""
    files = {
        "hashed_study.py": STUDY,
        "beside.py": "def shift(x):\n    return x + 1\n",
        "others/deep.py": "from .low import LOW\ngain = LOW\nother = 5\n",
        "others/low.py": "LOW = 1\n",
    }
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ("hashed_study", "beside", "others", "others.deep", "others.low")

    def hashed(old: str = "", new: str = "") -> str:
        assert old in "".join(files.values())
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.replace(old, new) if old else text)
        for name in names:
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        sys.dont_write_bytecode = True
        return measure_source(importlib.import_module("hashed_study").measure)

    yield hashed
    for name in names:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    # a comment\n", ""),
        ('"""Twice."""', '"""Two times."""'),
        ('"""A study."""', '"""Another."""'),
        ("2 * x", "(2 *\n        x)"),
        ("UNUSED = 4", "UNUSED = 5"),
        ("return UNUSED", "return None"),
        ("range(5)", "range(6)"),  # its `x` is not that of double
        ("other = 5", "other = 6"),
    ],
)
def test_what_measure_does_not_compute_leaves_the_hash(
    source: Callable[..., str], old: str, new: str
) -> None:
    assert len(source()) == 16
    assert source(old, new) == source()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LAYERS = 3", "LAYERS = 4"),
        ("2 * x", "3 * x"),
        ("+ math.pi", "- math.pi"),
        ("return x + 1", "return x + 2"),
        ("gain = LOW", "gain = LOW + 0"),
        ("LOW = 1", "LOW = 2"),
        ("import math\n", "import math\nmath.tau\n"),
    ],
)
def test_what_measure_computes_changes_the_hash(source: Callable[..., str], old: str, new: str) -> None:
    assert source(old, new) != source()


def test_the_name_of_the_studys_own_file_leaves_the_hash(source: Callable[..., str], tmp_path: Path) -> None:
    before = source()
    (tmp_path / "hashed_study.py").rename(tmp_path / "renamed_study.py")
    try:
        assert measure_source(importlib.import_module("renamed_study").measure) == before
    finally:
        sys.modules.pop("renamed_study", None)


def test_code_without_a_file_has_no_hash() -> None:
    made: dict[str, Callable[..., object]] = {}
    exec("def measure(task): ...", {"__name__": "nowhere"}, made)
    assert measure_source(made["measure"]) == ""


def test_every_study_of_ours_has_a_hash_of_its_own() -> None:
    found = {name: measure_source(study.measure) for name, study in all_studies().items()}
    assert all(found.values())
    assert len(set(found.values())) == len(found)


def test_the_words_of_measure_are_those_of_all_texts_in_its_code(source: Callable[..., str]) -> None:
    source("return double(", 'return f"{1} train_loss" and beside.NAMES and double(')
    (Path(sys.modules["beside"].__file__ or "")).write_text('NAMES = ("eigenvalue 1",)\n')
    words = measure_words(sys.modules["hashed_study"].measure)
    assert words is not None
    assert {one for one in words if isinstance(one, str)} == {
        "train",
        "loss",
        "eigenvalue",
    }  # of no docstring, and of no code that measure does not use


def test_measure_without_a_file_has_no_known_words() -> None:
    assert measure_words(eval("lambda: 0", {"__name__": "nowhere"})) is None
