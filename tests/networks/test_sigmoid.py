from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from levinthal.errors import InputError
from levinthal.networks import cross_entropy
from levinthal.networks.sigmoid import INITIALISATIONS, UNITS, sigmoid_cross_entropy, sigmoid_nets

ACTS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "softsign": nn.Softsign}
DRAW = torch.Generator().manual_seed(5)
X = torch.rand(12, 9, generator=DRAW, dtype=torch.float64)
Y = torch.randint(0, 4, (12,), generator=DRAW)


def single_network(nets, index):
    """One network of the ensemble as a user would write it."""
    parts = []
    for weight, bias in zip(nets.weights, nets.biases, strict=True):
        linear = nn.Linear(weight.shape[2], weight.shape[1], dtype=weight.dtype)
        with torch.no_grad():
            linear.weight.copy_(weight[index])
            linear.bias.copy_(bias[index])
        parts += [linear, ACTS[nets.unit]()]
    return nn.Sequential(*parts[:-1])


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("own", [False, True])
def test_the_ensemble_is_its_modules_one_by_one(unit, own):
    nets = sigmoid_nets((9, 6, 5, 4), seeds=(0, 3, 1), unit=unit, dtype=torch.float64)
    batch = torch.stack([X, X.flip(0), 2 * X]) if own else X
    sigmoid_cross_entropy(nets(batch), Y).sum().backward()
    for index in range(3):
        single = single_network(nets, index)
        x = batch[index] if own else batch
        single_out = single(x)
        assert torch.allclose(nets(batch)[index], single_out, atol=1e-12)
        hidden, _ = nets.layers(batch)
        assert torch.allclose(hidden[0][index].T, single[:2](x), atol=1e-12)
        wanted = functional.one_hot(Y, 4).double()
        total = functional.binary_cross_entropy_with_logits(single_out, wanted, reduction="sum") / len(x)
        total.backward()
        for layer, linear in enumerate(single[::2]):
            assert torch.allclose(nets.weights[layer].grad[index], linear.weight.grad, atol=1e-10)
            assert torch.allclose(nets.biases[layer].grad[index], linear.bias.grad, atol=1e-10)


def test_the_slope_of_the_loss_is_output_minus_target():
    outputs = torch.randn(2, 12, 4, generator=DRAW, dtype=torch.float64).requires_grad_()
    sigmoid_cross_entropy(outputs, Y).sum().backward()
    expected = (outputs.sigmoid() - functional.one_hot(Y, 4)) / 12
    assert torch.allclose(outputs.grad, expected.detach(), atol=1e-14)


def test_losses_take_labels_of_each_network():
    outputs = torch.randn(2, 12, 4, generator=DRAW, dtype=torch.float64)
    both = torch.stack([Y, Y.flip(0)])
    for loss in (sigmoid_cross_entropy, cross_entropy):
        each = [loss(outputs[i], both[i]) for i in (0, 1)]
        assert torch.allclose(loss(outputs, both), torch.stack(each))


@pytest.mark.parametrize(
    ("start", "variance"),
    [
        ("unit_normal", 1),
        ("fan_in_normal", 1 / 400),
        ("fan_in_uniform", 1 / 1200),
        ("normalised_uniform", 2 / 700),
        ("orthogonal", 1 / 400),
    ],
)
def test_weights_have_the_variance_they_should(start, variance):
    nets = sigmoid_nets((400, 300, 10), seeds=tuple(range(4)), initialisation=start, dtype=torch.float64)
    assert float(nets.weights[0].detach().var()) == pytest.approx(variance, rel=0.02)
    assert float(nets.biases[0].detach().std()) == pytest.approx(INITIALISATIONS[start][1], rel=0.1)


def test_uniform_weights_stay_in_their_bounds():
    for start, bound in (("fan_in_uniform", 1 / 20), ("normalised_uniform", math.sqrt(6 / 700))):
        weight = sigmoid_nets((400, 300, 10), initialisation=start).weights[0].detach()
        assert 0.99 * bound < float(weight.abs().max()) <= bound


def test_a_seed_is_the_same_in_any_company():
    alone, among = sigmoid_nets((9, 6, 4), seeds=(2,)), sigmoid_nets((9, 6, 4), seeds=(0, 2, 2))
    for one, many in zip(alone.parameters(), among.parameters(), strict=True):
        assert torch.equal(one[0], many[1])
        assert torch.equal(one[0], many[2])
        assert not torch.equal(many[0], many[1])


def test_both_normal_starts_are_one_draw_at_two_scales_and_deeper_networks_begin_alike():
    big, small = (
        sigmoid_nets((9, 6, 6, 4), initialisation=start, dtype=torch.float64)
        for start in ("unit_normal", "fan_in_normal")
    )
    assert torch.allclose(big.weights[0], 3 * small.weights[0])
    assert torch.equal(big.biases[1], small.biases[1])
    shallow = sigmoid_nets((9, 6, 4), dtype=torch.float64)
    assert torch.equal(shallow.weights[0], small.weights[0])


@pytest.mark.parametrize(
    ("widths", "more", "said"),
    [
        ((9, 4), {}, "widths=2"),
        ((9, 0, 4), {}, "width=0"),
        ((9, 5, 4), {"seeds": ()}, "seeds=0"),
        ((9, 5, 4), {"unit": "relu"}, "unknown unit 'relu'"),
        ((9, 5, 4), {"initialisation": "he"}, "unknown initialisation 'he'"),
    ],
)
def test_what_makes_no_network_is_said(widths, more, said):
    with pytest.raises(InputError, match=said):
        sigmoid_nets(widths, **more)
