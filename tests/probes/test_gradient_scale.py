from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from levinthal.errors import InputError
from levinthal.probes.gradient_scale import gradient_scale, nonlinearity
from levinthal.vocabulary import Trust


def doubles(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def small(activation: nn.Module, *, norm: bool = False) -> nn.Sequential:
    torch.manual_seed(3)
    between = [nn.BatchNorm1d(7)] if norm else []
    return nn.Sequential(nn.Linear(4, 7), *between, activation, nn.Linear(7, 3)).double()


def jacobian(net: nn.Module, x: Tensor) -> Tensor:
    """Of the whole batch at once: (n outputs, n inputs)."""
    found: Tensor = torch.func.jacrev(net)(x).detach()
    return found.reshape(found.shape[0] * found.shape[1], -1)


def slow_scale(net: nn.Module, x: Tensor) -> float:
    with torch.no_grad():
        out = net(x)
    qm = jacobian(net, x).norm() / math.sqrt(x.numel())
    return float(qm * x.norm() / out.norm())


def slow_nonlinearity(net: nn.Module, x: Tensor) -> float:
    """From every input's Jacobian, one at a time."""
    covariance = torch.cov(x.T, correction=0)
    own = torch.stack([torch.func.jacrev(net)(row[None]).detach().reshape(3, -1) for row in x])
    linear = torch.stack([(j @ covariance @ j.T).trace() for j in own]).mean()
    with torch.no_grad():
        return float((linear / torch.cov(net(x).T, correction=0).trace()).sqrt())


@pytest.mark.parametrize("activation", [nn.Tanh(), nn.ReLU(), nn.GELU()])
def test_both_are_what_the_exact_jacobian_says(activation: nn.Module) -> None:
    net, x = small(activation), doubles(25, 4)
    scale = gradient_scale(net, x)
    assert float(scale["input"]) == pytest.approx(slow_scale(net, x), rel=1e-12)
    assert float(nonlinearity(net, x)) == pytest.approx(slow_nonlinearity(net, x), abs=1e-6)
    with torch.no_grad():
        hidden = net[0](x)
    assert float(scale["0"]) == pytest.approx(slow_scale(net[1:], hidden), rel=1e-12)
    assert float(scale["2"]) == pytest.approx(1 * math.sqrt(1), rel=1e-12)  # the output with itself


def test_batch_norm_is_taken_with_the_whole_batch() -> None:
    net, x = small(nn.Tanh(), norm=True), doubles(12, 4)

    def exact(inputs: Tensor) -> Tensor:
        z = net[0](inputs)
        z = (z - z.mean(0)) / (z.var(0, correction=0) + net[1].eps).sqrt()
        out: Tensor = net[3](torch.tanh(z))
        return out

    found = gradient_scale(net, x, products=4000)["input"]
    qm = jacobian(exact, x).norm() / math.sqrt(x.numel())
    with torch.no_grad():
        assert float(found) == pytest.approx(float(qm * x.norm() / exact(x).norm()), rel=0.02)
    assert found.trust is Trust.ORDINAL


def test_products_with_random_signs_agree_with_the_exact_ones() -> None:
    net, x = small(nn.Tanh()), doubles(200, 4)
    exact, drawn = gradient_scale(net, x)["input"], gradient_scale(net, x, products=2)["input"]
    assert drawn.interval is not None
    assert drawn.interval.low < float(exact) < drawn.interval.high
    assert float(drawn) != float(exact)


def test_orthogonal_nets_have_coefficient_one_everywhere() -> None:
    layers = [nn.Linear(6, 6, bias=False, dtype=torch.float64) for _ in range(9)]
    for layer in layers:
        nn.init.orthogonal_(layer.weight, gain=1.7)
    for found in gradient_scale(nn.Sequential(*layers), doubles(10, 6)).values():
        assert float(found) == pytest.approx(1, abs=1e-12)


def test_scaling_a_layer_of_a_homogeneous_net_changes_nothing() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 8, bias=False), nn.ReLU(), nn.Linear(8, 8, bias=False), nn.ReLU())
    net = nn.Sequential(*net, nn.Linear(8, 4, bias=False)).double()
    x = doubles(20, 5)
    before = {name: float(found) for name, found in gradient_scale(net, x).items()}
    with torch.no_grad():
        net[2].weight.mul_(37.0)
    after = {name: float(found) for name, found in gradient_scale(net, x).items()}
    assert after == pytest.approx(before, rel=1e-12)


def test_a_pair_of_layers_and_whole_blocks() -> None:
    net, x = small(nn.Tanh()), doubles(15, 4)
    pair = gradient_scale(net, x, upper="1")
    assert list(pair) == ["input", "0"]
    with torch.no_grad():
        hidden = net[0](x)
    assert float(pair["0"]) == pytest.approx(slow_scale(net[1], hidden), rel=1e-12)
    assert list(gradient_scale(net, x, layers=lambda m: isinstance(m, nn.Tanh))) == ["input", "1"]
    with pytest.raises(InputError, match="unknown layer"):
        gradient_scale(net, x, upper="7")
    with pytest.raises(InputError, match="products=0"):
        gradient_scale(net, x, products=0)


def test_an_affine_map_has_coefficient_one_exactly() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 9), nn.Linear(9, 3)).double()
    for x in (doubles(40, 5), 100 + doubles(40, 5) * torch.tensor([1, 10, 0.1, 3, 0])):
        found = nonlinearity(net, x)
        assert float(found) == 1
        assert found.interval is not None
        assert (found.interval.low, found.interval.high) == (1, 1)


def test_the_coefficient_of_a_sine_ridge_in_closed_form() -> None:
    # f = sin(w x), x standard normal: E f'^2 = w^2 (1 + e^(-2 w^2)) / 2, Var f = (1 - e^(-2 w^2)) / 2
    class Ridge(nn.Module):
        def __init__(self, w: float) -> None:
            super().__init__()
            self.linear = nn.Linear(1, 1, bias=False, dtype=torch.float64)
            nn.init.constant_(self.linear.weight, w)

        def forward(self, x: Tensor) -> Tensor:
            return torch.sin(self.linear(x))

    for w in (0.3, 1.0, 4.0):
        found = nonlinearity(Ridge(w), doubles(3000, 1))
        truth = w * math.sqrt((1 + math.exp(-2 * w**2)) / (1 - math.exp(-2 * w**2)))
        assert found.interval is not None
        assert found.interval.low * 0.99 < truth < found.interval.high * 1.01
        assert float(found) == pytest.approx(truth, rel=0.05)


def test_the_interval_covers_the_value_on_ever_more_inputs() -> None:
    net = small(nn.Tanh())
    with torch.no_grad():
        net[0].weight.mul_(4)
    truth, held = float(nonlinearity(net, doubles(4000, 4))), 0
    for seed in range(1, 101):
        span = nonlinearity(net, doubles(60, 4, seed=seed)).interval
        assert span is not None
        held += span.low <= truth <= span.high
    assert 85 <= held <= 100


def test_tokens_and_constants_have_none() -> None:
    net = nn.Sequential(nn.Embedding(5, 3), nn.Flatten(), nn.Linear(6, 2))
    with pytest.raises(InputError, match="embeddings"):
        nonlinearity(net, torch.zeros(4, 2, dtype=torch.long))
    assert "0" in gradient_scale(net, torch.zeros(8, 2, dtype=torch.long))
    flat = nn.Linear(3, 2)
    nn.init.zeros_(flat.weight)
    assert nonlinearity(flat, torch.randn(10, 3)).trust is Trust.UNRELIABLE
