"""The trend of a loss: where the least loss is unknown, and where a step has several losses."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from tests.clinic.histories import history

from levinthal.clinic.recording.history import History
from levinthal.clinic.rules.loss_trend import judged_losses, loss_trend, trend_of

SMALL = [0.01 + 0.02 * k for k in range(20)]


def with_first_loss(whole: list[float], kind: str = "mse_loss") -> History:
    """A small loss is computed first and rises; the loss of `whole` is the sum."""
    found = history(whole)
    for sample, value in zip(found.samples, SMALL, strict=True):
        other = dataclasses.replace(sample.losses[0], kind=kind, value=torch.tensor(value))
        sample.losses = [other, *sample.losses]
    return found


def test_where_the_least_loss_is_unknown_a_fall_at_once_is_a_fall() -> None:
    """Lists of scores are never equal: the entropy of the targets is left."""
    losses = np.array([3.2, *(2.4 + 0.05 * (-1.0) ** np.arange(29))])
    assert not trend_of(losses).has_plateaued
    assert trend_of(losses, chance=2.4).has_plateaued
    assert trend_of(losses[1:]).has_plateaued


@pytest.mark.parametrize("learns", [True, False])
def test_a_small_loss_that_is_computed_first_is_not_the_training(learns: bool) -> None:
    whole = [2.0 * (0.9**k if learns else 1.0) for k in range(20)]
    run = with_first_loss(whole)
    assert trend_of(run.task_losses, run.chance).is_degraded
    assert loss_trend(run).is_degraded != learns
    judged = judged_losses(run)[0]
    assert judged.tolist() == pytest.approx(whole if learns else SMALL)


def test_two_losses_of_one_kind_are_those_of_accumulated_batches() -> None:
    run = with_first_loss([2.0 * 0.9**k for k in range(20)], kind="cross_entropy")
    assert judged_losses(run)[0].tolist() == pytest.approx(SMALL)
