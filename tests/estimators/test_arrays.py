"""What is refused, and in which words; what is found in arrays that are let in."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from levinthal.errors import InputError
from levinthal.estimators import arrays, mutual_information

GOOD = np.random.default_rng(0).normal(size=(200, 2))


def spoilt(value: float) -> np.ndarray:
    bad = GOOD.copy()
    bad[7, 1] = value
    return bad


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (spoilt(np.nan), "x holds 1 NaN or infinite of 400 values, the first at row 7, column 1"),
        (spoilt(np.inf), "x holds 1 NaN or infinite of 400 values, the first at row 7, column 1"),
        (spoilt(1e308), "overflow: rescale it"),
        (spoilt(1e151), "overflow: rescale it"),
        (GOOD[:150], "x has 150 rows and y has 200"),
        (GOOD.astype(complex), "x is complex128, an estimate needs real values"),
        (torch.zeros(200, dtype=torch.complex64), "x is torch.complex64, an estimate needs real values"),
        ((GOOD > 0), "x is bool, an estimate needs floats: cast it to float"),
        (np.arange(200), "x is int64, an estimate needs floats: cast it to float"),
        (torch.arange(200), "x is torch.int64, an estimate needs floats: cast it to float"),
        (np.array(["a"] * 200), "x holds text, an estimate needs floats"),
        (np.ma.masked_array(GOOD, GOOD > 2), "x is a masked array"),
        (np.zeros((200, 3, 2)), "x has shape (200, 3, 2), not (N, d): flatten each sample"),
        (np.array(1.0), "x has shape (), not (N, d)"),
        (np.zeros((200, 0)), "x has shape (200, 0): it holds no values"),
        (np.zeros(0), "x has shape (0,): it holds no values"),
        (np.array([np.zeros(2), np.zeros(3)], object), " (row 0 has 2 values, row 1 has 3 values)"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_one_line(bad: object, says: str) -> None:
    for x, y, name in ((bad, GOOD, "x"), (GOOD, bad, "y")):
        with pytest.raises(InputError) as caught:
            mutual_information(x, y)  # type: ignore[arg-type]
        assert "\n" not in str(caught.value)
        if name == "x":
            assert says in str(caught.value)
        else:
            assert "y " in str(caught.value)


@pytest.mark.parametrize(
    ("uneven", "says"),
    [
        ([[1.0, 2.0], [3.0, 4.0], [5.0]], "row 0 has 2 values, row 2 has 1 value"),
        ([1.0, [2.0, 3.0]], "row 0 is one number, row 1 has 2 values"),
        ([torch.zeros(2), torch.zeros(3)], "row 0 has 2 values, row 1 has 3 values"),
        ([[[1.0], [2.0, 3.0]]], "in row 0, row 0 has 1 value, row 1 has 2 values"),
        ([[[1.0], [2.0]], [[1.0]]], "row 0 has shape (2, 1), row 1 has shape (1, 1)"),
    ],
)
def test_rows_of_different_lengths_are_named(uneven: object, says: str) -> None:
    with pytest.raises(InputError) as caught:
        arrays.as_array(uneven, "x")
    assert str(caught.value) == f"x has rows of different lengths ({says}): give every row one length"


def test_every_estimator_names_the_rows_of_a_list() -> None:
    """In a process of its own: here the annotations are checked, and a list is not an array."""
    code = """
from levinthal.estimators import cka, count_neighbours, mutual_information
for estimate in (cka, count_neighbours, mutual_information):
    try:
        estimate([[1.0, 2.0], [3.0]] * 9, [[1.0, 2.0], [3.0, 4.0]] * 9)
    except ValueError as error:
        print(error)
try:
    count_neighbours([1.0, 2.0], [1.0, 2.0], 1)
except ValueError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    *uneven, flat = done.stdout.splitlines()
    line = (
        "x has rows of different lengths (row 0 has 2 values, row 1 has 1 value): give every row one length"
    )
    assert uneven == [line] * 3
    assert flat == "x has shape (2,), not (N, d): reshape it to N rows of d columns"


def test_too_few_rows_name_k_and_the_way_out() -> None:
    with pytest.raises(InputError, match="k=3 neighbours need at least 4 rows; got 3: lower k or pass more"):
        mutual_information(GOOD[:3], GOOD[:3])
    with pytest.raises(InputError, match="at least 2 rows; got 1"):
        arrays.paired(GOOD[:1], GOOD[:1])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_tensor_reads_as_the_array_of_its_values(dtype: torch.dtype) -> None:
    tensor = torch.tensor(GOOD, dtype=dtype, requires_grad=True)
    left, right = arrays.paired(tensor, GOOD[:, 0])
    np.testing.assert_array_equal(left, tensor.detach().double().numpy())
    assert right.shape == (200, 1)


def test_strided_and_read_only_views_are_read_and_left_alone() -> None:
    wide = np.random.default_rng(1).normal(size=(200, 6))
    view = wide[::-1, ::2]
    view.flags.writeable = False
    before = wide.copy()
    expected = mutual_information(view.copy(), GOOD, checks="none").value
    assert mutual_information(view, GOOD, checks="none").value == expected
    np.testing.assert_array_equal(wide, before)


def test_repeated_rows_are_counted_bit_for_bit() -> None:
    rng = np.random.default_rng(2)
    symbols = rng.integers(0, 3, size=(500, 9)).astype(float)
    _, index, times = np.unique(symbols, axis=0, return_inverse=True, return_counts=True)
    assert arrays.share_of_repeated_rows(symbols) == np.mean(times[index] > 1)
    assert arrays.share_of_repeated_rows(np.array([[0.0], [-0.0], [1.0]])) == pytest.approx(2 / 3)
    assert arrays.share_of_repeated_rows(rng.normal(size=(500, 3))) == 0


def test_half_zeros_are_half_repeated_values() -> None:
    relu = np.maximum(np.random.default_rng(3).normal(size=(4000, 40)), 0)
    assert arrays.share_of_repeated_values(relu) == pytest.approx(0.5, abs=0.05)
    assert arrays.share_of_repeated_rows(relu) == 0


def test_directions_are_those_that_are_independent() -> None:
    rng = np.random.default_rng(4)
    base = rng.normal(size=(300, 3))
    wide = np.hstack([base, base * 1e-6, np.ones((300, 4)), base @ rng.normal(size=(3, 5))])
    assert arrays.linear_dimension(base, enough=6) == 3
    assert arrays.linear_dimension(wide, enough=6) == 3
    assert arrays.linear_dimension(np.ones((300, 4)), enough=6) == 0
    assert arrays.linear_dimension(rng.normal(size=(300, 40)) * np.logspace(0, -6, 40), enough=6) > 6


def test_a_direction_only_late_rows_show_is_counted() -> None:
    column = np.random.default_rng(5).normal(size=1000)
    rare = np.zeros(1000)
    rare[641] = 1.0
    assert arrays.linear_dimension(np.column_stack([column, rare]), enough=6) == 2


def test_standardising_leaves_a_constant_column_at_zero() -> None:
    side = np.column_stack([1e8 + 1e-3 * GOOD[:, 0], np.full(200, 1 / 3), 1e-9 * GOOD[:, 1]])
    scored = arrays.standardised(side)
    np.testing.assert_allclose(scored.std(0), [1, 0, 1], atol=1e-9)
    assert (scored[:, 1] == 0).all()
