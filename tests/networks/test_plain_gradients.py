"""The backward pass of a plain network by hand against autograd, to the bit."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import nn

from levinthal.networks.losses import cross_entropy
from levinthal.networks.plain import ACTIVATIONS, NORMS, Stage, plain
from levinthal.networks.plain_gradients import PlainGradients
from levinthal.training import Adam, train

DRAW = torch.Generator().manual_seed(4)
X, Y = torch.randn(48, 9, generator=DRAW), torch.randint(0, 3, (48,), generator=DRAW)
SWITCHES = [
    {"activation": act, "norm": norm, "residual": skip}
    for act, norm, skip in itertools.product(ACTIVATIONS, NORMS, (False, True))
]


def net(**switches: Any) -> nn.Sequential:
    return plain(inputs=9, width=7, depth=6, outputs=3, seed=2, gain=1.5, **switches)


@pytest.mark.parametrize("switches", SWITCHES, ids=lambda given: "-".join(map(str, given.values())))
def test_the_same_bits_as_autograd(switches: dict[str, Any]) -> None:
    """Loss, gradients and running statistics of two batches. Old gradients are overwritten, not added to."""
    one, other = net(**switches), net(**switches)
    by_hand = PlainGradients.of(one)
    assert by_hand is not None
    for rows in (slice(0, 16), slice(16, 48)):
        other.zero_grad()
        expected = cross_entropy(other(X[rows]), Y[rows])
        expected.backward()  # type: ignore[no-untyped-call]
        assert torch.equal(by_hand(X[rows], Y[rows], cross_entropy), expected)
        for p, q in zip(one.parameters(), other.parameters(), strict=True):
            assert p.grad is not None
            assert q.grad is not None
            assert torch.equal(p.grad, q.grad)
        assert all(torch.equal(p, q) for p, q in zip(one.buffers(), other.buffers(), strict=True))


def test_a_run_has_the_bits_of_a_run_by_autograd() -> None:
    """A hook that does nothing keeps the second network on autograd."""
    nets = [net(norm="batch", residual=True) for _ in range(2)]
    nets[1].register_forward_hook(lambda *_: None)
    runs = [
        train(one, X, Y, steps=12, batch_size=10, optimizer=Adam(0.01), snapshots=(0, 5, 12), device="cpu")
        for one in nets
    ]
    for one, other in zip(*runs, strict=True):
        assert torch.equal(one.loss, other.loss)
        for p, q in zip(one.model.parameters(), other.model.parameters(), strict=True):
            assert torch.equal(p, q)
        for p, q in zip(one.model.buffers(), other.model.buffers(), strict=True):
            assert torch.equal(p, q)


def test_other_networks_are_left_to_autograd() -> None:
    hooked, frozen, changed = net(), net(), net()
    hooked.get_submodule("0.0").register_full_backward_hook(lambda *_: None)
    next(frozen.parameters()).requires_grad_(False)
    changed.append(Stage(nn.Dropout()))
    for other in (hooked, frozen, changed, nn.Sequential(nn.Linear(9, 3)), nn.Linear(9, 3)):
        assert PlainGradients.of(other) is None
