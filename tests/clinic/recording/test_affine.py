"""Networks that are affine as a whole, and those that are nonlinear or have one layer in sequence alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.cases import Loop
from torch import Tensor, nn

from levinthal.clinic.recording.behaviour_passes import behaviour

X = torch.randn(32, 12, generator=torch.Generator().manual_seed(0))


class Reshaped(nn.Module):
    """Two layers with a reshape and a sum in between: no pair of them is direct."""

    def __init__(self, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.activation = nn.Linear(12, 24), nn.Linear(8, 3), activation

    def forward(self, x: Tensor) -> Tensor:
        parts: Tensor = self.activation(self.first(x)).reshape(len(x), 3, 8)
        out: Tensor = self.last(parts.sum(1))
        return out


class Heads(nn.Module):
    """Two layers beside each other."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(12, 3), nn.Linear(12, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.left(x), self.right(x)], 1)


def layers(model: nn.Module) -> int:
    seen = behaviour(model, (X,), {})
    assert seen is not None
    assert seen.passes <= 5
    return seen.affine_layers


@pytest.mark.parametrize(
    ("model", "count"),
    [
        (nn.Linear(12, 3), 1),
        (nn.Sequential(nn.Linear(12, 8), nn.Identity(), nn.Linear(8, 3)), 2),
        (nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Linear(8, 8), nn.Linear(8, 3)), 3),
        (Reshaped(lambda x: x), 2),
        (Heads(), 1),
    ],
)
def test_the_layers_in_sequence_are_counted(model: nn.Module, count: int) -> None:
    assert layers(model) == count


@pytest.mark.parametrize(
    "activation",
    [torch.relu, torch.tanh, nn.functional.gelu, nn.functional.leaky_relu, lambda x: 1e-3 * x.sin()],
)
def test_a_nonlinear_network_is_not_affine(activation: Callable[[Tensor], Tensor]) -> None:
    """Far beyond the rows no activation is affine, not even one whose inputs are small."""
    assert layers(Reshaped(activation)) == 0


def test_the_weights_are_left_alone() -> None:
    model = Reshaped(lambda x: x)
    before = [p.clone() for p in model.parameters()]
    layers(model)
    assert all(map(torch.equal, before, model.parameters()))


class Columns(nn.Module):
    """Digits, row by row of the image; the sum over rows keeps the layers apart."""

    def __init__(self, activation: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.first, self.last, self.activation = nn.Linear(8, 32), nn.Linear(32, 10), activation

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(self.activation(self.first(x.reshape(-1, 8, 8))).sum(1))
        return out


def test_a_watch_names_the_network_that_is_affine() -> None:
    for activation, expected in ((lambda x: x, ["model"]), (torch.relu, [])):
        model = Columns(activation)
        found = Loop().run(model, torch.optim.SGD(model.parameters(), 0.05)).findings()
        assert [f.where for f in found if f.code == "MISSING_NONLINEARITY"] == expected
