from __future__ import annotations

import pytest
import torch

from levinthal.training.layerwise import (
    LayerwiseSGD,
    MemberAdam,
    constant,
    equalising,
    lars,
    norms,
    rescaled,
    tracked,
)

SHAPES = ((2, 4, 3), (2, 5, 4), (2, 4), (2, 5))  # two members, layers 3-4-5: weights, then biases


def tensors(seed: int) -> list[torch.Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=draw, dtype=torch.float64) for shape in SHAPES]


def parameters(seed: int) -> list[torch.nn.Parameter]:
    made = [torch.nn.Parameter(tensor) for tensor in tensors(seed)]
    for parameter, gradient in zip(made, tensors(seed + 100), strict=True):
        parameter.grad = gradient
    return made


RATES = torch.tensor([0.1, 0.5], dtype=torch.float64)


def moved(factors, seed: int = 0) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """By how much one step moves the parameters, and their gradients."""
    weights = parameters(seed)
    before = [weight.detach().clone() for weight in weights]
    LayerwiseSGD(weights, RATES, factors).step()
    return [b - w.detach() for b, w in zip(before, weights, strict=True)], [w.grad for w in weights]


def test_a_norm_is_over_the_weights_and_biases_of_a_layer() -> None:
    ws = tensors(0)
    layers = ((ws[0], ws[2]), (ws[1], ws[3]))
    by_hand = [[(w[s].square().sum() + b[s].square().sum()).sqrt() for w, b in layers] for s in range(2)]
    torch.testing.assert_close(norms(ws), torch.tensor(by_hand, dtype=torch.float64))


def test_equalised_layers_are_as_long_as_the_last() -> None:
    gradients = tensors(1)
    speeds = norms(rescaled(gradients, equalising(gradients)))
    torch.testing.assert_close(speeds, norms(gradients)[:, -1:].expand(2, 2))


def test_a_layer_without_a_gradient_stays_finite() -> None:
    gradients = tensors(1)
    for i in (0, 2):
        gradients[i].zero_()
    assert norms(rescaled(gradients, equalising(gradients)))[:, 0].tolist() == [0, 0]


def test_any_positive_constants_go_downhill_and_equal_speeds_at_least_so_far() -> None:
    for seed in range(20):
        g = tensors(seed)
        draw = 10 ** (6 * torch.rand(2, 2, generator=torch.Generator().manual_seed(seed)).double())
        for factors in (draw, equalising(g)):
            inner = sum((a * b).flatten(1).sum(1) for a, b in zip(g, rescaled(g, factors), strict=True))
            torch.testing.assert_close(inner, (factors * norms(g) ** 2).sum(1))  # sum d_l |g_l|^2
            assert (inner > 0).all()
        cosine = inner / norms(g).norm(dim=1) / norms(rescaled(g, equalising(g))).norm(dim=1)
        assert (cosine >= 1 / 2**0.5 - 1e-12).all()  # |.|_1 >= |.|_2 over the two layers


def test_constants_of_one_are_gradient_descent_at_the_members_rate() -> None:
    moves, gradients = moved(constant(torch.ones(2, 2, dtype=torch.float64)))
    for move, gradient in zip(moves, gradients, strict=True):
        torch.testing.assert_close(move, gradient * RATES.view(-1, *[1] * (gradient.ndim - 1)))


def test_constants_are_kept_and_tracked_factors_follow_the_gradient() -> None:
    old = equalising(tensors(7))
    _, gradients = moved(constant(old))
    torch.testing.assert_close(norms(moved(constant(old))[0]), RATES[:, None] * old * norms(gradients))
    lengths = norms(moved(tracked)[0])
    torch.testing.assert_close(lengths[:, 0], lengths[:, 1])
    torch.testing.assert_close(lengths[:, 1], RATES * norms(gradients)[:, 1])


def test_a_step_of_lars_is_a_share_of_the_layers_length() -> None:
    moves, _ = moved(lars)
    torch.testing.assert_close(norms(moves), RATES[:, None] * norms(tensors(0)))


@pytest.mark.parametrize("member", [0, 1])
def test_adam_is_torchs_at_each_members_rate(member: int) -> None:
    ours, theirs = parameters(3), parameters(3)
    one, other = MemberAdam(ours, RATES), torch.optim.Adam(theirs, lr=float(RATES[member]))
    for step in range(5):
        for a, b, gradient in zip(ours, theirs, tensors(step), strict=True):
            a.grad, b.grad = gradient.clone(), gradient.clone()
        one.step()
        other.step()
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a[member], b[member], rtol=1e-12, atol=1e-12)
