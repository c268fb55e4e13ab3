"""The toy study is loaded from its file, as a user's own study is; workers must find it again."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from levinthal.lab.storage.store import Store

FILE = Path(__file__).parent / "toy_study.py"
_spec = importlib.util.spec_from_file_location("toy_study", FILE)
assert _spec is not None
assert _spec.loader is not None
sys.modules["toy_study"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["toy_study"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite") as made:
        yield made


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the toy study writes a line for each run it is asked to measure."""
    path = tmp_path / "log.txt"
    path.touch()
    monkeypatch.setenv("TOY_LOG", str(path))
    return path


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def nobody() -> Iterator[Callable[[], None]]:
    """Called, it gives up the rights of root for the rest of the test: root may write everywhere."""
    root = os.geteuid() == 0
    yield lambda: os.seteuid(65534) if root else None
    if root:
        os.seteuid(0)
