"""A reading over settings, against means and slopes by hand."""

from __future__ import annotations

import math

from levinthal.lab import Rows
from levinthal.lab.analysis.readings import Effect, value
from levinthal.lab.analysis.settings import mean_over, slope_over
from levinthal.vocabulary import Estimate, Measurement, Row


def table(values: dict[tuple[int, int], float], seeds: tuple[int, ...] = (0, 1)) -> Rows:
    return Rows.of(
        Row({"width": width, "depth": depth}, Measurement("bits", Estimate.exact(number + seed), seed))
        for (width, depth), number in values.items()
        for seed in seeds
    )


def test_the_mean_is_over_the_settings_that_have_run() -> None:
    rows = table({(10, 3): 1.0, (20, 3): 3.0, (20, 5): 8.0})
    assert mean_over("width", "depth", of=value("bits"))(rows).by_seed == {0: 4.0, 1: 5.0}
    assert mean_over("width", of=value("bits"), depth=3)(rows).by_seed == {0: 2.0, 1: 3.0}
    assert mean_over("width", of=value("bits"), depth=9)(rows).by_seed == {}


def test_a_slope_is_the_change_when_the_factor_is_twice_as_large() -> None:
    rows = table({(10, 5): 9.0, (10, 10): 7.0, (10, 20): 5.0})
    assert slope_over("depth", of=value("bits"))(rows).by_seed == {0: -2.0, 1: -2.0}
    assert slope_over("depth", of=value("bits"), depth=5)(rows).by_seed == {}


def test_a_setting_in_which_a_seed_failed_fails_the_seed_unless_the_claim_drops_it() -> None:
    rows = table({(10, 5): 1.0, (10, 10): math.inf, (10, 20): 5.0})
    for over in (mean_over("depth", of=value("bits")), slope_over("depth", of=value("bits"))):
        assert all(math.isnan(number) for number in over(rows).by_seed.values())
    dropped = mean_over("depth", of=value("bits"), drop_failed=True)
    assert dropped(rows).by_seed == {0: 3.0, 1: 4.0}
    assert slope_over("depth", of=value("bits"), drop_failed=True)(rows).by_seed == {0: 2.0, 1: 2.0}


def test_rates_and_edges_are_of_the_settings_that_count_and_notes_are_of_all() -> None:
    effects = {
        3: Effect({0: 1.0}, (0.1,), at_edge=False, note="one"),
        5: Effect({}, (0.3,), at_edge=True, note="left out"),
        9: Effect({0: 5.0}, (0.5,), at_edge=False, note="one"),
    }
    rows = table({(10, depth): 0.0 for depth in effects}, (0,))
    found = mean_over("depth", of=lambda part: effects[part.distinct("depth")[0]])(rows)
    assert found == Effect({0: 3.0}, (0.1, 0.5), at_edge=False, note="one left out")
