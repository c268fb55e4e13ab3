"""What is shipped is whole: the built wheel, alone in an empty environment, runs the demo study.

The environment gets the wheel and what it asks for, in the versions of the lock, and nothing else: a file
left out of the wheel, or a library that only the tests ask for, is found here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
pytestmark = pytest.mark.slow


def done(*words: str | Path, cwd: Path) -> str:
    """Standard output of a command that must succeed, far from this repository and its settings."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "COV_"))}
    ended = subprocess.run(words, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"{words}\n{ended.stdout}\n{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("levinthal-*.whl")
    return built


@pytest.fixture(scope="module")
def levinthal(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `levinthal` of an environment that holds the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    lock = ROOT / "requirements.lock"
    done(folder / "bin" / "python", "-m", "pip", "install", "-c", lock, wheel, cwd=folder)
    return folder / "bin" / "levinthal"


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        shipped = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = (path.relative_to(SOURCE) for path in SOURCE.rglob("*") if path.is_file())
    assert shipped == {file.as_posix() for file in files if "__pycache__" not in file.parts}
    assert wheel.stat().st_size < 2_000_000


def test_the_wheel_carries_the_script_of_the_pages_with_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "levinthal/report/assets/plotly/plotly-basic.min.js.gz" in names
    licence = "src/levinthal/report/assets/plotly/LICENSE"
    assert any(name.endswith(f".dist-info/licenses/{licence}") for name in names)


def test_the_wheel_alone_answers_for_help(levinthal: Path, tmp_path: Path) -> None:
    assert "study" in done(levinthal, "--help", cwd=tmp_path)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("study", ["one-neuron-chain", "first-last-information"])
def test_the_wheel_alone_runs_a_study(levinthal: Path, tmp_path: Path, study: str) -> None:
    said = done(levinthal, "study", "run", study, "--preset", "quick", cwd=tmp_path)
    assert said.splitlines()[-1] == f"Report: results/{study}-quick.html"
    assert "failed" not in said.splitlines()[0]
    assert 500_000 < (tmp_path / "results" / f"{study}-quick.html").stat().st_size < 1_500_000
