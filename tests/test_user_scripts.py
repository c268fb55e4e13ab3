"""A script runs as `python script.py` runs it, and comes back however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from levinthal.errors import InputError
from levinthal.user_scripts import INTERRUPTED, Ending, holds_problem, run_as_main, stdout_on_stderr

WORLD = """
import sys, json, pathlib
from neighbour_of_the_script import NAME
def here(): pass
main = sys.modules["__main__"]
world = [__name__, sys.argv[1:], NAME, pathlib.Path(sys.path[0]).name, pathlib.Path(__file__).name]
print(json.dumps([*world, main.here is here, here.__module__, __builtins__.__name__, __doc__ or ""]))
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    (tmp_path / "neighbour_of_the_script.py").write_text("NAME = 'beside it'\n")
    return tmp_path / "script.py"


def run(script: Path, text: str, *arguments: str) -> Ending:
    script.write_text(text)
    try:
        return run_as_main(script, arguments)
    finally:
        sys.modules.pop("neighbour_of_the_script", None)


def test_a_script_sees_what_python_shows_it(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(script, WORLD, "--epochs", "3") == Ending(0)
    words = [sys.executable, str(script), "--epochs", "3"]
    alone = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert capsys.readouterr().out == alone


def test_everything_is_as_before_afterwards(script: Path, tmp_path: Path) -> None:
    before = sys.modules["__main__"], sys.argv, list(sys.path), Path.cwd()
    run(script, f"import os, sys; os.chdir({str(tmp_path)!r}); sys.argv.append('x'); sys.path.append('y')")
    assert before == (sys.modules["__main__"], sys.argv, list(sys.path), Path.cwd())


@pytest.mark.parametrize(
    ("text", "code", "words", "err"),
    [
        ("pass", 0, "", ""),
        ("import sys; sys.exit()", 0, "", ""),
        ("import sys; sys.exit(3)", 3, "ended with the exit code 3", ""),
        ("import sys; sys.exit('no data')", 1, "ended with the exit code 1", "no data\n"),
        ("raise KeyboardInterrupt", INTERRUPTED, "was interrupted", ""),
    ],
)
def test_the_ending_is_known(
    script: Path, capsys: pytest.CaptureFixture[str], text: str, code: int, words: str, err: str
) -> None:
    ending = run(script, text)
    assert (ending.code, ending.words) == (code, words)
    assert capsys.readouterr().err == err


def test_an_exception_is_printed_as_python_prints_it(
    script: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ending = run(script, "def deep():\n    return 1 / 0\n\ndeep()\n")
    alone = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert (ending.code, ending.words) == (alone.returncode, "ended with ZeroDivisionError")
    assert capsys.readouterr().err == alone.stderr


@pytest.mark.parametrize("text", ["def (", "\0"])
def test_what_is_no_python_is_one_line(script: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"script\.py") as raised:
        run(script, text)
    assert len(str(raised.value).splitlines()) == 1


def test_a_missing_script_is_one_line(script: Path) -> None:
    with pytest.raises(InputError, match="no script at"):
        run_as_main(script, ())


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("import levinthal\nproblem = levinthal.Problem(model=0)", True),
        ("from levinthal import Problem\ndef made():\n    return Problem()", True),
        ("# Problem(...)\nprint('Problem()')", False),
    ],
)
def test_a_problem_is_seen_in_the_text(script: Path, text: str, holds: bool) -> None:
    script.write_text(text)
    assert holds_problem(script) is holds


def test_prints_of_python_and_of_children_go_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    print("before")
    with stdout_on_stderr():
        print("inside")
        os.write(1, b"raw\n")
        subprocess.run([sys.executable, "-c", "print('child')"], check=True)
    print("after")
    out, err = capfd.readouterr()
    assert out == "before\nafter\n"
    assert set(err.split()) == {"inside", "raw", "child"}
