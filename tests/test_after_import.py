"""A function is called after an import, and the import is as it would have been."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from levinthal.after_import import after_import

NAME = "imported_by_a_test"


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / f"{NAME}.py").write_text("VALUE = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    sys.modules.pop(NAME, None)


def test_the_function_is_called_once_when_the_module_is_whole() -> None:
    seen, finders = list[int](), list(sys.meta_path)
    with after_import(NAME, lambda: seen.append(sys.modules[NAME].VALUE)):
        assert seen == []
        imported = __import__(NAME)
        sys.modules.pop(NAME)
        __import__(NAME)
    assert seen == [3]
    assert sys.meta_path == finders
    assert imported.__spec__ is not None
    assert imported.__spec__.loader is imported.__loader__
    assert not type(imported.__loader__).__module__.startswith("levinthal")


def test_a_module_that_is_there_already_calls_it_at_once() -> None:
    __import__(NAME)
    seen = list[int]()
    with after_import(NAME, lambda: seen.append(1)):
        assert seen == [1]


def test_without_the_import_nothing_is_left_behind() -> None:
    finders = list(sys.meta_path)
    with after_import(NAME, lambda: pytest.fail("was called")):
        pass
    assert sys.meta_path == finders
