from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.lab.storage.table import Column, encoded, words
from levinthal.vocabulary import Estimate, Measurement, Trust

scalars = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["a", "b", ""]))


@given(st.lists(scalars))
def test_a_column_decodes_to_what_went_in(items: list[object]) -> None:
    column = Column.of(items)
    back = [column.values[code] for code in column.codes]
    assert back == items
    assert [type(value) for value in back] == [type(value) for value in items]


def test_true_and_one_are_two_values() -> None:
    assert Column.of([True, 1, 1.0]).values == (True, 1)


@pytest.mark.parametrize(
    ("wanted", "matching_places"),
    [(2, [2]), ({1, 3}, [1, 3]), ((3,), [3]), (range(2, 9), [2, 3]), (lambda v: v != 2, [1, 3]), ("2", [])],
)
def test_what_matches(wanted: object, matching_places: list[int]) -> None:
    column = Column.of([1, 2, 3])
    assert list(column.values) == [1, 2, 3]
    assert np.array([1, 2, 3])[column.matching(wanted)].tolist() == matching_places


def test_words_become_scalars() -> None:
    assert words("a=1 b=1.5 c=True d=x=y e= bare") == {"a": 1, "b": 1.5, "c": True, "d": "x=y", "e": ""}


def test_arrays_in_details_become_lists() -> None:
    estimate = Estimate(1.0, details={"null": np.array([0.5, np.nan]), "n": np.int64(3)}, trust=Trust.EXACT)
    assert encoded(Measurement("x", estimate))["details"] == '{"null": [0.5, NaN], "n": 3}'
