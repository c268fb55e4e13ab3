"""The history in, numbers to be drawn out."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from tests.clinic.histories import finding, history, setup

from levinthal.clinic.presentation.run_figures import (
    MOST_TRACES,
    loss,
    matrices,
    rate,
    run_figures,
    validation,
)
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.scoring import Score
from levinthal.clinic.recording.validation import Evaluation, Validation
from levinthal.figures import WIDTHS, draw
from levinthal.vocabulary import Figure, Series

FALLING = [2.0 * 0.9**k for k in range(20)]


def series(figure: Figure, name: str, panel: int = 0) -> Series:
    return next(s for s in figure.panels[panel].series if s.name == name)


def test_the_loss_is_drawn_beside_the_chance_level() -> None:
    figure = loss(history(FALLING))
    assert series(figure, "training").y == pytest.approx(FALLING)
    assert series(figure, "training").x[:3] == (0.0, 10.0, 20.0)
    assert series(figure, "chance level").y == pytest.approx((math.log(4),) * 2)
    assert figure.title == "The loss falls from 2.00 to 0.319; chance level 1.39"
    assert figure.panels[0].y.unit == "nats"
    assert not figure.panels[0].y.log


def test_many_losses_get_a_running_median() -> None:
    noisy = [1.0 + (k % 2) for k in range(120)]
    figure = loss(history(noisy))
    assert series(figure, "one batch").role == "seed"
    assert set(series(figure, "training").y) == {1.0, 2.0}
    spike = loss(history([1.0] * 60 + [50.0] + [1.0] * 60))
    assert set(series(spike, "training").y) == {1.0}


def test_losses_of_many_sizes_get_a_logarithmic_axis() -> None:
    assert loss(history([1.0, 10.0, 1e6])).panels[0].y.log
    assert not loss(history([-1.0, 10.0, 1e6])).panels[0].y.log


def test_causes_are_marked_where_they_begin_and_symptoms_are_not() -> None:
    cause = finding("LR_TOO_HIGH", "optimiser", 50, {})
    other = finding("DEAD_RELU", "1", 50, {})
    symptom = dataclasses.replace(finding("UNDERFIT", "loss", 90, {}), follows="LR_TOO_HIGH")
    (mark,) = [
        s for s in loss(history(FALLING), [cause, other, symptom]).panels[0].series if s.role == "point"
    ]
    assert mark.name == "LR_TOO_HIGH, DEAD_RELU"
    assert (mark.x, mark.y) == ((50.0,), pytest.approx((FALLING[5],)))


def test_the_last_loss_is_drawn_and_named_in_the_title() -> None:
    broken = history([2.0, 8.0, math.nan, math.inf, math.nan])
    figure = loss(broken, [finding("NON_FINITE_LOSS", "loss", 20, {})])
    assert figure.title == "The loss is not finite from step 20 on; before that it went from 2.00 to 8.00"
    assert series(figure, "not finite from step 20 on").x == (20.0, 20.0)
    assert series(figure, "NON_FINITE_LOSS").y == (8.0,)
    assert draw(figure)["data"]


def test_a_loss_that_never_was_a_number_has_no_figure() -> None:
    assert loss(history([math.nan] * 6)).title == "The loss was never finite"
    assert "loss" not in [figure.id for figure in run_figures(history([math.nan] * 6), setup())]
    assert run_figures(History()) == []


def test_matrices_are_traced_by_depth_and_biases_are_not() -> None:
    figure = matrices(history(FALLING, depth=3), setup(3))
    names = [s.name for s in figure.panels[0].series]
    assert names == ["0.weight", "1.weight", "2.weight"]
    assert [s.level for s in figure.panels[0].series] == [0.0, 0.5, 1.0]
    assert [s.y[0] for s in figure.panels[0].series] == pytest.approx([0.01, 0.1, 1.0])
    assert series(figure, "1.weight", 1).y[4] == pytest.approx(0.01)
    assert figure.title == "A step changes a matrix by 1 % of its norm"


def test_of_hundreds_of_matrices_a_few_are_drawn_and_the_caption_says_so() -> None:
    figure = matrices(history(FALLING[:5], depth=300, decay=0.99), setup(300))
    names = [s.name for s in figure.panels[0].series]
    assert len(names) == MOST_TRACES
    assert (names[0], names[-1]) == ("0.weight", "299.weight")
    assert figure.caption.startswith(f"{MOST_TRACES} of 300 weight matrices")


def test_without_a_setup_tensors_are_numbered() -> None:
    names = [s.name for s in matrices(history(FALLING)).panels[0].series]
    assert names == ["parameter 1", "parameter 2", "parameter 3", "parameter 4"]


def test_a_rate_is_drawn_if_it_changes() -> None:
    seen = history(FALLING)
    assert rate(seen).panels == ()
    for k, sample in enumerate(seen):
        sample.rates = (0.1 * 0.5**k,) * 4
    (line,) = rate(seen).panels[0].series
    assert line.y[:2] == pytest.approx((0.1, 0.05))
    assert rate(seen).panels[0].y.log


def test_held_out_rows_stand_beside_training_rows() -> None:
    seen = history(FALLING)
    held, own = (Score(torch.tensor(pieces), torch.tensor(right), 10) for pieces, right in
                 (([0.9, 1.1], 6), ([0.2, 0.2], 10)))  # fmt: skip
    seen.validation = Validation(None, evaluations=[Evaluation(0, held, own), Evaluation(190, held, own)])
    figure = validation(seen)
    assert figure.title == "At the end the loss is 1.00 on validation rows and 0.200 on training rows"
    assert series(figure, "validation").low[0] == pytest.approx(1.0 - 1.96 * 0.1)
    assert series(figure, "validation", 1).y == (60.0, 60.0)
    assert series(loss(seen), "validation").x == (0.0, 190.0)
    assert validation(history(FALLING)).panels == ()


@pytest.mark.parametrize("depth", [1, 2, 13, 300])
def test_every_figure_can_be_drawn_at_every_width(depth: int) -> None:
    figures = run_figures(history(FALLING[:6], depth), setup(depth), [finding("UNDERFIT", "loss", 50, {})])
    assert [figure.id for figure in figures] == ["loss", "matrices", "layers"]
    for figure in figures:
        for width in WIDTHS:
            drawn = draw(figure, width)
            assert drawn["data"]
