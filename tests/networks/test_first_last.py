from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from tests import oracles_training as oracle

from levinthal.errors import InputError
from levinthal.networks import first_last
from levinthal.networks.reading import activations

FOUR = [(shortcut, residual) for shortcut in (False, True) for residual in (False, True)]


def build(depth=6, **more):
    return first_last(**{"inputs": 12, "width": 4, "depth": depth, "dtype": torch.float64, **more})


def inputs(n=15, d=12):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def numbers(model, index):
    weights = [weight[index].detach().numpy() for weight in model.weights]
    return weights, *(p[index].detach().numpy() for p in (model.gamma, model.beta, model.bias))


@pytest.mark.parametrize(("shortcut", "residual"), FOUR)
@pytest.mark.parametrize("depth", [2, 3, 5, 8])
def test_forward_is_the_slow_twin(shortcut, residual, depth):
    model = build(depth, shortcut=shortcut, residual=residual, seeds=(4, 1))
    with torch.no_grad():
        model.gamma.uniform_(0.5, 2)
        model.beta.normal_()
    x = inputs()
    logits = model(x).detach().numpy()
    for index in range(2):
        *_, wanted, moments = oracle.network(
            *numbers(model, index), x.numpy(), shortcut=shortcut, residual=residual
        )
        np.testing.assert_allclose(logits[index], wanted, atol=1e-12)
        np.testing.assert_allclose(
            model.running_mean[index], 0.01 * np.concatenate([mean for mean, _ in moments]), atol=1e-14
        )
        np.testing.assert_allclose(
            model.running_var[index], 0.99 + 0.01 * np.concatenate([var for _, var in moments]), atol=1e-14
        )


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_a_shallow_residual_network_is_the_mlp(depth):
    plain, residual = build(depth), build(depth, residual=True)
    assert torch.equal(plain(inputs()), residual(inputs()))
    assert not torch.equal(build(5)(inputs()), build(5, residual=True)(inputs()))


def test_the_four_share_parameter_count_and_every_initial_weight():
    nets = [build(7, shortcut=shortcut, residual=residual, seeds=(2, 9)) for shortcut, residual in FOUR]
    for net in nets[1:]:
        for (name, ours), (other, theirs) in zip(
            nets[0].named_parameters(), net.named_parameters(), strict=True
        ):
            assert name == other
            assert torch.equal(ours, theirs)


def test_a_seed_is_itself_in_any_company():
    alone, company = build(seeds=(9,)), build(seeds=(2, 9, 0))
    assert all(torch.equal(a[0], b[1]) for a, b in zip(alone.weights, company.weights, strict=True))
    assert not torch.equal(company.weights[0][0], company.weights[0][1])


def test_before_the_sum_mlp_and_shortcut_start_alike():
    mlp, shortcut = build(7), build(7, shortcut=True)
    read = [activations(net, inputs(), batchnorm="batch") for net in (mlp, shortcut)]
    assert torch.equal(read[0].produced[1], read[1].produced[1])
    assert torch.equal(read[0].produced[7], read[1].produced[7])
    assert not torch.equal(read[0].stream[7], read[1].stream[7])


def test_one_batch_a_seed_is_each_seed_on_its_batch():
    model, x = build(seeds=(0, 1)), torch.stack([inputs(), inputs() + 1])
    both = model(x)
    for index in range(2):
        assert torch.allclose(both[index], build(seeds=(0, 1))(x[index])[index], atol=1e-12)


def test_evaluation_mode_reads_running_statistics_and_moves_nothing():
    model = build(seeds=(3,)).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    *_, wanted, _ = oracle.network(
        *numbers(model, 0),
        inputs().numpy(),
        shortcut=False,
        residual=False,
        statistics=(model.running_mean[0].numpy(), model.running_var[0].numpy()),
    )
    np.testing.assert_allclose(model(inputs()).detach().numpy()[0], wanted, atol=1e-12)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_batch_norm_cancels_gain_and_not_slope():
    x = inputs(40) * 100  # so that eps is nothing beside the variance
    plain, scaled, slow = build(2), build(2, gain=3.0), build(2, slope=0.01)
    assert torch.allclose(plain(x), scaled(x), atol=5e-3)
    ratio = activations(slow, x, batchnorm="batch").produced[1].std() / 0.01
    assert math.isclose(float(ratio), 1.0, rel_tol=0.02)  # a small slope leaves tanh linear


def test_forward_is_differentiable_twice():
    model, x = build(3), inputs()
    (slope,) = torch.autograd.grad(model(x).square().sum(), model.bias, create_graph=True)
    (twice,) = torch.autograd.grad(slope.sum(), model.bias)
    assert torch.allclose(twice, torch.full_like(twice, 2.0 * len(x)))


def test_no_seed_no_network():
    with pytest.raises(InputError, match="0 seeds"):
        build(seeds=())


def test_extra_repr_says_what_it_is():
    assert "shortcut, hidden (8, 4, 8), seeds (5,)" in repr(build(3, shortcut=True, seeds=(5,)))
