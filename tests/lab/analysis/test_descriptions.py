"""What is known of readings before anything has run: units, ranges, conditions, arms at their best rate."""

from __future__ import annotations

import math

import pytest

from levinthal.errors import InputError
from levinthal.lab import Rows
from levinthal.lab.analysis import (
    Effect,
    at_best_rate,
    compare,
    describe,
    described,
    log2_ratio,
    mapped,
    mean_over,
    of_curve,
    slope_over,
    value,
)
from levinthal.lab.analysis.curves import last, trend
from levinthal.lab.analysis.descriptions import ANY, Description


def share(batch: str, arm: str) -> Description:
    return describe(value("share", within=(0, 1), batch=batch, arm=arm))


def test_a_value_knows_its_measurement_its_conditions_and_its_range() -> None:
    found = share("64", "plain")
    assert found.where == {"name": "share", "batch": "64", "arm": "plain"}
    assert found.within == (0, 1)


def test_a_comparison_fixes_what_both_sides_fix_to_one_level() -> None:
    sides = (value("share", within=(0, 1), batch="64", arm=arm) for arm in ("plain", "fast"))
    found = describe(compare(*sides))
    assert found.where == {"name": "share", "batch": "64"}
    assert found.within == (-1, 1)


def test_a_ratio_knows_its_unit_and_a_mapped_number_what_it_is_given() -> None:
    ratio = compare(value("loss", arm="plain"), value("loss", arm="fast"), log2_ratio)
    assert describe(ratio).unit == "log2 ratio"
    assert describe(mapped(ratio, lambda number: -number)).unit == ""
    per_layer = describe(mapped(ratio, lambda number: number / 3, unit="log2 ratio per layer", within=(0, 1)))
    assert (per_layer.unit, per_layer.within) == ("log2 ratio per layer", (0, 1))


def test_only_a_trend_is_known_to_be_a_rank_correlation() -> None:
    known, other = (describe(of_curve(number, name="bits")) for number in (trend, last))
    assert (known.unit, known.within) == ("rank correlation", (-1, 1))
    assert (other.unit, other.within) == ("", ANY)
    assert known.where == other.where == {"name": "bits"}


def test_a_mean_over_settings_names_them_and_a_slope_has_another_unit_and_range() -> None:
    number = value("bits", within=(0, 8))
    mean = describe(mean_over("width", "batch", of=number, arm="plain"))
    slope = describe(slope_over("depth", of=number, arm="plain"))
    assert mean.where == slope.where == {"name": "bits", "arm": "plain"}
    assert (mean.averaged, slope.averaged) == ({"width", "batch"}, set())
    assert (mean.within, slope.within) == ((0, 8), ANY)


def test_arms_at_their_best_rates_are_counted_with_their_conditions() -> None:
    both = compare(at_best_rate("loss", arm="plain"), at_best_rate("loss", arm="fast"), log2_ratio)
    assert [arm["arm"] for arm in describe(mean_over("width", of=both, batch="64")).rated] == [
        "plain",
        "fast",
    ]
    assert {arm["batch"] for arm in describe(mean_over("width", of=both, batch="64")).rated} == {"64"}


def test_a_description_of_ones_own_adds_to_what_was_known() -> None:
    half = described(value("share", within=(0, 1), arm="plain"), unit="share", within=(0.5, math.inf))
    assert describe(half) == Description("share", (0.5, 1), {"name": "share", "arm": "plain"})
    assert described(lambda rows: Effect({0: 1.0}), unit="bits")(Rows.of([])).unit == "bits"
    other = described(lambda rows: Effect({}), like=half, batch="64")
    assert describe(other) == Description("share", (0.5, 1), {"name": "share", "arm": "plain", "batch": "64"})
    with pytest.raises(InputError, match="give the lowest value, then the highest"):
        described(lambda rows: Effect({}), within=(1, 0))


def test_a_number_compared_with_itself_is_nothing_whatever_is_measured() -> None:
    def gain(depth: int) -> Description:
        losses = (mean_over("width", of=at_best_rate("loss", depth=n), arm="plain") for n in (5, depth))
        return describe(compare(*losses, log2_ratio))

    assert gain(5).within == (0, 0)
    assert gain(10).within == ANY
    other = value("loss", step=3)
    assert describe(compare(value("loss"), other)).within == ANY
    assert describe(compare(other, other, lambda a, b: a * b)).within == ANY
    own = described(lambda rows: Effect({0: 1.0}), unit="bits")
    assert describe(compare(own, own)).within == ANY
