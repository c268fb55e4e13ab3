from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from levinthal.errors import InputError
from levinthal.networks import cross_entropy, first_last, loss_and_gradients
from levinthal.probes import displacement, displacement_exponent, gradient_norms
from levinthal.probes.parameters import by_layer, gradients
from levinthal.vocabulary import Snapshot

X = torch.rand(60, 9, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
Y = torch.arange(60) % 10
LAYERS = ["hidden1", "hidden2", "hidden3", "hidden4", "softmax"]


def ensemble():
    return first_last(inputs=9, width=3, depth=4, seeds=(2, 7), dtype=torch.float64)


def snapshot(model):
    return Snapshot(3, 0.5, model, X, Y, torch.zeros(2))


def test_layers_hold_every_parameter_once():
    net = ensemble()
    rows = by_layer(net, dict(net.named_parameters()))
    assert list(rows) == LAYERS
    assert sum(row.shape[1] for row in rows.values()) == sum(p[0].numel() for p in net.parameters())
    assert all(row.shape[0] == 2 for row in rows.values())


def test_gradient_norms_add_up_to_the_whole():
    net = ensemble()
    loss_and_gradients(net, X, Y)
    found = [m for m in gradient_norms(snapshot(net)) if m.seed == 7]
    assert [m.layer for m in found] == LAYERS
    whole = math.sqrt(sum(float(p.grad[1].square().sum()) for p in net.parameters()))
    assert math.isclose(math.hypot(*(m.estimate.value for m in found)), whole, rel_tol=1e-9)


def test_displacement_is_the_distance_from_the_initialisation():
    net = ensemble()
    probe = displacement(net)
    assert all(m.estimate.value == 0 for m in probe(snapshot(net)))
    with torch.no_grad():
        net.weights[1][0, 0, 0] += 3
        net.beta[0, 6] += 4  # the first unit of hidden layer 2
    moved = {(m.layer, m.seed): m.estimate.value for m in probe(snapshot(net))}
    assert math.isclose(moved["hidden2", 2], 5.0, rel_tol=1e-9)
    assert sum(moved.values()) == moved["hidden2", 2]


@given(exponent=st.floats(0.1, 1.5), scale=st.floats(1e-3, 1e3))
def test_a_power_law_gives_its_exponent(exponent, scale):
    steps = [0, 1, 3, 10, 50]
    distances = [scale * step**exponent for step in steps]
    assert math.isclose(displacement_exponent(steps, distances), exponent, rel_tol=1e-6)


def test_a_random_walk_diffuses():
    walk = np.random.default_rng(0).normal(size=(4096, 2000)).cumsum(0)
    steps = [2**k for k in range(13)]
    exponent = displacement_exponent(steps, [float(np.linalg.norm(walk[step - 1])) for step in steps])
    assert abs(exponent - 0.5) < 0.02


def test_one_point_has_no_slope():
    with pytest.raises(InputError, match="points=1"):
        displacement_exponent([0, 5], [0.0, 1.0])


def test_gradients_are_the_step_s_and_leave_the_model_alone():
    net, reference = ensemble(), ensemble()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = gradients(net, X, Y, cross_entropy)
    loss_and_gradients(reference, X, Y)
    for name, parameter in reference.named_parameters():
        assert torch.allclose(found[name], parameter.grad, atol=1e-12)
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_layers_of_an_ensemble_without_gradients_are_left_out() -> None:
    net = first_last(inputs=4, width=3, depth=2)
    inputs = torch.zeros(5, 4)
    before = Snapshot(0, 0.0, net, inputs, torch.zeros(5, dtype=torch.long), torch.zeros(()))
    assert list(gradient_norms(before)) == []
    net.bias.grad = torch.ones_like(net.bias)
    assert [one.layer for one in gradient_norms(before)] == ["softmax"] * len(net.bias)
