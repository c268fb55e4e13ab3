from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from levinthal.errors import InputError
from levinthal.networks import cross_entropy, first_last
from levinthal.training import SGD, RMSprop, choose_device, train

DRAW = torch.Generator().manual_seed(3)
X = torch.rand(60, 9, generator=DRAW)
Y = torch.randint(0, 10, (60,), generator=DRAW)


def ensemble(**more):
    return first_last(**{"inputs": 9, "width": 4, "depth": 5, "seeds": (0, 8), **more})


def ordinary_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(9, 6), nn.BatchNorm1d(6), nn.Dropout(0.2), nn.Linear(6, 10))


def finished(model, **more):
    for _ in train(model, X, Y, **{"steps": 12, "batch_size": 16, "snapshots": (), **more}):
        pass
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def meddling(snapshot):
    """All that a reader of a snapshot may do."""
    model = snapshot.model
    model.zero_grad(set_to_none=True)
    torch.rand(5)
    model.train()
    model(snapshot.inputs)
    model.eval()
    cross_entropy(model(snapshot.inputs), snapshot.labels).sum().backward()


@pytest.mark.parametrize("build", [ensemble, ordinary_net])
@pytest.mark.parametrize("batch_size", [16, None])
def test_reading_moments_changes_no_bit(build, batch_size):
    torch.manual_seed(1)
    model = build()
    torch.manual_seed(2)
    wanted = finished(model, batch_size=batch_size)
    watched = build()
    torch.manual_seed(2)
    for snapshot in train(watched, X, Y, steps=12, batch_size=batch_size, snapshots=(0, 1, 7, 12)):
        meddling(snapshot)
    assert same(wanted, dict(watched.state_dict()))


@pytest.mark.parametrize("own", [0, (3, 4)])
def test_a_seed_repeats_itself(own):
    first, again, other = finished(ensemble(), order_seeds=own), finished(ensemble(), order_seeds=own), None
    other = finished(ensemble(), order_seeds=5)
    assert same(first, again)
    assert not same(first, other)


def test_a_moment_is_the_state_just_before_its_update():
    model = ensemble()
    start = {name: value.clone() for name, value in model.state_dict().items()}
    seen = []
    for snapshot in train(model, X, Y, steps=3, optimizer=SGD(0.1), snapshots=range(4)):
        state = {name: value.clone() for name, value in model.state_dict().items()}
        seen.append((state, {name: p.grad.clone() for name, p in model.named_parameters()}, snapshot))
    assert same(seen[0][0], start)
    for t, (state, slopes, snapshot) in enumerate(seen):
        assert snapshot.step == int(state["updates"]) == t
        assert snapshot.epoch == t
        assert snapshot.loss.shape == (2,)
        if t < 3:
            for name, slope in slopes.items():
                assert torch.allclose(seen[t + 1][0][name], state[name] - 0.1 * slope, atol=1e-7)
    reference = ensemble()
    cross_entropy(reference(X), Y).sum().backward()
    for name, parameter in reference.named_parameters():
        assert torch.allclose(seen[0][1][name], parameter.grad, atol=1e-6)


def test_the_last_moment_shows_gradients_and_the_weights_that_stay():
    model = ensemble()
    for snapshot in train(model, X, Y, steps=5, batch_size=16, snapshots=(5,)):
        assert snapshot.step == 5
        assert snapshot.epoch == 5 / 3
        assert all(bool(p.grad.any()) for p in model.parameters())
    assert same(finished(ensemble(), steps=5), dict(model.state_dict()))


def test_no_step_is_a_moment_of_the_start():
    snapshots = list(train(ensemble(), X, Y, steps=0))
    assert [snapshot.step for snapshot in snapshots] == [0]


def test_stopping_early_leaves_the_state_of_that_moment():
    model = ensemble()
    for snapshot in train(model, X, Y, steps=50, batch_size=16, snapshots=(4,)):
        if snapshot.step == 4:
            break
    assert same(finished(ensemble(), steps=4), dict(model.state_dict()))


def test_one_run_of_two_is_two_runs_of_one():
    both = finished(ensemble(), order_seeds=(3, 4))
    for index, seed in enumerate((0, 8)):
        alone = finished(ensemble(seeds=(seed,)), order_seeds=3 + index)
        assert torch.allclose(both["weights.0"][index], alone["weights.0"][0], atol=1e-5)
        assert torch.allclose(both["running_var"][index], alone["running_var"][0], atol=1e-5)


def test_a_network_that_diverges_raises_nothing_and_stops_no_other():
    model = ensemble()
    with torch.no_grad():
        model.bias[0] = torch.inf
    *_, last = train(model, X, Y, steps=5, batch_size=16)
    assert last.loss.isfinite().tolist() == [False, True]
    assert bool(model.weights[0][1].isfinite().all())


def test_it_learns_squares_too():
    losses = [
        snapshot.loss
        for snapshot in train(ensemble(), X, Y, steps=60, loss="squared_error", snapshots=(0, 60))
    ]
    assert bool((losses[1] < losses[0] / 2).all())


def test_an_optimiser_of_the_user_s_sees_parameters_in_their_shapes():
    shapes = []

    def rule(parameters):
        shapes.extend(tuple(p.shape) for p in parameters)
        return torch.optim.AdamW(parameters, 1e-3)

    model = ensemble()
    before = model.weights[0].clone()
    finished(model, optimizer=rule)
    assert (2, 8, 9) in shapes
    assert not torch.equal(model.weights[0], before)


def test_arrays_of_other_kinds_are_taken():
    x = X.numpy().astype(np.float64)
    x.flags.writeable = False
    model = ensemble()
    list(train(model, x, Y.numpy().astype(np.int32), steps=2, snapshots=()))
    assert same(finished(ensemble(), steps=2, batch_size=None), dict(model.state_dict()))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"steps": -1}, "steps=-1"),
        ({"batch_size": 61}, "batch_size=61 exceeds the 60 samples"),
        ({"loss": "mse"}, "unknown loss 'mse'"),
        ({"optimizer": "rms"}, "unknown optimizer 'rms'"),
        ({"device": "gpu"}, "unknown device 'gpu'"),
        ({"order_seeds": (1, 2, 3)}, "3 order_seeds for 2 networks"),
        ({"labels": Y[:50]}, "60 inputs and 50 labels"),
    ],
)
def test_errors_come_at_once_in_one_line(more, said):
    labels = more.pop("labels", Y)
    with pytest.raises(InputError) as caught:
        train(ensemble(), X, labels, **{"steps": 3, "batch_size": 16, **more})
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_cuda_where_there_is_none(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(InputError, match="no CUDA device"):
        choose_device("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_trains_the_same_networks():
    on_cpu, on_gpu = (ensemble(dtype=torch.float64, shortcut=True, residual=True) for _ in range(2))
    losses = [
        [snapshot.loss.cpu() for snapshot in train(net, X, Y, steps=20, batch_size=16, device=device)]
        for net, device in ((on_cpu, "cpu"), (on_gpu, "cuda"))
    ]
    assert on_gpu.bias.is_cuda
    assert torch.allclose(torch.stack(losses[0]), torch.stack(losses[1]), atol=1e-8)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_no_step_on_the_gpu_waits_for_a_copy():
    run = train(
        ensemble(), X, Y, steps=20, batch_size=16, device="cuda", optimizer=RMSprop(), snapshots=(2, 19)
    )
    next(run)
    torch.cuda.set_sync_debug_mode("error")
    try:
        next(run)
    finally:
        torch.cuda.set_sync_debug_mode("default")
