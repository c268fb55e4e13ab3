from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from levinthal.errors import InputError
from levinthal.probes.depth_scale import batchnorm_rate, chi, depth_scale, trainable_depth
from levinthal.probes.signal import signal


@pytest.mark.parametrize("sigma_w", [0.5, 1.0, math.sqrt(2), 2.0])
def test_relu_has_half_the_variance_of_its_weights(sigma_w: float) -> None:
    assert float(chi(torch.relu, sigma_w=sigma_w, sigma_b=0.3)) == pytest.approx(sigma_w**2 / 2, abs=1e-9)


def test_a_linear_net_has_the_variance_of_its_weights() -> None:
    assert float(chi(lambda z: 1.0 * z, sigma_w=0.8, sigma_b=1.0)) == pytest.approx(0.64, abs=1e-9)


def test_tanh_is_the_theory_at_its_fixed_point() -> None:
    # twice by another quadrature: scipy's, at the fixed point that our own q satisfies
    from scipy import integrate

    for sigma_w, sigma_b in ((1.3, 0.0), (2.5, 0.3), (0.8, 0.5)):
        found = chi(torch.tanh, sigma_w=sigma_w, sigma_b=sigma_b)
        q = found.details["q"]

        def mean(f, q: float = q) -> float:
            density = lambda z: f(math.sqrt(q) * z) * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)  # noqa: E731
            return float(integrate.quad(density, -12, 12, points=[0])[0])

        assert q == pytest.approx(sigma_w**2 * mean(lambda z: math.tanh(z) ** 2) + sigma_b**2, rel=1e-6)
        assert float(found) == pytest.approx(sigma_w**2 * mean(lambda z: math.cosh(z) ** -4), rel=1e-6)
    assert float(chi(torch.tanh, sigma_w=2.5)) > 1 > float(chi(torch.tanh, sigma_w=0.9))


def test_the_limits_of_batch_norm() -> None:
    assert float(batchnorm_rate("relu")) == pytest.approx(math.pi / (math.pi - 1), rel=1e-6)
    assert math.sqrt(float(batchnorm_rate("relu"))) == pytest.approx(1.211174, abs=1e-6)
    assert float(batchnorm_rate("linear")) == pytest.approx(1, abs=1e-9)
    assert float(batchnorm_rate(torch.tanh)) == pytest.approx(0.464403 / 0.394294, rel=1e-5)
    big = float(batchnorm_rate("relu", 10**6))
    assert big == pytest.approx(math.pi / (math.pi - 1), rel=1e-4)


@pytest.mark.parametrize("batch", [4, 8, 100])
def test_a_linear_net_with_batch_norm(batch: int) -> None:
    assert float(batchnorm_rate("linear", batch)) == (batch - 2) / (batch - 3)


def simulated(activation: nn.Module, batch: int, width: int = 250, depth: int = 20) -> float:
    """The growth of the squared gradient of one wide network with batch norm, from our own meter."""
    parts: list[nn.Module] = []
    for _ in range(depth):
        linear, norm = nn.Linear(width, width, bias=False), nn.BatchNorm1d(width, affine=False, eps=1e-9)
        nn.init.normal_(linear.weight, 0, math.sqrt(2 / width))
        parts += [linear, norm, activation]
    return 2 ** float(signal(nn.Sequential(*parts), torch.randn(batch, width)).growth)


@pytest.mark.parametrize(("name", "batch"), [("relu", 8), ("relu", 32), ("linear", 8), ("linear", 32)])
def test_a_simulation_has_the_rate_of_the_theory(name: str, batch: int) -> None:
    torch.manual_seed(0)
    activation: nn.Module = nn.ReLU() if name == "relu" else nn.Identity()
    rate = float(np.mean([simulated(activation, batch) for _ in range(4)]))
    assert rate == pytest.approx(float(batchnorm_rate(name, batch)), rel=0.03)


def test_depths() -> None:
    assert depth_scale(math.e) == depth_scale(1 / math.e) == pytest.approx(1)
    assert depth_scale(1.0) == math.inf
    assert float(trainable_depth(batchnorm_rate("relu"))) == pytest.approx(
        16 / math.log(math.pi / (math.pi - 1)), rel=1e-5
    )


def test_what_has_no_theory_says_so() -> None:
    with pytest.raises(InputError, match="below 4"):
        batchnorm_rate("relu", 3)
    with pytest.raises(InputError, match="did you mean"):
        batchnorm_rate("rel", 8)
    with pytest.raises(InputError, match="closed form"):
        batchnorm_rate(torch.tanh, 8)
