from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from levinthal.probes.signal import signal
from levinthal.probes.signal_state import SignalState, saturating, signal_state

WIDTH = 100


def deep(activation: Callable[[], nn.Module], sd: float, bias: float = 0.0, depth: int = 30) -> nn.Sequential:
    """Layers of weights N(0, sd^2), with a read-out of the same kind."""
    parts: list[nn.Module] = []
    for _ in range(depth):
        parts += [nn.Linear(WIDTH, WIDTH), activation()]
    net = nn.Sequential(*parts, nn.Linear(WIDTH, 10))
    for layer in net[::2]:
        nn.init.normal_(layer.weight, 0, sd)
        nn.init.normal_(layer.bias, 0, bias)
    return net


def state_of(net: nn.Module, seed: int = 0) -> SignalState:
    x = torch.randn(64, WIDTH, generator=torch.Generator().manual_seed(seed))
    return signal_state(signal(net, x, torch.arange(64) % 10, nn.functional.cross_entropy))


@pytest.mark.parametrize(
    ("activation", "sd", "bias", "expected"),
    [
        (nn.Sigmoid, 1.0, 1.0, "saturated"),
        (nn.Sigmoid, 1 / math.sqrt(WIDTH), 1.0, "vanishing"),
        (nn.ReLU, math.sqrt(2 / WIDTH), 0.0, "healthy"),
        (nn.ReLU, 0.5 / math.sqrt(WIDTH), 0.0, "vanishing"),
        (nn.ReLU, 3 / math.sqrt(WIDTH), 0.0, "exploding"),
        (nn.Tanh, 1 / math.sqrt(WIDTH), 0.0, "healthy"),
        (nn.Tanh, 4 / math.sqrt(WIDTH), 0.0, "chaotic"),
        (nn.SELU, 1 / math.sqrt(WIDTH), 0.0, "healthy"),
    ],
)
def test_the_states_are_told_apart(
    activation: type[nn.Module], sd: float, bias: float, expected: str
) -> None:
    for seed in range(3):
        torch.manual_seed(seed)
        found = state_of(deep(activation, sd, bias), seed)
        assert found.state == expected, found.why


def test_thirty_sigmoids_saturate_or_vanish_by_1e_19() -> None:
    torch.manual_seed(0)
    wide, narrow = (state_of(deep(nn.Sigmoid, sd, 1.0)) for sd in (1.0, 0.1))
    assert float(wide.evidence["most_saturated"]) > 0.5 > 0.1 > float(narrow.evidence["most_saturated"])
    assert float(wide.evidence["gradient_change"]) == pytest.approx(0, abs=1)
    assert float(narrow.evidence["gradient_change"]) == pytest.approx(-19.5, abs=1.5)
    assert "saturated region" in wide.why
    assert narrow.where == "0"


def test_an_output_sigmoid_and_a_linear_are_never_saturated() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 10), nn.Sigmoid())
    nn.init.normal_(net[2].weight, 0, 20)
    found = signal(net, torch.randn(32, WIDTH))
    assert float(found["3"].saturated or 0) > 0.5
    assert saturating(found) == []
    assert signal_state(found).state == "healthy"


def test_what_is_not_finite_and_what_never_arrives() -> None:
    net = deep(nn.ReLU, 1.0, depth=3)
    with torch.no_grad():
        net[2].weight[0, 0] = math.inf
    found = state_of(net)
    assert (found.state, found.where) == ("exploding", "2")
    dead = deep(nn.ReLU, 0.1, depth=3)
    with torch.no_grad():
        dead[4].bias.fill_(-1e3)
    lost = state_of(dead)
    assert lost.state == "vanishing"
    assert float(lost.evidence["most_dead"]) == 1
