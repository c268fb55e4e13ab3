"""Readings of made-up long tables: the last step, the best learning rate, a number of each curve."""

from __future__ import annotations

import math

import pytest

from levinthal.errors import InputError
from levinthal.lab import Rows
from levinthal.lab.analysis.curves import last
from levinthal.lab.analysis.readings import at_best_rate, best_at_end, mean_by_seed, of_curve, value
from levinthal.vocabulary import Estimate, Measurement, Row


def row(number: float, seed: int, step: int, rate: float) -> Row:
    return Row({"depth": 1}, Measurement("loss", Estimate.exact(number), seed, step, "", f"rate={rate:g}"))


def test_accuracy_is_chosen_by_its_error_and_compared_as_it_is() -> None:
    shares = {0.1: 0.5, 1.0: 0.75, 10.0: 0.25}
    rows = Rows.of(row(share, 0, 5, rate) for rate, share in shares.items())
    read = at_best_rate("loss", error=lambda share: 1 - share)(rows)
    assert (read.by_seed, read.rates, read.at_edge) == ({0: 0.75}, (1.0,), False)
    chosen = best_at_end(rows, "loss", error=lambda share: 1 - share)
    assert chosen is not None
    assert chosen.scores == {0: 0.25}


def test_a_value_is_of_the_last_step_of_one_or_of_all() -> None:
    rows = Rows.of(row(number, 0, step, 1.0) for step, number in ((0, 1.0), (5, 2.0), (9, 6.0)))
    assert value("loss")(rows).by_seed == {0: 6.0}
    assert value("loss", step=5)(rows).by_seed == {0: 2.0}
    assert value("loss", step=None, reduce=mean_by_seed)(rows).by_seed == {0: 3.0}
    assert value("other")(rows).by_seed == {}
    with pytest.raises(InputError, match="differ in step"):
        value("loss", step=None)(rows)


def test_the_last_step_is_that_of_each_run() -> None:
    """A run that diverged early ended there: it failed, and is not missing."""
    ends = {0: (9, 2.0), 1: (5, math.inf)}
    rows = Rows.of(
        row(number, seed, step, 1.0) for seed, end in ends.items() for step, number in ((0, 7.0), end)
    )
    assert value("loss")(rows).by_seed == {0: 2.0, 1: math.inf}
    assert value("loss")(rows).by_seed == of_curve(last, name="loss")(rows).by_seed


def test_a_learning_rate_that_diverged_early_stays_in_its_grid() -> None:
    losses = {0.1: (9, 0.5), 1.0: (9, 0.25), 10.0: (3, math.nan)}
    rows = Rows.of(row(number, 0, step, rate) for rate, (step, number) in losses.items())
    chosen = best_at_end(rows, "loss")
    assert chosen is not None
    assert (chosen.rate, chosen.at_edge) == (1.0, False)


def test_a_number_of_each_curve_is_read_in_the_order_of_the_steps() -> None:
    rows = Rows.of(
        row(number, seed, step, 1.0) for seed in (0, 1) for step, number in ((9, 2.0 + seed), (0, 7.0))
    )
    assert of_curve(last, name="loss")(rows).by_seed == {0: 2.0, 1: 3.0}
    assert of_curve(lambda curve: float(curve[0][0]), name="loss")(rows).by_seed == {0: 0.0, 1: 0.0}
    assert of_curve(last, name="other")(rows).by_seed == {}
