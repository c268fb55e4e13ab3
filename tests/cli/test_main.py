"""Misuse is one line on stderr and exit code 2; a bug of ours is one line too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

import levinthal.cli
from levinthal.written_files import writable
from levinthal.written_files.kinds import PAGE

Call = Callable[..., object]
NEEDS_PROC = pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that refuses root too")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["stdy"], 'Did you mean "study"?'),
        (["study", "rnu"], 'Did you mean "run"?'),
        (["study", "show"], "NAME"),
        (["study", "show", "small_study.py", "--verbos"], "--verbos"),
        (["study", "show", "one-neuron-chian"], "did you mean 'one-neuron-chain'?"),
        (["study", "show", "absent.py"], "no study file at absent.py"),
        (["study", "run", "small_study.py", "--prest", "quick"], "Did you mean --preset?"),
        (["study", "run", "small_study.py", "--preset", "quik"], "did you mean 'quick'?"),
        (["study", "run", "small_study.py", "--preset", ""], "unknown preset ''"),
        (["study", "run", "small_study.py", "--device", "gpu"], "cuda"),
        (["study", "run", "small_study.py", "--seeds", "many"], "many"),
        (["study", "run", "small_study.py", "--seeds", "0"], "--seeds is 0: give a number from 1"),
        (["study", "run", "small_study.py", "--seeds", "-3"], "--seeds is -3: give a number from 1"),
        (["study", "run", "small_study.py", "--seeds", "1.5"], "--seeds: '1.5' is not a whole number"),
        (["study", "run", "small_study.py", "--first-seed", "1.5"], "'1.5' is not a whole number"),
        (["study", "run", "small_study.py", "--workers", "1.5"], "--workers: '1.5' is not a whole number"),
        (["check", "small_problems.py:hot", "--steps", "1.5"], "--steps: '1.5' is not a whole number"),
        (["check", "small_problems.py:hot", "--seeds", "3.0"], "--seeds: '3.0' is not a whole number"),
        (["study", "run", "small_study.py", "--seeds", "9" * 18], "give a number from 1 to 100,000"),
        (["study", "run", "small_study.py", "--seeds", "9" * 30], "give a number from 1 to 100,000"),
        (["study", "run", "small_study.py", "--first-seed", str(2**63 - 2**62)], "from 0 to 2,147,483,642"),
        (
            ["study", "run", "small_study.py", "--set", "cion=bent"],
            "unknown factor 'cion': did you mean 'coin'?",
        ),
        (
            ["study", "run", "small_study.py", "--set", "coin=bnet"],
            "unknown coin 'bnet': did you mean 'bent'?",
        ),
        (["study", "report", "small_study.py", "--set", "coin"], "--set is 'coin': write it as factor=level"),
        (["study", "run", "small_study.py", "--workers", "0"], "--workers is 0: give a number from 1 to"),
        (["study", "run", "small_study.py", "--preset", "mnist"], "levinthal data get mnist"),
        (["study", "run", "small_study.py", "--output", "."], ". is a folder: name the file"),
        (["study", "run", "small_study.py", "--output", "small_study.py/x.html"], "cannot make the folder"),
        pytest.param(
            ["study", "run", "small_study.py", "--output", "/proc/page.html"],
            "/proc/page.html is in a folder of the system",
            marks=NEEDS_PROC,
        ),
        pytest.param(
            ["study", "run", "small_study.py", "--output", "/proc/a/page.html"],
            "/proc/a/page.html is in a folder of the system",
            marks=NEEDS_PROC,
        ),
        (["study", "run", "small_study.py", "--output", "a" * 251 + ".html"], "File name too long"),
        (["study", "run", "small_study.py", "--store", "small_study.py"], "is not a store"),
        (["study", "report", "small_study.py"], "no store at results/levinthal.sqlite: run a study first"),
        (["data", "get", "mnits"], "did you mean 'mnist'?"),
        (["data", "get", "digits"], "no download is needed"),
        (["data", "list", "--data-dir", "nowhere"], "nowhere, which does not exist"),
        (["data", "get"], "NAME"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_misuse_is_one_line_and_exit_code_2(call: Call, words: list[str], message: str) -> None:
    said = call(*words)
    assert said.code == 2
    assert said.err.startswith("levinthal: ")
    assert message in said.err
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err


def test_a_page_that_cannot_be_written_is_refused_before_any_run(call: Call, here: Path) -> None:
    os.mkfifo(here / "pipe.html")
    said = call("study", "run", "small_study.py", "--device", "cpu", "--output", "pipe.html")
    assert (said.code, said.out) == (2, "")
    assert said.err == "levinthal: pipe.html is a device or a pipe: name the file to write\n"
    assert not (here / "results").exists()


def test_looking_whether_a_page_can_be_written_leaves_nothing(call: Call, here: Path) -> None:
    before = sorted(here.iterdir())
    assert writable(here / "page.html", PAGE) == here / "page.html"
    assert sorted(here.iterdir()) == before


def test_levinthal_data_pointing_nowhere_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVINTHAL_DATA", "/nowhere")
    for words in (
        ["data", "list"],
        ["study", "run", "small_study.py", "--preset", "mnist", "--device", "cpu"],
    ):
        said = call(*words)
        assert said.code == 2
        assert "LEVINTHAL_DATA points to /nowhere, which does not exist" in said.err


def test_cuda_without_a_gpu_is_one_line(call: Call) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    said = call("study", "run", "small_study.py", "--device", "cuda")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "torch sees no CUDA device" in said.err


def test_a_bug_of_ours_is_one_line_with_the_place_of_its_traceback(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(levinthal.cli, "_called", lambda tokens: {}[tokens[0]])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    said = call("study")
    assert said.code == 1
    assert re.match(
        r"levinthal: unexpected KeyError: 'study' \(test_main\.py:\d+\) \(a bug of ours; its traceback is",
        said.err,
    )
    (stored,) = tmp_path.glob("levinthal-*.txt")
    assert "Traceback" in stored.read_text()
    assert str(stored) in said.err


def test_ctrl_c_outside_of_a_sweep_is_one_line(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("levinthal.studies.catalogue", interrupted)
    said = call("study", "list")
    assert said.code == 130
    assert said.err == "levinthal: interrupted: finished runs are stored, and the same command continues\n"


def test_version_and_bare_words_show_what_there_is(call: Call) -> None:
    assert call("--version").out.strip() == version("levinthal")
    for words in ((), ("study",), ("data",)):
        said = call(*words)
        assert said.code == 0
        assert "list" in said.out or "study" in said.out


def levinthal_at(here: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "levinthal", *words],
        cwd=here,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_colours_are_for_terminals_that_want_them(here: Path) -> None:
    forced = levinthal_at(here, "study", "--help", FORCE_COLOR="1", NO_COLOR="")
    refused = levinthal_at(here, "study", "--help", FORCE_COLOR="1", NO_COLOR="1")
    piped = levinthal_at(here, "study", "--help")
    assert "\x1b[3" in forced.stdout or "\x1b[1;3" in forced.stdout
    assert "\x1b[3" not in refused.stdout
    assert "\x1b" not in piped.stdout


@pytest.mark.parametrize("words", [["data", "list"], ["--help"], ["check", "--help"], ["--version"]])
def test_a_pipe_closed_early_is_silent_and_no_success(here: Path, words: list[str]) -> None:
    code = (
        "import os, sys; from levinthal.cli import main; "
        "end, start = os.pipe(); os.close(end); os.dup2(start, 1); "
        f"sys.exit(main({words}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


def test_a_terminal_without_unicode_is_no_error(here: Path) -> None:
    done = levinthal_at(here, "study", "show", "small_study.py", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")


def test_help_needs_none_of_the_heavy_libraries(here: Path) -> None:
    code = (
        "import sys; from levinthal.cli import main; main(['--help']); main(['study', 'run', '--help']); "
        "print(sorted({'torch', 'numpy', 'scipy', 'sklearn', 'numba'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
