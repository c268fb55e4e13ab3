"""A level that no row has is refused where no run to come can have it."""

from __future__ import annotations

import pytest

from levinthal.errors import UnknownFactorError
from levinthal.lab import Rows
from levinthal.vocabulary import Estimate, Measurement, Row


def rows(*written: str | float) -> Rows:
    found = (
        Row({}, Measurement(name, Estimate.exact(1.0), 0, condition=f"k={k}"))
        for name in ("loss", "accuracy")
        for k in (1, 2, 4)
    )
    return Rows.of(found, written=written)


def test_a_name_that_is_near_to_none_is_refused_with_all_names() -> None:
    with pytest.raises(
        UnknownFactorError, match=r"^unknown measurement 'wealth': the runs have accuracy, loss$"
    ):
        rows("loss", "accuracy").where(name="wealth")
    assert len(rows("loss", "accuracy", "wealth").where(name="wealth")) == 0


def test_a_number_beside_a_grid_that_is_written_is_refused_with_the_levels() -> None:
    with pytest.raises(UnknownFactorError, match=r"^unknown k 3: its levels are 1, 2, 4$"):
        rows(1, 2, 4).where(name="loss", k=3)
    assert len(rows(1, 2, 3, 4).where(k=3)) == 0, "a run to come may have it"
    assert len(rows(1, 4).where(k=3)) == 0, "the grid is computed"
    assert len(rows(1, 2, 4).where(k=4)) == 2
    assert len(rows(1, 2, 4).where(seed=7)) == 0
