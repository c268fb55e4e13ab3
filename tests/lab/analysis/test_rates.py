from __future__ import annotations

import math

from levinthal.lab import Rows
from levinthal.lab.analysis.rates import best_rate, rates_word, read_rates
from levinthal.vocabulary import Estimate, Measurement, Row


def grid(scores: dict[float, list[float]]) -> Rows:
    return Rows.of(
        Row({"rule": "any"}, Measurement("loss", Estimate.exact(score), seed, 0, "", f"rate={rate:g}"))
        for rate, found in scores.items()
        for seed, score in enumerate(found)
    )


def test_the_lowest_median_wins_and_one_lucky_seed_does_not() -> None:
    found = best_rate(grid({0.1: [3, 3, 3], 1: [1, 1, 1], 10: [2, 2, 0.01]}))
    assert found is not None
    assert (found.rate, found.scores, found.at_edge) == (1.0, {0: 1.0, 1: 1.0, 2: 1.0}, False)


def test_the_first_and_the_last_are_the_edge() -> None:
    for scores, winner in (([1, 2, 3], 0.1), ([3, 2, 1], 10.0)):
        found = best_rate(grid({rate: [score] for rate, score in zip((0.1, 1, 10), scores, strict=True)}))
        assert found is not None
        assert (found.rate, found.at_edge) == (winner, True)


def test_what_learns_at_no_rate_does_not_sit_on_the_edge_by_chance() -> None:
    found = best_rate(grid({0.1: [2.3], 1: [2.301], 10: [2.302], 100: [math.nan]}))
    assert found is not None
    assert (found.rate, found.at_edge) == (1.0, False)


def test_a_rate_at_which_most_seeds_are_lost_never_wins() -> None:
    found = best_rate(grid({0.1: [2.0] * 3, 1: [1.0, math.nan, math.inf], 10: [3.0] * 3}))
    assert found is not None
    assert (found.rate, found.at_edge) == (0.1, True)
    lost = best_rate(grid({0.1: [2.0] * 3, 1: [1.0, 1.0, math.nan], 10: [3.0] * 3}))
    assert lost is not None
    assert lost.scores[2] == math.inf


def test_of_rates_that_lose_half_or_more_of_the_seeds_the_one_that_loses_fewest_wins() -> None:
    """All medians are infinite: the middle rate was read, at which no seed got there."""
    lost = math.inf
    found = best_rate(grid({0.1: [lost] * 4, 1: [200, 200, lost, lost], 3: [lost] * 4, 10: [lost] * 4}))
    assert found is not None
    assert (found.rate, found.scores) == (1.0, {0: 200, 1: 200, 2: lost, 3: lost})
    edge = best_rate(grid({0.1: [lost] * 4, 1: [9, lost, lost, lost], 10: [200, 200, lost, lost]}))
    assert edge is not None
    assert (edge.rate, edge.at_edge) == (10.0, True)
    none = best_rate(grid({rate: [lost] * 4 for rate in (0.1, 1, 10)}))
    assert none is not None
    assert (none.rate, none.at_edge) == (1.0, False)


def test_two_rates_are_no_grid() -> None:
    assert best_rate(grid({0.1: [1], 1: [2]})) is None
    assert best_rate(Rows.of([])) is None


def test_a_grid_goes_into_a_cell_and_back() -> None:
    assert read_rates(rates_word((0.003, 1, 30))) == (0.003, 1, 30)
    assert read_rates("") == ()
