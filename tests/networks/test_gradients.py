from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from levinthal.networks import first_last, loss_and_gradients, ordinary, passes, prefers_ensemble
from levinthal.networks.losses import cross_entropy, squared_error

FOUR = [(shortcut, residual) for shortcut in (False, True) for residual in (False, True)]


def build(depth=6, width=4, seeds=(0, 5, 2), **more):
    net = first_last(inputs=9, width=width, depth=depth, seeds=seeds, dtype=torch.float64, **more)
    draw = torch.Generator().manual_seed(7)
    with torch.no_grad():
        net.gamma.uniform_(0.5, 1.5, generator=draw)
        net.beta.normal_(generator=draw)
        net.bias.normal_(generator=draw)
    return net


def batch(n=20, seeds=None):
    draw = torch.Generator().manual_seed(n)
    lead = () if seeds is None else (seeds,)
    x = torch.randn(*lead, n, 9, generator=draw, dtype=torch.float64)
    return x, torch.randint(0, 10, (*lead, n), generator=draw)


def largest_difference(model, reference):
    pairs = zip(model.parameters(), reference.parameters(), strict=True)
    return max(float((a.grad - b.grad).abs().max()) for a, b in pairs)


def by_autograd(reference, x, y, loss):
    losses = loss(reference(x), y)
    losses.sum().backward()
    return losses.detach()


@given(
    depth=st.integers(2, 9),
    width=st.integers(1, 6),
    switches=st.sampled_from(FOUR),
    own=st.booleans(),
    loss=st.sampled_from([cross_entropy, squared_error]),
)
def test_by_hand_as_by_autograd(depth, width, switches, own, loss):
    shortcut, residual = switches
    model, reference = (build(depth, width, shortcut=shortcut, residual=residual) for _ in range(2))
    x, y = batch(seeds=3 if own else None)
    losses = loss_and_gradients(model, x, y, loss)
    assert torch.allclose(losses, by_autograd(reference, x, y, loss), atol=1e-12)
    assert largest_difference(model, reference) < 1e-10
    assert torch.allclose(model.running_var, reference.running_var, atol=1e-13)
    assert torch.allclose(model.running_mean, reference.running_mean, atol=1e-13)
    assert int(model.updates) == int(reference.updates) == 1


@pytest.mark.parametrize(("shortcut", "residual"), FOUR)
def test_the_ensemble_is_its_networks_one_by_one(shortcut, residual):
    model = build(shortcut=shortcut, residual=residual)
    singles = [ordinary(model, index) for index in range(3)]
    x, y = batch()
    losses = loss_and_gradients(model, x, y)
    for index, single in enumerate(singles):
        by_autograd(single, x, y, cross_entropy)
        assert torch.isclose(losses[index], cross_entropy(single(x), y), atol=1e-12)
        for weight, linear in zip(model.weights, [*single.linears, single.head], strict=True):
            assert float((weight.grad[index] - linear.weight.grad).abs().max()) < 1e-10
        for norm, span in zip(single.norms, model.architecture.spans, strict=True):
            assert float((model.gamma.grad[index, span] - norm.weight.grad).abs().max()) < 1e-10
            assert float((model.beta.grad[index, span] - norm.bias.grad).abs().max()) < 1e-10


@pytest.mark.parametrize("own", [False, True])
def test_seeds_in_parts_are_seeds_at_once(monkeypatch, own):
    together, apart = build(), build()
    x, y = batch(seeds=3 if own else None)
    loss_and_gradients(together, x, y)
    monkeypatch.setattr(passes, "LARGE", 2 * 4 * 20 * 2)  # two seeds a pass, then one
    losses = loss_and_gradients(apart, x, y)
    assert losses.shape == (3,)
    assert largest_difference(together, apart) < 1e-12
    assert torch.allclose(together.running_var, apart.running_var, atol=1e-14)


def test_gradients_are_overwritten_not_added():
    model, (x, y) = build(), batch()
    loss_and_gradients(model, x, y)
    first = [p.grad.clone() for p in model.parameters()]
    loss_and_gradients(model, x, y)
    assert all(torch.equal(a, p.grad) for a, p in zip(first, model.parameters(), strict=True))


def test_the_rule_goes_from_all_seeds_to_one():
    assert prefers_ensemble(20, 128, 8)
    assert prefers_ensemble(50, 512, 8)
    assert not prefers_ensemble(50, 60_000, 8)
    assert not prefers_ensemble(20, 128, 1)
    assert passes.seeds_together(20, 128, 8) == 8


def test_a_loss_that_is_not_finite_stays_with_its_network():
    model, (x, y) = build(), batch()
    with torch.no_grad():
        model.bias[1] = torch.inf
    losses = loss_and_gradients(model, x, y)
    assert losses.isfinite().tolist() == [True, False, True]
    assert bool(model.weights[0].grad[[0, 2]].isfinite().all())
