from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge
from torch import nn

from levinthal.errors import InputError
from levinthal.networks import first_last
from levinthal.networks.reading import activations
from levinthal.probes import between_layers, first_last_information, linear_probe
from levinthal.vocabulary import Estimate, Snapshot

X = torch.rand(90, 9, generator=torch.Generator().manual_seed(3))
Y = X[:, :5].argmax(1)


def ensemble(**more):
    return first_last(**{"inputs": 9, "width": 3, "depth": 5, "classes": 5, "seeds": (2, 7), **more})


def snapshot(model):
    return Snapshot(3, 0.5, model, X, Y, torch.zeros(2))


class Calls:
    """An estimator that remembers what it was asked: the sum of products is its answer."""

    def __init__(self):
        self.pairs = []

    def __call__(self, x, y):
        self.pairs.append((x, y))
        return Estimate.exact(float(x.sum() * y.sum()), "bits")


def test_first_against_last_before_and_after_the_sum():
    net, calls = ensemble(shortcut=True), Calls()
    found = list(first_last_information(X, calls, batchnorm=("running", "batch"))(snapshot(net)))
    assert len(found) == len(calls.pairs) == 8
    for m, (x, y) in zip(found, calls.pairs, strict=True):
        words = dict(word.split("=") for word in m.condition.split())
        read = activations(net, X, batchnorm=words["batchnorm"])
        last = {"before": read.produced, "after": read.stream}[words["readout"]][5]
        index = net.seeds.index(m.seed)
        assert torch.equal(x, read.produced[1][index])
        assert torch.equal(y, last[index])
        assert m.estimate == Estimate.exact(float(x.sum() * y.sum()), "bits")


def test_without_a_shortcut_one_number_stands_under_both():
    calls = Calls()
    found = list(first_last_information(X, calls)(snapshot(ensemble(residual=True))))
    assert len(found) == 4
    assert len(calls.pairs) == 2
    assert found[0].estimate is found[1].estimate


def test_arms_of_a_seed_start_alike_before_the_sum():
    values = [
        [m.estimate.value for m in first_last_information(X, Calls(), readouts=("before",))(snapshot(net))]
        for net in (ensemble(), ensemble(shortcut=True))
    ]
    assert values[0] == values[1]


@pytest.mark.parametrize("against", ["first", "previous"])
def test_between_layers_reads_streams(against):
    net, calls = ensemble(residual=True), Calls()
    found = list(between_layers(X, calls, name="cka", against=against)(snapshot(net)))
    read = activations(net, X).stream
    assert [m.layer for m in found[::2]] == ["hidden2", "hidden3", "hidden4", "hidden5"]
    for m, (x, y) in zip(found, calls.pairs, strict=True):
        layer, index = int(m.layer[-1]), net.seeds.index(m.seed)
        assert torch.equal(y, read[layer][index])
        assert torch.equal(x, read[1 if against == "first" else layer - 1][index])


def test_the_linear_probe_is_ridge_regression_on_one_hot_labels():
    net = ensemble()
    train, test = (X[:60], Y[:60]), (X[60:], Y[60:])
    found = {
        (m.layer, m.seed): m.estimate for m in linear_probe(train, test, batchnorm="batch")(snapshot(net))
    }
    assert len(found) == 10
    fit, held = (activations(net, x, batchnorm="batch").stream for x in (X[:60], X[60:]))
    for layer in (1, 3, 5):
        for index, seed in enumerate(net.seeds):
            x = fit[layer][index].double().numpy()
            load = 1e-3 * np.square(x - x.mean(0)).sum(0).mean()
            ridge = Ridge(alpha=load).fit(x, np.eye(5)[Y[:60].numpy()])
            right = ridge.predict(held[layer][index].double().numpy()).argmax(1) == Y[60:].numpy()
            assert math.isclose(found[f"hidden{layer}", seed].value, right.mean())


def test_a_layer_that_is_dead_is_at_chance_and_raises_nothing():
    net = ensemble()
    with torch.no_grad():
        net.gamma.zero_()
    found = list(linear_probe((X, Y), (X, Y))(snapshot(net)))
    most = float((Y.mode().values == Y).float().mean())
    assert all(math.isclose(m.estimate.value, most, rel_tol=1e-6) for m in found)


def test_a_network_that_has_diverged_reads_nothing_and_raises_nothing():
    net = ensemble()
    with torch.no_grad():
        net.weights[1][0] = torch.nan
    found = {(m.layer, m.seed): m.estimate.value for m in linear_probe((X, Y), (X, Y))(snapshot(net))}
    assert found["hidden2", 2] == 0
    assert found["hidden2", 7] > 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: first_last_information(X, Calls(), readouts=("befor",)), "did you mean 'before'"),
        (lambda: between_layers(X, Calls(), name="x", against="second"), "unknown against 'second'"),
        (
            lambda: list(first_last_information(X, Calls())(snapshot(nn.Linear(9, 5)))),
            "the model is a Linear",
        ),
    ],
)
def test_what_cannot_be_read(call, said):
    with pytest.raises(InputError) as caught:
        call()
    assert said in str(caught.value)
