"""The chance level against closed forms: entropies, variances, and the best constant of a robust loss."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from levinthal.clinic.recording.chance_level import chance_level
from levinthal.clinic.recording.sample import LossCall, Sample


def level(kind: str, targets: tuple[float, ...] = (), **seen: Any) -> float:
    """The chance level of one sample with one call of a loss."""
    call = LossCall(kind, "mean", (4, 2), (4,), None, **seen)
    return chance_level([Sample(0, losses=[call])], lambda: torch.tensor(targets))


def test_a_cross_entropy_has_the_entropy_of_the_classes() -> None:
    assert level("cross_entropy", counts=torch.tensor([3, 1, 0])) == pytest.approx(
        -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    )
    assert math.isnan(level("cross_entropy", counts=torch.tensor([4, 0])))


def test_a_squared_error_has_the_variance_of_the_targets() -> None:
    assert level("mse_loss", target=torch.tensor([5.0, 2.0])) == pytest.approx(2.0)


def test_a_binary_cross_entropy_has_the_entropy_of_the_share() -> None:
    found = level("binary_cross_entropy", target=torch.tensor([0.5, 0.25]))
    assert found == pytest.approx(math.log(2))


def test_an_absolute_error_has_the_spread_around_the_median() -> None:
    assert level("l1_loss", (0.0, 0.0, 3.0)) == pytest.approx(1.0)
    assert math.isnan(level("l1_loss"))


def test_an_explicit_squared_error_is_known_by_its_value() -> None:
    samples = [
        Sample(0, loss=torch.tensor(7.0), difference=torch.tensor([0.0, 3.0, 7.0, 2.0])),
        Sample(1, loss=torch.tensor(6.0), difference=torch.tensor([0.0, 1.0, 6.0, 2.0])),
    ]
    assert chance_level(samples, lambda: torch.zeros(0)) == pytest.approx(2.0)
    samples[0].loss = samples[1].loss = torch.tensor(1.0)
    assert math.isnan(chance_level(samples, lambda: torch.zeros(0)))
