"""Each concern at its threshold, and the word that follows."""

from __future__ import annotations

import numpy as np
import pytest

from levinthal.estimators import trust
from levinthal.estimators.ksg import ceiling
from levinthal.vocabulary import Trust


def test_the_worst_word_wins_and_no_reason_is_said_twice() -> None:
    ordinal, worse = trust.Concern(Trust.ORDINAL, "a"), trust.Concern(Trust.UNRELIABLE, "b")
    assert trust.judged([]) == (Trust.CALIBRATED, ())
    assert trust.judged([ordinal, None, worse, ordinal]) == (Trust.UNRELIABLE, ("b", "a"))


def test_over_four_fifths_of_the_ceiling_nothing_is_believed() -> None:
    assert trust.near_ceiling(0.8, 1.0) is None
    concern = trust.near_ceiling(0.81, 1.0)
    assert concern is not None
    assert concern.word is Trust.UNRELIABLE
    assert concern.reason.startswith("ceiling")
    assert trust.near_ceiling(0.1, -0.2) is not None


def test_one_side_at_its_minimum_is_scale_and_both_are_a_map() -> None:
    assert trust.one_side_decides(0.5, 0.0) is None
    scale, both = trust.one_side_decides(0.1, 0.9), trust.one_side_decides(0.9, 0.9)
    assert scale is not None
    assert "scale-driven: the y-count of 90%" in scale.reason
    assert both is not None
    assert both.reason.startswith("deterministic map")


def test_dimension_counts_both_sides() -> None:
    assert trust.high_dimension((3, 3)) is None
    assert trust.high_dimension((1, 6)) is not None


def test_a_value_may_move_within_its_tolerance_only() -> None:
    assert trust.moves_with_scale(1.0, 1.1, 0.9, 0.11) is None
    moved = trust.moves_with_scale(1.0, 1.1, 0.5, 0.11)
    assert moved is not None
    assert "1 becomes 0.5 if x is halved" in moved.reason
    assert trust.moves_with_samples(1.0, 0.5, 0.1, 0.05) is None
    drifts = trust.moves_with_samples(1.0, 0.5, 0.25, 0.1)
    assert drifts is not None
    assert "small blocks read 0.5, all samples 1, and about +0.25 is still to come" in drifts.reason


def test_no_more_than_the_null_means_nothing_in_many_dimensions_only() -> None:
    assert trust.beside_null(0.01, 0.0, 0.05, (1, 1)) is None
    high = trust.beside_null(0.01, 0.0, 0.05, (50, 50))
    assert high is not None
    assert high.word is Trust.UNRELIABLE
    biased = trust.beside_null(0.9, 0.3, 0.05, (1, 1))
    assert biased is not None
    assert "shuffled pairs" in biased.reason


def test_ties_are_told_with_their_share() -> None:
    assert trust.has_ties(0.005, 0.05, False) is None
    for concern, share in (
        (trust.has_ties(0.02, 0.0, False), "2.0%"),
        (trust.has_ties(0.0, 0.4, False), "40%"),
    ):
        assert concern is not None
        assert concern.reason.startswith("discrete data")
        assert share in concern.reason


def test_what_was_not_checked_caps_the_word() -> None:
    assert trust.not_checked("full", "scale") is None
    left_out = trust.not_checked("none", "scale")
    assert left_out is not None
    assert left_out.word is Trust.ORDINAL


@pytest.mark.parametrize(("n", "unreliable"), [(4, True), (9, True), (10, False), (150, False)])
def test_where_the_ceiling_lies_within_the_scatter_nothing_is_believed(n: int, unreliable: bool) -> None:
    concern = trust.too_few_rows(n, ceiling(n, 3))
    assert (concern is not None) == unreliable
    if concern is not None:
        assert concern.word is Trust.UNRELIABLE
        assert concern.reason.startswith(f"undersampled: {n} rows")


def test_constant_columns_are_named_and_lower_no_trust() -> None:
    x = np.array([[0.0, 7.0, 1.0], [1.0, 7.0, 1.0]])
    assert trust.ignored_columns(x[:, :1], x[:, :1]) is None
    concern = trust.ignored_columns(x, x[:, :2])
    assert concern is not None
    assert concern.word is Trust.CALIBRATED
    assert "2 of the 3 columns of x and 1 of the 2 columns of y" in concern.reason
