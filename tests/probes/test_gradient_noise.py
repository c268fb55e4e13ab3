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
from levinthal.networks import cross_entropy, first_last, passes, squared_error
from levinthal.probes import gradient_signal_to_noise
from levinthal.probes.gradient_noise import layer_gradients, signal_to_noise, signals_to_noise
from levinthal.probes.parameters import by_layer, gradients
from levinthal.vocabulary import Snapshot, Trust

X = torch.rand(60, 9, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
Y = torch.arange(60) % 10
LAYERS = ["hidden1", "hidden2", "hidden3", "hidden4", "softmax"]


def ensemble(**switches):
    return first_last(inputs=9, width=3, depth=4, seeds=(2, 7), dtype=torch.float64, **switches)


def snapshot(model):
    return Snapshot(3, 0.5, model, X, Y, torch.zeros(2))


@pytest.mark.parametrize("loss", [cross_entropy, squared_error])
@pytest.mark.parametrize("largest", [1, 10 * 2 * 3 * 2 * 2, passes.LARGE])  # one batch a pass, two, all
def test_batches_together_have_the_gradients_of_batches_alone(loss, largest, monkeypatch):
    monkeypatch.setattr(passes, "LARGE", largest)
    net, x, y = ensemble(shortcut=True), X.view(6, 10, 9), Y.view(6, 10)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    found = layer_gradients(net, x, y, loss)
    for m in range(6):
        for layer, rows in by_layer(net, gradients(net, x[m], y[m], loss)).items():
            torch.testing.assert_close(found[layer][:, m], rows, rtol=1e-10, atol=1e-14)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_several_ratios_are_those_of_each():
    vectors = torch.randn(4, 6, 9, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    grams = vectors @ vectors.mT
    assert signals_to_noise(grams) == [signal_to_noise(gram) for gram in grams]


@given(m=st.integers(3, 8), seed=st.integers(0, 100))
def test_signal_to_noise_is_that_of_the_reference_implementation(m, seed):
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


def test_in_ordinary_modules_each_parameter_is_a_layer():
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
