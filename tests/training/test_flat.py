from __future__ import annotations

import torch
from torch import nn

from levinthal.training.flat import flatten, gradient


def test_parameters_and_gradients_are_views_that_keep_their_values():
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2).double())
    before = [p.detach().clone() for p in net.parameters()]
    flat = flatten(net)
    assert [row.dtype for row in flat.rows] == [torch.float32, torch.float64]
    assert all(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))
    flat.rows[0].add_(1)
    gradient(flat.rows[1]).fill_(7)
    assert torch.equal(net[0].bias, before[1] + 1)
    assert bool((net[1].weight.grad == 7).all())
    flat.zero()
    assert not net[1].weight.grad.any()


def test_a_gradient_that_was_dropped_is_found_again():
    net = nn.Linear(3, 4)
    flat = flatten(net)
    net.zero_grad(set_to_none=True)
    flat.relink()
    net(torch.ones(2, 3)).sum().backward()
    assert torch.equal(gradient(flat.rows[0])[-4:], torch.full((4,), 2.0))


def test_frozen_parameters_stay_out():
    net = nn.Linear(3, 4)
    net.bias.requires_grad_(False)
    assert flatten(net).rows[0].numel() == 12


def test_tied_parameters_are_counted_once():
    first, second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    second.weight = first.weight
    assert flatten(nn.Sequential(first, second)).rows[0].numel() == 9
