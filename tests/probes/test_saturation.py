from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from levinthal.probes.saturation import saturated_tails
from levinthal.probes.signal import Layer, signal
from levinthal.vocabulary import Trust

INF = math.inf


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (torch.sigmoid, -3.637, 3.637),  # s' = 1/40: s = (1 - sqrt(.9)) / 2
        (torch.tanh, -math.acosh(math.sqrt(10)), math.acosh(math.sqrt(10))),
        (nn.ReLU(), 0.0, INF),
        (nn.ReLU(inplace=True), 0.0, INF),
        (nn.LeakyReLU(0.01), 0.0, INF),
        (nn.LeakyReLU(0.2), -INF, INF),
        (nn.Softplus(), -math.log(9), INF),
        (nn.Softplus(beta=2.0), -math.log(9) / 2, INF),
        (nn.ELU(), math.log(0.1), INF),
        (nn.SELU(), math.log(0.1), INF),
        (nn.Hardtanh(), -1.0, 1.0),
        (nn.Hardtanh(-2.0, 3.0), -2.0, 3.0),
        (nn.ReLU6(), 0.0, 6.0),
        (nn.Hardsigmoid(), -3.0, 3.0),
        (nn.Softsign(), -math.sqrt(10) + 1, math.sqrt(10) - 1),
        (lambda x: x, -INF, INF),
        (lambda x: 5 + 1e-9 * torch.tanh(x / 100), -181.845, 181.845),
    ],
)
def test_the_saturated_region_is_that_of_the_actual_activation(function, low: float, high: float) -> None:
    found = saturated_tails(function)
    assert (found.low, found.high) == (
        pytest.approx(low, rel=1e-3, abs=2e-3),
        pytest.approx(high, rel=1e-3, abs=2e-3),
    )
    assert found.saturates == (low > -INF and high < INF)


@pytest.mark.parametrize("kind", [nn.GELU, nn.SiLU, nn.Mish])
def test_a_smooth_relu_is_flat_on_its_left_beyond_its_dip(kind: type[nn.Module]) -> None:
    found = saturated_tails(kind())
    assert -3 < found.low < -0.5  # the dip itself is shallow: |slope| < 0.13
    assert found.high == INF


def test_a_constant_is_flat_everywhere() -> None:
    found = saturated_tails(lambda x: x * 0)
    assert found.low == INF
    assert found.high == -INF


def read(activation: nn.Module, inputs: Tensor) -> Layer:
    identity = nn.Linear(inputs.shape[1], inputs.shape[1])
    nn.init.eye_(identity.weight)
    nn.init.zeros_(identity.bias)
    return signal(nn.Sequential(identity, activation, nn.Linear(inputs.shape[1], 1)), inputs).layers[1]


def test_shares_are_counted_over_units_and_inputs() -> None:
    # four units: always on, always off, half the time off, off but once
    x = torch.tensor([[1.0, -1.0, (-1.0) ** k, 1.0 if k == 0 else -1.0] for k in range(20)])
    layer = read(nn.ReLU(), x)
    assert layer.saturated is not None
    assert layer.dead is not None
    assert float(layer.saturated) == pytest.approx((0 + 1 + 0.5 + 19 / 20) / 4)
    assert float(layer.dead) == 0.25
    assert layer.dead.trust is Trust.ORDINAL


def test_a_unit_that_jumps_between_both_ends_is_flat_and_not_dead() -> None:
    x = torch.tensor([[9.0 * (-1.0) ** k, 9.0] for k in range(10)])
    layer = read(nn.Tanh(), x)
    assert (float(layer.saturated or 0), float(layer.dead or 0)) == (1.0, 0.5)


def test_a_channel_is_a_unit() -> None:
    conv = nn.Conv2d(1, 3, 1)
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.copy_(torch.tensor([-1.0, 1.0, 1.0]))
    found = signal(nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(12, 1)), torch.randn(10, 1, 2, 2))
    assert float(found["1"].dead or 0) == pytest.approx(1 / 3)


def test_an_activation_with_a_slope_for_every_unit_has_no_common_tails() -> None:
    layer = read(nn.PReLU(4), torch.randn(10, 4))
    assert layer.saturated is layer.tails is None
