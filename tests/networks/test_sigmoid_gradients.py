"""The backward pass by hand against autograd, to the bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from levinthal.networks import sigmoid_gradients
from levinthal.networks.losses import cross_entropy
from levinthal.networks.sigmoid import SigmoidNets, sigmoid_cross_entropy, sigmoid_nets
from levinthal.networks.sigmoid_gradients import SLOPES, SigmoidGradients

SEEDS, ROWS, WIDTHS = (0, 3, 1, 0), 16, (9, 6, 4, 4)  # rows x width fills vectors of 32
LOSSES = (cross_entropy, sigmoid_cross_entropy)


def batch() -> tuple[Tensor, Tensor]:
    """Inputs (s, n, d) and labels (s, n)."""
    draw = torch.Generator().manual_seed(5)
    shape = (len(SEEDS), ROWS)
    return torch.randn(*shape, WIDTHS[0], generator=draw), torch.randint(0, 4, shape, generator=draw)


def by_autograd(nets: SigmoidNets, loss: Callable[..., Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
    inputs, labels = batch()
    value = loss(nets(inputs), labels)
    return value.detach(), torch.autograd.grad(value.sum(), list(nets.parameters()))


def by_hand(nets: SigmoidNets, loss: Callable[..., Tensor]) -> tuple[Tensor, Sequence[Tensor]]:
    inputs, labels = batch()
    for parameter in nets.parameters():
        parameter.grad = torch.full_like(parameter, 7.0)  # overwritten, not added to
    value = SigmoidGradients(nets)(lambda who: (inputs[who], labels[who]), ROWS, loss)
    return value, [parameter.grad for parameter in nets.parameters() if parameter.grad is not None]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("unit", SLOPES)
@pytest.mark.parametrize("large", [1 << 19, 2 * ROWS * 6, 1])
def test_the_same_bits_as_autograd(
    monkeypatch: pytest.MonkeyPatch, loss: Callable[..., Tensor], unit: str, large: int
) -> None:
    """In one pass, in two, and one network at a time."""
    monkeypatch.setattr(sigmoid_gradients, "LARGE", large)
    nets = sigmoid_nets(WIDTHS, seeds=SEEDS, unit=unit)
    (value, gradients), (expected, wanted) = by_hand(nets, loss), by_autograd(nets, loss)
    assert torch.equal(value, expected)
    assert len(gradients) == len(wanted)
    assert all(torch.equal(one, other) for one, other in zip(gradients, wanted, strict=True))


def test_the_last_digit_where_a_pass_fills_no_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sigmoid_gradients, "LARGE", 1)
    nets = sigmoid_nets((9, 7, 5, 4), seeds=SEEDS)
    for one, other in zip(by_hand(nets, cross_entropy)[1], by_autograd(nets, cross_entropy)[1], strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-7)


def test_passes_hold_every_member_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sigmoid_gradients, "LARGE", 3 * ROWS * 6)
    passes = sigmoid_gradients._members(sigmoid_nets(WIDTHS, seeds=SEEDS), ROWS)
    assert [member for part in passes for member in range(part.start, part.stop)] == [0, 1, 2, 3]
    assert len(passes) == 2


def test_weights_that_move_are_read_anew() -> None:
    inputs, labels = batch()
    nets = sigmoid_nets(WIDTHS, seeds=SEEDS)
    by = SigmoidGradients(nets)
    first = by(lambda who: (inputs[who], labels[who]), ROWS, cross_entropy)
    with torch.no_grad():
        for parameter in nets.parameters():
            parameter.mul_(2)
    assert not torch.equal(first, by(lambda who: (inputs[who], labels[who]), ROWS, cross_entropy))
    assert torch.equal(
        *(value for value, _ in (by_hand(nets, cross_entropy), by_autograd(nets, cross_entropy)))
    )
