"""Code of a study cannot end the command, nor take its folder and its streams."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
import toy_study

from levinthal.errors import StudyError
from levinthal.lab.execution.measuring import Measuring
from levinthal.lab.execution.own_code import in_one_line, own_code
from levinthal.lab.execution.processes import Processes
from levinthal.lab.execution.soundness import require_sound
from levinthal.vocabulary import Estimate, Interval, Measurement, Task, Trust


class Own(BaseException):
    """No Exception."""


@pytest.mark.parametrize(
    "ending",
    [
        SystemExit(0),
        SystemExit("bye"),
        Own("mine"),
        asyncio.CancelledError(),
        GeneratorExit(),
        StopIteration(),
    ],
)
def test_what_would_end_the_process_is_an_error_with_its_line(ending: BaseException) -> None:
    with pytest.raises(StudyError, match=rf"^{type(ending).__name__}.*\(test_own_code.py:\d+\)"), own_code():
        raise ending


def test_an_interrupt_and_an_exception_pass() -> None:
    for kind in (KeyboardInterrupt, ValueError):
        with pytest.raises(kind), own_code():
            raise kind


def test_folder_and_streams_are_what_they_were(tmp_path: Path) -> None:
    here, out, err = Path.cwd(), sys.stdout, sys.stderr
    with own_code():
        os.chdir(tmp_path)
        sys.stdout = sys.stderr = None  # type: ignore[assignment]
    assert (Path.cwd(), sys.stdout, sys.stderr) == (here, out, err)


def test_of_a_fork_only_the_parent_goes_on() -> None:
    with own_code():
        child = os.fork()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_message_that_cannot_be_made_is_left_out() -> None:
    odd = type("Odd", (Exception,), {"__str__": lambda self: 1 / 0})
    assert in_one_line(odd()) == "Odd"
    assert in_one_line(ValueError("\x1b[31mred\ud800")) == "ValueError: red\ufffd"


def test_an_interrupt_raised_by_hand_in_a_worker_fails_its_item_only() -> None:
    by_hand = "(_ for _ in ()).throw(KeyboardInterrupt)"
    answers = dict(Processes(1).run(eval, [by_hand, "1 + 1"]))
    assert answers["1 + 1"] == 2
    assert "KeyboardInterrupt" in str(answers[by_hand])


@pytest.mark.parametrize("found", [None, 5, "heads", {}, Measurement])
def test_a_measure_that_gives_no_measurements_is_said(found: object) -> None:
    def measure(task: Task, *, data: object, device: str) -> object:
        return found

    assert "let it yield Measurements" in Measuring(measure)(Task({}, (0,))).error  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ""}, "a Measurement with name=''"),
        ({"step": 0.5}, "step=0.5: give a whole number"),
        ({"layer": None}, "layer=None: give a text"),
        ({"estimate": 0.5}, "estimate=0.5: give an Estimate"),
        (
            {"estimate": Estimate(0.5, "", Interval(1, 0), trust=Trust.EXACT)},
            "give an Interval with low <= high",
        ),
        ({"seed": "0"}, "seed '0'; the task has seeds 0"),
    ],
)
def test_a_measurement_that_cannot_be_stored_names_its_field(change: dict[str, object], said: str) -> None:
    one = {"name": "heads", "estimate": Estimate.exact(0.5), **change}
    with pytest.raises(StudyError) as caught:
        require_sound(Task({}, (0,)), [Measurement(**one)])  # type: ignore[arg-type]
    assert said in str(caught.value)


def test_the_toy_study_is_sound() -> None:
    assert Measuring(toy_study.measure)(Task({"width": 20}, (0,))).error == ""
