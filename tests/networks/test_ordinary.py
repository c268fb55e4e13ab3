from __future__ import annotations

import pytest
import torch

from levinthal.networks import first_last, ordinary
from levinthal.networks.ordinary import KerasBatchNorm
from levinthal.training import SGD, Adam, RMSprop, train


def test_the_running_variance_takes_the_biased_batch_variance():
    norm = KerasBatchNorm(3, eps=1e-3, momentum=0.01, dtype=torch.float64)
    first, second = torch.randn(2, 5, 3, dtype=torch.float64)
    norm(first)
    norm(second)
    wanted = 0.99 * (0.99 + 0.01 * first.var(0, correction=0)) + 0.01 * second.var(0, correction=0)
    assert torch.allclose(norm.running_var, wanted, atol=1e-14)
    assert torch.allclose(norm.eval()(first), (first - norm.running_mean) / (wanted + 1e-3).sqrt())


def test_it_is_a_copy():
    model = first_last(inputs=9, width=4, depth=5, seeds=(0, 1))
    single = ordinary(model, 1)
    before = model.weights[0].clone()
    with torch.no_grad():
        single.linears[0].weight.zero_()
    assert torch.equal(model.weights[0], before)


@pytest.mark.parametrize("rule", [RMSprop(), Adam(), SGD(0.05, momentum=0.9)])
@pytest.mark.parametrize(("shortcut", "residual"), [(False, False), (True, True)])
def test_twenty_steps_of_float32_lose_the_same(rule, shortcut, residual):
    draw = torch.Generator().manual_seed(0)
    x, y = torch.rand(400, 30, generator=draw), torch.randint(0, 10, (400,), generator=draw)
    shape = {"inputs": 30, "width": 10, "depth": 6, "shortcut": shortcut, "residual": residual}
    settings = {"steps": 20, "batch_size": 64, "optimizer": rule, "snapshots": range(21)}
    seeds = (3, 1, 7)
    ensemble = [
        snapshot.loss
        for snapshot in train(first_last(**shape, seeds=seeds), x, y, order_seeds=seeds, **settings)
    ]
    assert len(ensemble) == 21
    for index, seed in enumerate(seeds):
        single = ordinary(first_last(**shape, seeds=(seed,)))
        losses = [snapshot.loss for snapshot in train(single, x, y, order_seeds=seed, **settings)]
        apart = max(abs(float(both[index]) - float(one)) for both, one in zip(ensemble, losses, strict=True))
        assert apart < 1e-4
