from __future__ import annotations

import pytest

from levinthal.lab.execution.executors import Executor, Inline
from levinthal.lab.execution.processes import Processes


@pytest.mark.parametrize("executor", [Inline(), Processes(2)])
def test_an_executor_is_what_has_the_two_members(executor: Executor) -> None:
    assert isinstance(executor, Executor)


def test_one_after_another_and_an_exception_in_the_place_of_a_result() -> None:
    started: list[str] = []
    [first, (item, error), last] = Inline().run(int, ["1", "x", "3"], started.append)
    assert (first, item, last) == (("1", 1), "x", ("3", 3))
    assert isinstance(error, ValueError)
    assert started == ["1", "x", "3"]


def test_an_item_is_announced_when_it_is_begun_and_not_before() -> None:
    started: list[int] = []
    answers = Inline().run(abs, [-1, -2], started.append)
    next(answers)
    assert started == [-1]
    answers.close()
    assert started == [-1]


def test_an_interrupt_is_not_a_result() -> None:
    def interrupted(item: int) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(Inline().run(interrupted, [1]))
