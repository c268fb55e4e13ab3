"""The command line, called in this process from an empty folder."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from levinthal.cli import main


@dataclass(frozen=True, slots=True)
class Said:
    """What a command left behind: its exit code and both streams."""

    code: int
    out: str
    err: str


Call = Callable[..., Said]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in, with the small study in it and no data but the embedded."""
    shutil.copy(Path(__file__).parent / "small_study.py", tmp_path / "small_study.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("LEVINTHAL_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def call(here: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run `levinthal` with these words."""

    def called(*words: str) -> Said:
        code = main(words)
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return called


@pytest.fixture(autouse=True)
def forgotten(tmp_path: Path) -> Iterator[None]:
    """The small study is another file in every test, and is forgotten after each."""
    path = list(sys.path)
    yield
    sys.path[:] = path
    sys.modules.pop("small_study", None)
