from __future__ import annotations

import numpy as np
import pytest
import torch
from tests import oracles_training as oracle

from levinthal.errors import InputError
from levinthal.networks import BATCHNORM_MODES, first_last, loss_and_gradients, reading
from levinthal.networks.reading import Statistics, activations, debiased, logits_without, statistics

DRAW = torch.Generator().manual_seed(3)
X = torch.randn(50, 9, generator=DRAW, dtype=torch.float64)
Y = torch.randint(0, 10, (50,), generator=DRAW)


def trained(steps=3, **more):
    net = first_last(inputs=9, width=4, depth=6, seeds=(0, 8), dtype=torch.float64, **more)
    for step in range(steps):
        loss_and_gradients(net, X[step * 10 : step * 10 + 20], Y[step * 10 : step * 10 + 20])
        with torch.no_grad():
            for weight in net.parameters():
                weight -= 0.1 * weight.grad
    return net


def given(net, mode):
    return {
        "running": lambda: Statistics(net.running_mean, net.running_var),
        "debiased": lambda: debiased(net),
        "batch": lambda: None,
        "recalibrated": lambda: statistics(net, X[:30]),
    }[mode]()


@pytest.mark.parametrize("mode", BATCHNORM_MODES)
@pytest.mark.parametrize(("shortcut", "residual"), [(False, False), (True, True)])
def test_every_layer_is_the_slow_twin_s(mode, shortcut, residual):
    net = trained(shortcut=shortcut, residual=residual)
    read, fixed = activations(net, X, batchnorm=mode, reference=X[:30]), given(net, mode)
    for index in range(2):
        produced, stream, logits, _ = oracle.network(
            [weight[index].detach().numpy() for weight in net.weights],
            *(p[index].detach().numpy() for p in (net.gamma, net.beta, net.bias)),
            X.numpy(),
            shortcut=shortcut,
            residual=residual,
            statistics=fixed and (fixed.mean[index].numpy(), fixed.var[index].numpy()),
        )
        for layer in range(1, 7):
            np.testing.assert_allclose(read.produced[layer][index], produced[layer - 1], atol=1e-11)
            np.testing.assert_allclose(read.stream[layer][index], stream[layer - 1], atol=1e-11)
        np.testing.assert_allclose(read.logits[index], logits, atol=1e-11)


@pytest.mark.parametrize("mode", BATCHNORM_MODES)
def test_evaluating_changes_nothing(mode):
    net = trained(shortcut=True)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    slopes = [p.grad.clone() for p in net.parameters()]
    activations(net, X, batchnorm=mode, reference=X)
    logits_without(net, X, "deep", batchnorm=mode, reference=X)
    assert net.training
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert all(torch.equal(a, p.grad) for a, p in zip(slopes, net.parameters(), strict=True))


def test_running_in_evaluation_mode_and_batch_in_training_mode_are_the_module_s_own():
    net = trained(residual=True)
    with torch.no_grad():
        running, batch = net.eval()(X), net.train()(X)
    net = trained(residual=True)
    assert torch.allclose(activations(net, X, layers=()).logits, running, atol=1e-12)
    assert torch.allclose(activations(net, X, batchnorm="batch", layers=()).logits, batch, atol=1e-12)


def test_debiased_after_one_step_is_that_batch_and_before_it_the_start():
    net = trained(0)
    assert torch.equal(debiased(net).var, torch.ones_like(net.running_var))
    assert torch.equal(debiased(net).mean, torch.zeros_like(net.running_mean))
    batch = statistics(net, X)
    loss_and_gradients(net, X, Y)
    assert torch.allclose(debiased(net).mean, batch.mean, atol=1e-12)
    assert torch.allclose(debiased(net).var, batch.var, atol=1e-12)


def test_debiased_is_the_weighted_mean_of_the_batches():
    net, wanted, weight = trained(0), 0.0, 0.0
    for rows in (X[:20], X[20:40], X[30:]):
        wanted = 0.99 * wanted + 0.01 * statistics(net, rows).var
        weight = 0.99 * weight + 0.01
        loss_and_gradients(net, rows, Y[: len(rows)])
    assert torch.allclose(debiased(net).var, wanted / weight, atol=1e-12)


@pytest.mark.parametrize("mode", ["running", "recalibrated"])
def test_chunks_of_rows_are_the_whole(monkeypatch, mode):
    net = trained()
    whole = activations(net, X, batchnorm=mode, reference=X)
    monkeypatch.setattr(reading, "ROWS", 7)
    parts = activations(net, X, batchnorm=mode, reference=X)
    assert all(torch.allclose(whole.stream[layer], parts.stream[layer], atol=1e-13) for layer in range(1, 7))
    assert torch.allclose(whole.logits, parts.logits, atol=1e-13)


def test_only_the_layers_asked_for_are_kept():
    read = activations(trained(), X, layers=(6, 1))
    assert list(read.produced) == list(read.stream) == [1, 6]
    assert read.produced[1].shape == (2, 50, 8)


def test_a_path_replaced_by_its_mean():
    net = trained(shortcut=True)
    read = activations(net, X, batchnorm="batch")
    first, last = read.produced[1], read.produced[6]
    for path, remaining, cut in (("deep", first, last), ("shallow", last, first)):
        summed = remaining + cut.mean(1, keepdim=True)
        wanted = summed @ net.weights[-1].mT + net.bias[:, None]
        assert torch.allclose(logits_without(net, X, path, batchnorm="batch"), wanted, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda net: activations(net, X, batchnorm="runing"), "did you mean 'running'"),
        (lambda net: activations(net, X, batchnorm="recalibrated"), "reference="),
        (lambda net: activations(net, X, layers=(7,)), "no hidden layer 7 in a network of 6"),
        (lambda net: logits_without(net, X, "deep"), "mlp network has no path to cut"),
        (lambda net: logits_without(trained(shortcut=True), X, "depth"), "did you mean 'deep'"),
    ],
)
def test_what_cannot_be_read(call, said):
    with pytest.raises(InputError) as caught:
        call(trained())
    assert said in str(caught.value)
