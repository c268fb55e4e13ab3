from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests import oracles_training as oracle
from torch import nn

from levinthal.errors import InputError
from levinthal.networks import cross_entropy, first_last, loss_and_gradients
from levinthal.probes import displacement, displacement_exponent, gradient_norms, gradient_signal_to_noise
from levinthal.probes.parameters import by_layer, gradients, signal_to_noise
from levinthal.vocabulary import Snapshot, Trust

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


def test_displacement_is_the_distance_from_the_start():
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


@given(m=st.integers(3, 8), seed=st.integers(0, 100))
def test_signal_to_noise_is_the_slow_twin(m, seed):
    vectors = np.random.default_rng(seed).normal(0.3, 1, size=(m, 5))
    gram = torch.as_tensor(vectors @ vectors.T)
    assert math.isclose(
        signal_to_noise(gram).value, oracle.signal_to_noise(vectors), rel_tol=1e-6, abs_tol=1e-9
    )


def test_signal_to_noise_is_unbiased_and_its_interval_covers():
    rng, d, mean = np.random.default_rng(0), 200, 0.1
    truth, found = mean**2, []
    for _ in range(300):
        vectors = rng.normal(mean, 1, size=(12, d))
        found.append(signal_to_noise(torch.as_tensor(vectors @ vectors.T)))
    values = np.array([estimate.value for estimate in found])
    assert abs(values.mean() - truth) < 3 * values.std() / math.sqrt(300)
    covered = np.mean([e.interval.low <= truth <= e.interval.high for e in found])
    assert covered > 0.88


def test_without_noise_there_is_no_ratio():
    estimate = signal_to_noise(torch.ones(4, 4, dtype=torch.float64))
    assert estimate.trust is Trust.UNRELIABLE


def test_gradients_are_the_step_s_and_leave_the_model_alone():
    net, twin = ensemble(), ensemble()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = gradients(net, X, Y, cross_entropy)
    loss_and_gradients(twin, X, Y)
    for name, parameter in twin.named_parameters():
        assert torch.allclose(found[name], parameter.grad, atol=1e-12)
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_the_probe_is_the_ratio_of_its_batches():
    net = ensemble()
    probe = gradient_signal_to_noise(X, Y, batch_size=10, batches=5)
    found = {(m.layer, m.seed): m.estimate.value for m in probe(snapshot(net))}
    assert {layer for layer, _ in found} == {*LAYERS, "all"}
    assert found == {(m.layer, m.seed): m.estimate.value for m in probe(snapshot(net))}
    everything = gradient_signal_to_noise(X, Y, batch_size=20, batches=3)(snapshot(net))
    assert all(math.isfinite(m.estimate.value) for m in everything)


def test_one_class_pulls_harder_than_ten():
    def softmax(labels):
        probe = gradient_signal_to_noise(X, labels, batch_size=15, batches=4)
        return next(m.estimate.value for m in probe(snapshot(ensemble())) if m.layer == "softmax")

    assert softmax(torch.zeros_like(Y)) > 10 > softmax(Y)


def test_ordinary_modules_have_a_layer_a_parameter():
    net = nn.Sequential(nn.Linear(9, 10)).double()
    found = list(gradient_signal_to_noise(X, Y, batch_size=10, batches=4)(snapshot(net)))
    assert [m.layer for m in found] == ["0.weight", "0.bias", "all"]


@pytest.mark.parametrize(
    ("batch_size", "batches", "said"), [(10, 2, "batches=2"), (10, 7, "inputs=60 cannot fill 7 x 10")]
)
def test_too_little_data(batch_size, batches, said):
    with pytest.raises(InputError) as caught:
        gradient_signal_to_noise(X, Y, batch_size=batch_size, batches=batches)
    assert said in str(caught.value)
