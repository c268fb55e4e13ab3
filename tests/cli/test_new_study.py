from __future__ import annotations

from pathlib import Path

import pytest

from levinthal.cli import main
from levinthal.cli.new_study import TEMPLATES, skeleton

GUIDE = Path(__file__).parents[2] / "docs" / "write-a-study.md"


@pytest.mark.parametrize(("template", "name"), TEMPLATES.items())
def test_the_guide_shows_what_is_written(template: str, name: str) -> None:
    assert f"```python\n{skeleton(name, template)}```" in GUIDE.read_text()


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_study_is_shown_under_its_own_name(
    template: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["study", "new", f"my-{template}", "--template", template]) == 0
    assert main(["study", "show", f"my_{template}.py"]) == 0
    assert f"my-{template} (chapter my-own, version 1)" in capsys.readouterr().out


def test_a_short_run_of_the_trained_template_judges_every_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = skeleton("short-training", "trained")
    for long, short in {
        "(0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)": "(0.01, 0.03, 0.1)",
        "(0, 25, 50, 100, 200)": "(0, 50)",
        "range(8)": "range(5)",
    }.items():
        assert long in text
        text = text.replace(long, short)
    Path("short_training.py").write_text(text)
    assert main(["study", "run", "short_training.py", "--workers", "1", "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    assert "P1" in out
    assert "P3" in out
    assert "not measured" not in out
    assert Path("results/short-training-quick.html").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["Wide_Layers.py"], "use small letters, digits and hyphens, such as 'wide-layers'"),
        (["7"], "is no name of a study"),
        (["gradient-scale"], "is a study of levinthal: choose another name"),
        (["statistics"], "is the name of another Python module"),
        (["there"], "there.py exists"),
        (["new-one", "--folder", "nowhere"], "no folder nowhere"),
        (["new-one", "--template", "train"], "did you mean 'trained'?"),
    ],
)
def test_what_cannot_be_written_is_one_line_and_writes_nothing(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there.py").write_text("mine")
    assert main(["study", "new", *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.py"]
    assert Path("there.py").read_text() == "mine"


def test_a_keyword_of_python_is_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["study", "new", "class"]) == 2
    assert capsys.readouterr().err == (
        "levinthal: 'class' is a keyword of Python, no file can have its name: choose another\n"
    )
