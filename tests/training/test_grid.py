"""A grid of seeds and learning rates, against each of its members trained alone."""

from __future__ import annotations

import pytest
import torch

from levinthal.networks.sigmoid import sigmoid_cross_entropy, sigmoid_nets
from levinthal.training.grid import Grid, train_grid
from levinthal.training.members import ByRow
from levinthal.vocabulary import Estimate

DRAW = torch.Generator().manual_seed(8)
X = torch.rand(30, 5, generator=DRAW, dtype=torch.float64)
Y = torch.randint(0, 3, (30,), generator=DRAW)


def losses(grid: Grid) -> list[list[float]]:
    """The loss of every member after 0 and 20 steps."""
    nets = sigmoid_nets((5, 4, 3), seeds=grid.seeds, dtype=torch.float64)
    found = []
    for snapshot in train_grid(
        nets, X, Y, grid=grid, steps=20, batch_size=7, loss=sigmoid_cross_entropy, snapshots=(0, 20)
    ):
        assert isinstance(snapshot.model, ByRow)
        found.append(sigmoid_cross_entropy(snapshot.model.nets(X), Y).tolist())
    return found


def test_a_member_of_the_grid_is_the_same_run_alone() -> None:
    grid = Grid.of((4, 9), (0.1, 1.0))
    together = losses(grid)
    for member, (seed, rate) in enumerate(zip(grid.seeds, grid.rates, strict=True)):
        alone = losses(Grid.of((seed,), (rate,)))
        assert [step[member] for step in together] == pytest.approx([step[0] for step in alone], rel=1e-9)


def test_learning_rates_of_a_seed_begin_with_the_same_weights() -> None:
    before, after = losses(Grid.of((4, 9), (0.1, 1.0)))
    assert before[:2] == before[2:]
    assert after[0] != after[2]


def test_numbers_tensors_and_estimates_get_the_address_of_their_member() -> None:
    grid = Grid.of((4, 9), (0.1, 1.0))
    found = list(grid.measurements("loss", torch.tensor([1.0, 2.0, 3.0, 4.0]), 20, "2", "nats"))
    assert [(m.seed, m.condition, float(m.estimate)) for m in found] == [
        (4, "rate=0.1", 1.0),
        (9, "rate=0.1", 2.0),
        (4, "rate=1", 3.0),
        (9, "rate=1", 4.0),
    ]
    assert {(m.name, m.step, m.layer, m.estimate.unit) for m in found} == {("loss", 20, "2", "nats")}
    known = Estimate.exact(0.5, "share")
    assert [m.estimate for m in grid.measurements("error", [known] * 4, 0)] == [known] * 4
    with pytest.raises(ValueError, match="shorter"):
        list(grid.measurements("error", [known], 0))
