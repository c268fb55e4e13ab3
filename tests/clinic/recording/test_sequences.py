"""Which shift makes targets of inputs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from levinthal.clinic.recording.nested import is_plain, mapped, named_tensors
from levinthal.clinic.recording.sequences import Shift, is_causal_at, shift_of


@given(st.integers(0, 1), st.integers(5, 12), st.integers(2, 6), st.integers(0, 999))
def test_the_shift_of_tokens_is_found_whatever_their_shape(
    places: int, length: int, rows: int, seed: int
) -> None:
    draw = torch.Generator().manual_seed(seed)
    whole = torch.stack([torch.randperm(40, generator=draw)[: length + 1] for _ in range(rows)])
    x, y = whole[:, :-1], whole[:, places : length + places]
    assert shift_of(x, y, rows) == shift_of(x, y.reshape(-1), rows) == Shift(places, 1.0)


def test_padding_and_ignored_places_do_not_count() -> None:
    x = torch.arange(30).view(3, 10)
    y = torch.cat((x[:, 1:], torch.full((3, 1), -100)), 1)
    assert shift_of(x, y, 3) == Shift(1, 1.0)
    assert shift_of(x, torch.full((3, 10), -100), 3) is None


def test_a_column_of_a_series_may_be_the_target() -> None:
    x = torch.randn(4, 9, 3)
    assert shift_of(x[:, :-1], x[:, 1:, [1]], 4) == Shift(1, 1.0)
    assert shift_of(x[:, :-1], x[:, 1:], 4) == Shift(1, 1.0)
    assert shift_of(x, x + 0.1, 4) is None


@pytest.mark.parametrize(
    "targets",
    [torch.arange(4), torch.zeros(4, 9, dtype=torch.int64), torch.randn(4, 9), torch.arange(37)],
)
def test_other_targets_are_no_inputs(targets: Tensor) -> None:
    assert shift_of(torch.randint(0, 50, (4, 9)), targets, 4) is None


@pytest.mark.parametrize(("shape", "is_it"), [((4, 9, 7), True), ((36, 7), True), ((4, 7), False)])
def test_outputs_with_a_value_for_each_place(shape: tuple[int, ...], is_it: bool) -> None:
    assert is_causal_at(torch.zeros(shape), torch.zeros(4, 9)) is is_it


def test_nested_values_keep_their_form() -> None:
    x = torch.ones(2)
    value = ({"a": x, "b": [x, 3]}, "word")
    changed = mapped(value, lambda name, each: each * len(name))
    assert [float(t[0]) for _, t in named_tensors(changed)] == [3.0, 5.0]
    assert changed[1] == "word"
    assert is_plain(value)
    assert not is_plain((x, object()))
