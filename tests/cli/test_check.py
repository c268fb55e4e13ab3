"""`levinthal check FILE:problem`, on small problems in a user's own file."""

from __future__ import annotations

import json
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
        (("small_problems.py:healthy", "--steps", "0"), "steps=0"),
        (("small_problems.py:hot", "--treat", "--seeds", "1"), "seeds=1"),
        (("small_problems.py:hot", "--keep", "kept.jsonl"), "add --treat"),
        (("small_problems.py:hot", "--treat", "--keep", "small_problems.py"), "is not the journal"),
        (("small_problems.py:hot", "--treat", "--seconds", "nan"), "seconds=nan"),
        (("small_problems.py:hot", "--treat", "--seconds", "0"), "seconds=0 leaves no time to try a remedy"),
    ],
)
def test_misuse_is_one_line_and_ends_with_2(call: Call, words: tuple[str, ...], line: str) -> None:
    said = call("check", *words)
    assert said.code == 2
    assert line in said.err
    assert len([row for row in said.err.splitlines() if row.startswith("levinthal:")]) == 1
    assert said.out == ""


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
