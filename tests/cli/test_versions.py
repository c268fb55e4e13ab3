from __future__ import annotations

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from levinthal.cli import main, versions


def facts(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, str]:
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    return {line[: versions.WIDTH].strip(): line[versions.WIDTH + 1 :] for line in lines}


@pytest.mark.parametrize("words", [("--version", "--verbose"), ("--verbose", "--version")])
def test_what_a_bug_report_needs(capsys: pytest.CaptureFixture[str], words: tuple[str, str]) -> None:
    found = facts(capsys, *words)
    assert found["levinthal"].startswith(version("levinthal"))
    assert found["python"].startswith(platform.python_version())
    assert found["torch"].startswith(f"{torch.__version__}, {torch.get_num_threads()} threads, CUDA ")
    assert {name: found[name] for name in versions.LIBRARIES} == {n: version(n) for n in versions.LIBRARIES}
    assert "cores" in found["processor"]


def test_the_folders_are_those_that_a_run_would_use(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEVINTHAL_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    found = facts(capsys, "--version", "--verbose")
    assert found["data"] == str(tmp_path / "data")
    assert found["results"] == f"{tmp_path / 'results' / 'levinthal.sqlite'} (not there yet)"


def test_a_clone_names_its_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("levinthal.__file__", str(tmp_path / "src" / "levinthal" / "__init__.py"))
    settings = ("-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "init.defaultBranch=main")
    for words in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run(["git", *settings, *words], cwd=tmp_path, check=True)
    assert len(versions._commit()) == 12
