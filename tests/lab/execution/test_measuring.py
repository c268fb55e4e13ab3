from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import toy_study

from levinthal.errors import InputError, StudyError
from levinthal.lab.execution.environment import source_hash
from levinthal.lab.execution.measuring import Measuring, in_one_line
from levinthal.vocabulary import Dataset, Measurement, Task


def test_a_task_measured() -> None:
    task = Task({"width": 20}, (3, 1))
    measured = Measuring(toy_study.measure)(task)
    assert measured.error == ""
    assert measured.measurements == tuple(toy_study.measure(task, data=None, device="cpu"))
    assert measured.environment["seeds"] == [3, 1]
    assert measured.environment["study source"] == source_hash(Path(toy_study.__file__))
    assert measured.duration > 0
    assert measured.started.endswith("+00:00")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("boom", "RuntimeError: the loss is nan (toy_study.py:"),
        ("nothing", "the study yielded nothing for seed 0, 1"),
        ("half", "the study yielded nothing for seed 1"),
        ("twice", "the study yielded 2 measurements at seed=1, step=1, name=error: tell them apart"),
        ("alien", "the study yielded seed 99; the task has seeds 0, 1"),
        ("number", "the study yielded float: yield Measurements"),
    ],
)
def test_what_is_wrong_with_a_study_is_one_line(fault: str, words: str) -> None:
    measured = Measuring(toy_study.measure)(Task({"width": 1, "fault": fault}, (0, 1)))
    assert measured.error.startswith(words)
    assert "\n" not in measured.error
    assert measured.measurements == ()


def test_data_and_device_reach_the_study() -> None:
    none = np.zeros((0, 1), dtype=np.float32)
    data = Dataset("none", none, np.zeros(0, dtype=np.int64), none, np.zeros(0, dtype=np.int64), 2, "sum")

    def measure(task: Task, *, data: Dataset, device: str) -> list[Measurement]:
        raise ValueError(f"{data.name} on {device}")

    assert "none on meta" in Measuring(measure, data, "meta")(Task({}, (0,))).error


def test_a_study_loaded_from_a_file_travels_to_where_it_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = pickle.dumps(Measuring(toy_study.measure))
    monkeypatch.delitem(sys.modules, "toy_study")
    measured = pickle.loads(sent)(Task({"width": 20}, (0,)))
    assert measured.error == ""
    assert sys.modules["toy_study"] is not toy_study


def test_another_module_of_the_same_name_is_not_taken_for_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = pickle.dumps(Measuring(toy_study.measure))
    monkeypatch.delitem(sys.modules, "toy_study")
    (tmp_path / "toy_study.py").write_text("raise RuntimeError('the wrong one')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert pickle.loads(sent)(Task({"width": 20}, (0,))).error == ""


def test_a_function_in_a_function_cannot_travel() -> None:
    with pytest.raises((AttributeError, pickle.PicklingError), match="local object"):
        pickle.dumps(Measuring(lambda task, data, device: ()))


def test_long_messages_are_cut_and_ours_need_no_place() -> None:
    assert len(in_one_line(ValueError("x" * 10_000))) < 600
    assert in_one_line(StudyError("all is\nsaid")) == "all is said"
    assert in_one_line(InputError("k > N")) == "InputError: k > N"
