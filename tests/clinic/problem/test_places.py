"""An error about a problem names the file and the line of the field that it is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from levinthal import Problem
from levinthal.clinic import examine
from levinthal.clinic.problem.places import in_one_line, placed
from levinthal.errors import InputError, LevinthalError
from levinthal.user_files import value_in

FILE = """\
import torch
from torch import nn
import levinthal

inputs = torch.zeros(8, 4)
settings = dict(optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.1))
problem = levinthal.Problem(
    model=lambda: nn.Linear(4, 2),
    loss=nn.functional.cross_entropy,
    train=(inputs, torch.arange(8) % 2),
    steps=2,
    **settings,
)
"""


@pytest.fixture
def problem(tmp_path: Path) -> Problem:
    path = tmp_path / "train.py"
    path.write_text(FILE)
    return value_in(f"{path}:problem", Problem, "problem", InputError)


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("steps=0 is less than 1", 11),
        ("the loss returns a float", 9),
        ("model() returns None", 8),
        ("train holds no rows", 10),
        ("optimizer returns 5", 7),  # it is given by **settings, so the call stands for it
        ("nothing was learnt", 7),
        ("it went wrong, and later words say loss", 7),
    ],
)
def test_the_line_is_that_of_the_field_which_the_message_begins_with(
    problem: Problem, said: str, line: int
) -> None:
    error = placed(problem, InputError(said))
    assert isinstance(error, InputError)
    assert str(error).endswith(f"train.py:{line}: {said}")


def test_a_message_with_a_line_of_its_own_stays(problem: Problem) -> None:
    error = InputError("the loss failed at loss.py:3: ValueError: no")
    assert placed(problem, error) is error


def test_a_copy_is_at_the_line_of_the_first(problem: Problem) -> None:
    assert replace(problem, steps=5).made_at == problem.made_at
    assert problem.made_at.endswith("train.py:7")


@pytest.mark.parametrize("text", ["", "problem = (", "\0", "# nothing is at that line\n" * 3])
def test_a_file_that_was_edited_since_has_the_old_line(problem: Problem, text: str) -> None:
    Path(problem.made_at.rpartition(":")[0]).write_text(text)
    assert str(placed(problem, InputError("steps=0 is less than 1"))).endswith(
        "train.py:7: steps=0 is less than 1"
    )


def test_a_file_that_is_gone_has_no_line(problem: Problem) -> None:
    Path(problem.made_at.rpartition(":")[0]).unlink()
    assert str(placed(problem, InputError("steps=0 is less than 1"))) == "steps=0 is less than 1"


@pytest.mark.parametrize(
    "ending", [SystemExit(0), GeneratorExit(), ValueError("no"), OSError(2, "none", "x")]
)
def test_whatever_a_problem_raises_is_one_line_with_its_kind(problem: Problem, ending: BaseException) -> None:
    space = {"ending": ending}
    exec(
        compile("def fails():\n    raise ending", str(Path(problem.made_at).parent / "own.py"), "exec"), space
    )
    with pytest.raises(LevinthalError, match=rf"own.py:2: {type(ending).__name__}"), in_one_line(problem):
        space["fails"]()  # type: ignore[operator]


def test_an_examination_says_the_line_too(problem: Problem) -> None:
    wrong = replace(problem, steps=0)
    with pytest.raises(InputError, match=r"train\.py:11: .*steps"):
        examine(wrong)
