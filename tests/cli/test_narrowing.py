"""A preset narrowed to some levels, or given other seeds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.cli.narrowing import with_first_seed, with_levels, with_seeds
from levinthal.errors import InputError
from levinthal.vocabulary import Preset, Task
from levinthal.vocabulary.studies import LARGEST_SEED

seeds = st.lists(st.integers(0, 9), min_size=1, max_size=5, unique=True).map(tuple)
tasks = st.builds(Task, st.fixed_dictionaries({"width": st.sampled_from([20, 50])}), seeds, st.just(2.0))
presets = st.builds(Preset, st.just(""), st.none(), st.lists(tasks, min_size=1, max_size=5).map(tuple))


def seeds_by_width(preset: Preset) -> dict[object, set[int]]:
    found: dict[object, set[int]] = {}
    for task in preset.tasks:
        found.setdefault(task.cell["width"], set()).update(task.seeds)
    return found


@given(presets, st.integers(1, 12))
def test_every_cell_gets_that_many_seeds_its_own_first(preset: Preset, count: int) -> None:
    before, after = seeds_by_width(preset), seeds_by_width(with_seeds(preset, count))
    assert after.keys() == before.keys()
    for width, chosen in after.items():
        assert len(chosen) == count
        assert chosen <= before[width] or chosen >= before[width]


@given(presets, st.integers(1, 12))
def test_no_task_is_left_without_seeds_and_the_cost_a_seed_stays(preset: Preset, count: int) -> None:
    rates = {task.cost / len(task.seeds) for task in preset.tasks}
    for task in with_seeds(preset, count).tasks:
        assert task.seeds
        assert any(task.cost / len(task.seeds) == pytest.approx(rate) for rate in rates)


@given(presets, st.integers(0, 12))
def test_each_task_keeps_its_own_seeds_shifted(preset: Preset, first: int) -> None:
    shifted = with_first_seed(preset, first).tasks
    for before, after in zip(preset.tasks, shifted, strict=True):
        assert after.seeds == tuple(seed + first for seed in before.seeds)
        assert (after.cell, after.cost) == (before.cell, before.cost)


def test_a_seed_below_zero_is_refused() -> None:
    with pytest.raises(InputError, match="--first-seed is -1: give a number from 0 to 2,147,483,647 "):
        with_first_seed(Preset("", None, (Task({}, (0,)),)), -1)


def test_the_largest_seed_is_that_which_every_generator_takes() -> None:
    preset = Preset("", None, (Task({}, (0, 7)),))
    (task,) = with_first_seed(preset, LARGEST_SEED - 7).tasks
    assert max(task.seeds) == LARGEST_SEED
    line = (
        "give a number from 0 to 2,147,483,640 .the preset's largest seed is 7, and no seed may be above 2147"
    )
    with pytest.raises(InputError, match=line):
        with_first_seed(preset, LARGEST_SEED - 6)


@pytest.mark.parametrize("count", [0, -1, 100_001])
def test_no_seed_and_too_many_seeds_are_refused(count: int) -> None:
    with pytest.raises(InputError, match=f"--seeds is {count}: give a number from 1 to 100,000"):
        with_seeds(Preset("", None, (Task({}, (0,)),)), count)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("plain", ["plain"]),
        ("plain, other order", ["plain, other order"]),
        ("plain,plain, other order", ["plain", "plain, other order"]),
        ("plain, other order,fast", ["plain, other order", "fast"]),
    ],
)
def test_a_level_with_a_comma_can_be_chosen(text: str, chosen: list[str]) -> None:
    levels = ("plain", "plain, other order", "fast")
    preset = Preset("", None, tuple(Task({"arm": level}, (0,)) for level in levels))
    assert [task.cell["arm"] for task in with_levels(preset, f"arm={text}").tasks] == chosen


def test_a_misspelt_level_in_a_list_is_named() -> None:
    preset = Preset("", None, (Task({"arm": "plain"}, (0,)), Task({"arm": "plain, other order"}, (0,))))
    with pytest.raises(InputError, match="unknown arm 'plan': did you mean 'plain'"):
        with_levels(preset, "arm=plain, other order,plan")
