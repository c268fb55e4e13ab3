"""Gains of norms under a decay of their own; beside each a run that nearly does so."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.cases import Loop
from torch import nn

from levinthal.clinic import Watch


class RootMeanSquareNorm(nn.Module):
    """A norm of the user's own."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6) * self.weight


def decayed(norm: Callable[[int], nn.Module], decay: float, of_gains: bool = True) -> Watch:
    """A network of two norms; decay acts on the gains alone, or on the matrices alone."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(64, 64), norm(64), nn.ReLU(), nn.Linear(64, 64), norm(64), nn.ReLU(), nn.Linear(64, 10)
    )
    gains = [p for layer in (model[1], model[4]) for p in layer.parameters()]
    others = [p for layer in (model[0], model[3], model[6]) for p in layer.parameters()]
    groups = [
        {"params": gains, "weight_decay": decay if of_gains else 0.0},
        {"params": others, "weight_decay": 0.0 if of_gains else decay},
    ]
    return Loop().run(model, torch.optim.SGD(groups, lr=0.05))


def codes(watched: Watch) -> dict[str, str]:
    return {f.code: f.where for f in watched.findings()}


@pytest.mark.parametrize("norm", [nn.LayerNorm, nn.BatchNorm1d, RootMeanSquareNorm])
def test_gains_that_decay_to_zero_are_found(norm: Callable[[int], nn.Module]) -> None:
    """All weights together keep their norm: the gains are a small part of it."""
    assert codes(decayed(norm, 8.0))["EXCESS_WEIGHT_DECAY"] == "1, 4"


@pytest.mark.parametrize(
    "make",
    [lambda: decayed(nn.LayerNorm, 1e-2), lambda: decayed(nn.LayerNorm, 1e-2, of_gains=False)],
    ids=["a usual decay of the gains", "a usual decay of the others"],
)
def test_gains_under_a_usual_decay_are_not(make: Callable[[], Watch]) -> None:
    assert "EXCESS_WEIGHT_DECAY" not in codes(make())
