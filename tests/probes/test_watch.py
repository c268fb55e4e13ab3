from __future__ import annotations

import torch

from levinthal.networks import first_last
from levinthal.probes import error_rate, gradient_norms, only_at, training_loss, watch
from levinthal.training import train

X = torch.rand(40, 9, generator=torch.Generator().manual_seed(3))
Y = torch.arange(40) % 10


def run(steps=6, snapshots=None):
    net = first_last(inputs=9, width=3, depth=4, seeds=(2, 7))
    return net, train(net, X, Y, steps=steps, batch_size=8, snapshots=snapshots)


def test_every_probe_at_every_moment_in_order():
    _, snapshots = run(snapshots=(0, 3, 6))
    seen = [(m.step, m.name, m.seed) for m in watch(snapshots, [training_loss, error_rate(X, Y)])]
    wanted = [
        (step, name, seed)
        for step in (0, 3, 6)
        for name in ("training_loss", "test_error")
        for seed in (2, 7)
    ]
    assert seen == wanted


def test_a_schedule_and_a_probe_s_own():
    _, snapshots = run(snapshots=range(7))
    probes = [training_loss, only_at({4}, gradient_norms)]
    seen = {(m.step, m.name) for m in watch(snapshots, probes, schedule=(1, 4))}
    assert seen == {(1, "training_loss"), (4, "training_loss"), (4, "gradient_norm")}


def test_watching_changes_no_weight():
    watched, snapshots = run()
    assert len(list(watch(snapshots, [training_loss, error_rate(X, Y), gradient_norms]))) > 10
    alone, snapshots = run(snapshots=())
    assert list(snapshots) == []
    pairs = zip(watched.state_dict().values(), alone.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
