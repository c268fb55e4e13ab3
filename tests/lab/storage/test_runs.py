from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.errors import InputError
from levinthal.lab.storage.runs import Run, cell_text, run_id

factors = st.text(min_size=1, max_size=5)
values = st.one_of(st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.sampled_from(["1", "True", ""]))


def told_apart(value: Any) -> tuple[str, Any]:
    kind = "truth" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"
    return kind, value


@given(st.dictionaries(factors, values), st.randoms())
def test_the_order_of_the_factors_is_no_matter(cell: dict[str, Any], random: Any) -> None:
    items = list(cell.items())
    random.shuffle(items)
    assert run_id("s", 1, cell, 0) == run_id("s", 1, dict(items), 0)


@given(values, values)
def test_cells_share_an_id_only_where_they_are_the_same(one: Any, other: Any) -> None:
    same = run_id("s", 1, {"factor": one}, 0) == run_id("s", 1, {"factor": other}, 0)
    assert same == (told_apart(one) == told_apart(other))


def test_each_part_of_the_address_counts() -> None:
    addresses = [("s", 1, {"a": 1}, 0, ""), ("t", 1, {"a": 1}, 0, ""), ("s", 2, {"a": 1}, 0, "")]
    addresses += [("s", 1, {"a": 2}, 0, ""), ("s", 1, {"a": 1}, 1, ""), ("s", 1, {"a": 1}, 0, "md5")]
    assert len({run_id(*address) for address in addresses}) == 6


def test_the_id_is_the_same_on_every_machine() -> None:
    assert Run("toy", 1, {"width": 20}, 0).id == "5d0a831b90e11b8868da18b106d990ed"


def test_numpy_scalars_are_plain_scalars() -> None:
    assert run_id("s", 1, {"w": np.int64(20)}, 0) == run_id("s", 1, {"w": 20}, 0)
    assert cell_text({"w": np.float64(0.5)}) == '{"w": 0.5}'


@pytest.mark.parametrize("value", [None, [1], float("nan"), float("-inf")])
def test_a_factor_is_a_finite_scalar(value: Any) -> None:
    with pytest.raises(InputError, match="factor 'w' is"):
        run_id("s", 1, {"w": value}, 0)
