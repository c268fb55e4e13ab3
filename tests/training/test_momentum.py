from __future__ import annotations

import math

import pytest
import torch

from levinthal.errors import InputError
from levinthal.training.momentum import MemberMomentum, momentum_at

RATES = torch.tensor([0.05, 0.2], dtype=torch.float64)


def test_the_schedule_is_the_papers_formula() -> None:
    for t in (0, 1, 249, 250, 999, 1000, 12_249, 12_250, 123_456):
        paper = 1 - 2 ** (-1 - math.log2(t // 250 + 1))
        for most in (0.0, 0.9, 0.99, 0.999):
            assert momentum_at(t, most) == pytest.approx(min(paper, most), abs=1e-15)
    assert momentum_at(40, 0.9, period=10) == 0.9
    with pytest.raises(InputError, match="period=0"):
        momentum_at(0, 0.9, period=0)


def descend(curvature: torch.Tensor, steps: int, most: float, **more) -> torch.Tensor:
    """Two members on sum c w^2 / 2, from 1."""
    weight = torch.nn.Parameter(torch.ones(2, len(curvature), dtype=torch.float64))
    rule = MemberMomentum([weight], RATES, most, **more)
    for _ in range(steps):
        weight.grad = weight.detach() * curvature
        rule.step()
    return weight.detach()


def reference(curvature: float, rate: float, steps: int, most: float, nesterov: bool, period: int) -> float:
    """One number by the paper's two lines; for Nesterov's, the point looked at next."""
    w, v = 1.0, 0.0
    for t in range(steps):
        mu = momentum_at(t, most, period)
        v = mu * v - rate * curvature * (w + (mu * v if nesterov else 0))
        w += v
    return w + (momentum_at(steps, most, period) * v if nesterov else 0)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("most", [0.0, 0.9, 0.99])
def test_the_rule_is_the_papers_two_lines(nesterov: bool, most: float) -> None:
    curvature = torch.tensor([1.0, 3.0], dtype=torch.float64)
    found = descend(curvature, 60, most, nesterov=nesterov, period=10)
    for member, rate in enumerate(RATES.tolist()):
        expected = [reference(c, rate, 60, most, nesterov, 10) for c in curvature.tolist()]
        assert found[member].tolist() == pytest.approx(expected, rel=1e-10, abs=1e-14)


@pytest.mark.parametrize("nesterov", [False, True])
def test_constant_momentum_is_torchs(nesterov: bool) -> None:
    """Half from the first step on is the schedule below its first rise."""
    curvature = torch.tensor([1.0, 2.5], dtype=torch.float64)
    ours = descend(curvature, 30, 0.5, nesterov=nesterov, period=1000)
    for member, rate in enumerate(RATES.tolist()):
        weight = torch.nn.Parameter(torch.ones(2, dtype=torch.float64))
        torchs = torch.optim.SGD([weight], lr=rate, momentum=0.5, nesterov=nesterov)
        for _ in range(30):
            weight.grad = weight.detach() * curvature
            torchs.step()
        torch.testing.assert_close(ours[member], weight.detach())


def test_nesterov_is_classical_momentum_of_mu_times_one_minus_rate_times_curvature() -> None:
    """Theorem 2.1 of the paper: on a quadratic, along an eigenvector of curvature c."""
    c, rate, mu = 3.0, 0.2, 0.5
    w, v = 1.0, 0.0
    for _ in range(25):
        v = mu * (1 - rate * c) * v - rate * c * w
        w += v
    look = w + mu * v
    found = descend(torch.tensor([c], dtype=torch.float64), 25, mu, nesterov=True, period=1000)
    assert found[1].item() == pytest.approx(look, rel=1e-10, abs=1e-14)


def test_no_momentum_is_gradient_descent_either_way() -> None:
    curvature = torch.tensor([1.0], dtype=torch.float64)
    for nesterov in (False, True):
        found = descend(curvature, 10, 0.0, nesterov=nesterov)
        assert found[:, 0].tolist() == pytest.approx([(1 - r) ** 10 for r in RATES.tolist()], rel=1e-12)
