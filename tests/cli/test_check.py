"""`levinthal check FILE:problem`, on small problems in a user's own file."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Call = Callable[..., object]
FILE = """
from functools import partial
import torch
from torch import nn
from torch.nn import functional
import levinthal

draw = torch.Generator().manual_seed(0)
labels = torch.arange(200) % 4
inputs = 2 * torch.randn(4, 8, generator=draw)[labels] + torch.randn(200, 8, generator=draw)


def problem(rate, top=nn.Identity, wide=8):
    return levinthal.Problem(
        model=lambda: nn.Sequential(nn.Linear(wide, 16), nn.ReLU(), nn.Linear(16, 4), top()),
        loss=functional.cross_entropy,
        train=(inputs[:150], labels[:150]),
        validation=(inputs[150:], labels[150:]),
        optimizer=lambda model: torch.optim.SGD(model.parameters(), rate),
        steps=40,
    )


healthy, hot, softmax = problem(0.3), problem(60.0), problem(0.3, partial(nn.Softmax, 1))
misfit = problem(0.3, wide=7)
number = 3
"""


@pytest.fixture(autouse=True)
def problems(here: Path) -> Iterator[None]:
    (here / "small_problems.py").write_text(FILE)
    yield
    sys.modules.pop("small_problems", None)


def test_a_healthy_problem_ends_with_0_and_says_how_it_went(call: Call) -> None:
    said = call("check", "small_problems.py:healthy")
    assert said.code == 0
    assert said.out.startswith("Healthy: the loss fell to ")
    assert "accuracy" in said.out


def test_a_sick_one_ends_with_1_the_cause_first(call: Call) -> None:
    said = call("check", "small_problems.py:softmax")
    assert said.code == 1
    assert said.out.startswith("▲ critical  DOUBLE_SOFTMAX in loss")
    assert len(said.out.splitlines()) <= 24


def test_treatment_says_what_helped_and_writes_its_page(call: Call, here: Path) -> None:
    words = ("--treat", "--seeds", "3", "--output", "hot.html")
    said = call("check", "small_problems.py:hot", *words)
    assert said.code == 1
    assert "confirmed here" in said.out
    assert "Remedy, as it was run: accuracy from" in said.out
    assert 'group["lr"] = group["lr"] * ' in said.out
    page = (here / "hot.html").read_text()
    assert "LR_TOO_HIGH" in page
    assert "confirmed here" in page


def test_a_treatment_that_was_stopped_goes_on_from_there(call: Call, here: Path) -> None:
    words = ("small_problems.py:hot", "--treat", "--seeds", "3", "--keep", "kept.jsonl")
    first = call("check", *words)
    whole = (here / "kept.jsonl").read_text()
    trials = whole.splitlines(keepends=True)
    (here / "kept.jsonl").write_text("".join(trials[: len(trials) // 2]))
    second = call("check", *words)
    assert second.out == first.out
    assert (here / "kept.jsonl").read_text() == whole


def test_json_and_sarif_are_all_that_is_printed(call: Call) -> None:
    printed = json.loads(call("check", "small_problems.py:softmax", "--json").out)
    assert printed["findings"][0]["code"] == "DOUBLE_SOFTMAX"
    log = json.loads(call("check", "small_problems.py:softmax", "--sarif").out)
    assert log["version"] == "2.1.0"
    assert log["runs"][0]["results"][0]["ruleId"] == "DOUBLE_SOFTMAX"


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("small_problems.py:healty",), "did you mean 'healthy'?"),
        (("small_problems.py:number",), "unknown problem"),
        (("nothing.py:problem",), "no problem file at nothing.py"),
        (("healthy",), "name a file and its Problem"),
        (("small_problems.py:misfit",), "layer 0 (Linear) expects 7 features"),
        (("small_problems.py:healthy", "--json", "--sarif"), "give one of them"),
        (("small_problems.py:healthy", "--steps", "0"), "--steps is 0: give a number from 1 to"),
        (("small_problems.py:hot", "--treat", "--seeds", "1"), "--seeds is 1: give a number from 3 to 1,000"),
        (("small_problems.py:hot", "--keep", "kept.jsonl"), "add --treat"),
        (("small_problems.py:hot", "--treat", "--keep", "small_problems.py"), "is not the journal"),
        (("small_problems.py:hot", "--treat", "--seconds", "nan"), "--seconds: 'nan' is not a number"),
        (("small_problems.py:hot", "--treat", "--seconds", "0"), "--seconds is 0: give a number above 0"),
    ],
)
def test_misuse_is_one_line_and_ends_with_2(call: Call, words: tuple[str, ...], line: str) -> None:
    said = call("check", *words)
    assert said.code == 2
    assert line in said.err
    assert len([row for row in said.err.splitlines() if row.startswith("levinthal:")]) == 1
    assert said.out == ""


def test_a_relative_import_says_how_neighbours_are_imported(call: Call, here: Path) -> None:
    (here / "beside.py").write_text("from . import small_problems\n")
    said = call("check", "beside.py:problem")
    assert said.code == 2
    assert said.err.startswith("levinthal: beside.py:1: ImportError: attempted relative import")
    assert said.err.endswith("import its neighbours by their names\n")


def test_ctrl_c_before_anything_is_known_says_that_nothing_is_kept(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["levinthal.cli.check"], "_examined", interrupted)
    said = call("check", "small_problems.py:healthy")
    assert said.code == 130
    assert "nothing is stored" in said.err
    assert said.out == ""


SCRIPT = """
import argparse, hashlib, sys
import torch
from torch import nn
from small_part import make

arguments = argparse.ArgumentParser()
arguments.add_argument("--rate", type=float, default=0.3)
arguments.add_argument("--then", default="")
chosen = arguments.parse_args()


def main():
    torch.manual_seed(0)
    labels = torch.arange(200) % 4
    inputs = 2 * torch.randn(4, 8)[labels] + torch.randn(200, 8)
    model = make()
    optimizer = torch.optim.SGD(model.parameters(), chosen.rate)
    for _ in range(60):
        optimizer.zero_grad()
        rows = torch.randint(0, 200, (32,))
        nn.functional.cross_entropy(model(inputs[rows]), labels[rows]).backward()
        optimizer.step()
    weights = torch.cat([p.detach().flatten() for p in model.parameters()])
    print("weights", hashlib.sha256(weights.numpy().tobytes()).hexdigest())


if __name__ == "__main__":
    main()
    exec(chosen.then)
"""
PART = """
from torch import nn

def make():
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))
"""


@pytest.fixture
def script(here: Path) -> Iterator[None]:
    (here / "train.py").write_text(SCRIPT)
    (here / "small_part.py").write_text(PART)
    (here / "empty.py").write_text("print('hello')\n")
    yield
    sys.modules.pop("small_part", None)


@pytest.mark.usefixtures("script")
def test_a_script_is_run_and_what_it_trains_is_reported(call: Call) -> None:
    said = call("check", "train.py", "--every", "1")
    weights, _, report = said.out.partition("\n")
    assert weights.startswith("weights ")
    assert report.startswith("Sequential with SGD, 60 steps\n\nHealthy: ")
    assert said.code == 0


@pytest.mark.usefixtures("script")
def test_a_script_gets_its_arguments_and_prints_beside_the_json(call: Call) -> None:
    said = call("check", "train.py", "--json", "--every", "1", "--", "--rate", "300")
    printed = json.loads(said.out)
    assert "weights " in said.err
    assert printed["findings"][0]["code"] == "LR_TOO_HIGH"
    assert printed["script"] == {
        "file": "train.py",
        "arguments": ["--rate", "300"],
        "ended": "",
        "code": 0,
    }
    assert said.code == 1


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize(
    ("then", "code", "note"),
    [
        ("sys.exit(7)", 7, "train.py ended with the exit code 7"),
        ("1 / 0", 1, "train.py ended with ZeroDivisionError"),
        ("raise KeyboardInterrupt", 130, "train.py was interrupted"),
    ],
)
def test_a_script_that_fails_is_reported_too(call: Call, then: str, code: int, note: str) -> None:
    said = call("check", "train.py", "--", "--then", then)
    assert said.code == code
    assert f"levinthal: {note}\n" in said.err
    assert "Sequential with SGD, 60 steps" in said.out


@pytest.mark.usefixtures("script")
def test_two_runs_side_by_side(call: Call, here: Path) -> None:
    (here / "before.json").write_text(call("check", "small_problems.py:healthy", "--json").out)
    same = call("check", "small_problems.py:healthy", "--against", "before.json")
    assert same.code == 0
    assert "No worse than before." in same.out
    worse = call("check", "small_problems.py:hot", "--against", "before.json")
    assert worse.code == 1
    assert "Worse than before." in worse.out
    assert "accuracy" in worse.out
    told = json.loads(call("check", "before.json", "--against", "small_problems.py:hot", "--json").out)
    assert told["is_worse"] is False
    assert "LR_TOO_HIGH" in {finding["code"] for finding in told["findings"]["gone"]}


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("empty.py",), "trained nothing that can be observed"),
        (("none.py",), "none.py"),
        (("train.py", "--treat"), "leave out --treat"),
        (("train.py", "--every", "0"), "--every is 0"),
        (("small_problems.py:healthy", "--", "--rate", "1"), "argument of a script"),
        (("small_problems.py:healthy", "--against", "train.py"), "save its report with --json"),
        (("small_problems.py:healthy", "--against", "none.json"), "no report at none.json"),
        (("small_problems.py:healthy", "--against", "none.json", "--sarif"), "leave out --sarif"),
        (("before.json",), "compare it with --against"),
    ],
)
def test_misuse_of_scripts_and_comparisons_is_one_line(call: Call, words: tuple[str, ...], line: str) -> None:
    said = call("check", *words)
    assert said.code == 2
    assert line in said.err
    assert len([row for row in said.err.splitlines() if row.startswith("levinthal:")]) == 1


WORKERS = """
import os
os.environ["OMP_NUM_THREADS"] = "1"
import multiprocessing, sys
import torch
from torch.utils.data import DataLoader, TensorDataset

def double(x):
    return 2 * x

if __name__ == "__main__":
    torch.manual_seed(0)
    data = TensorDataset(torch.randn(64, 4), torch.arange(64) % 3)
    model = torch.nn.Linear(4, 3)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(3):
        for x, y in DataLoader(data, 16, shuffle=True, num_workers=2):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print("doubled", pool.map(double, [1, 2]))
    print("weights", model.weight.detach().numpy().tobytes().hex(), torch.get_num_threads())
"""


@pytest.mark.slow
def test_workers_and_spawned_processes_run_as_without_us(here: Path) -> None:
    (here / "workers.py").write_text(WORKERS)
    alone = subprocess.run([sys.executable, "workers.py"], capture_output=True, text=True, check=True)
    words = [sys.executable, "-m", "levinthal", "check", "workers.py", "--every", "1"]
    watched = subprocess.run(words, capture_output=True, text=True, check=False)
    assert watched.stdout.startswith(alone.stdout)
    assert watched.stdout.count("Linear with SGD, 12 steps") == 1


def test_what_a_problem_prints_stands_beside_the_json(call: Call, here: Path) -> None:
    noisy = "replace(healthy, prepare=lambda x, y: print('batch') or (x, y))"
    chatty = f"{FILE}\nfrom dataclasses import replace\nprint('loaded')\nnoisy = {noisy}\n"
    (here / "chatty.py").write_text(chatty)
    said = call("check", "chatty.py:noisy", "--json")
    assert json.loads(said.out)["findings"] == []
    assert "loaded" in said.err
    assert "batch" in said.err
    assert call("check", "chatty.py:noisy").out.startswith("loaded\n")
