"""Every seed of a cell at every learning rate of its grid, trained at once as one ensemble.

A study names the grid, trains it, and gives one number a member; the grid knows the address of each:

    grid = Grid.of(task.seeds, rates)
    for snapshot in train_grid(networks(grid.seeds), inputs, labels, grid=grid, ...):
        yield from grid.measurements("loss", losses(snapshot), snapshot.step)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from levinthal.training.loop import train
from levinthal.training.members import ByRow, MemberSGD, Summed, own_orders
from levinthal.vocabulary import Estimate, Measurement, Snapshot


@dataclass(frozen=True, slots=True)
class Grid:
    """The members of an ensemble: member m has the weights and data order of a seed, and a learning rate.

    Attributes:
        seeds: the seed of each member; a seed occurs once for each learning rate.
        rates: the learning rate of each member.
    """

    seeds: tuple[int, ...]
    rates: tuple[float, ...]

    @classmethod
    def of(cls, seeds: Sequence[int], rates: Sequence[float]) -> Grid:
        """Every seed at every learning rate, the seeds of one rate side by side.

        Args:
            seeds: the seeds.
            rates: the learning rates.

        Returns:
            The grid of all pairs.

        >>> Grid.of((4, 5), (0.1, 1.0))
        Grid(seeds=(4, 5, 4, 5), rates=(0.1, 0.1, 1.0, 1.0))
        """
        pairs = [(seed, rate) for rate in rates for seed in seeds]
        return cls(tuple(seed for seed, _ in pairs), tuple(rate for _, rate in pairs))

    def measurements(
        self,
        name: str,
        values: Iterable[float | Estimate] | Float[Tensor, " s"],
        step: int,
        layer: str = "",
        unit: str = "",
    ) -> Iterator[Measurement]:
        """One measurement a member, with its seed and `rate=` in the condition.

        Args:
            name: the name of the measurement.
            values: one value a member: numbers, a tensor (S), or estimates.
            step: the step of training.
            layer: the layer, where it is of one.
            unit: the unit of values that are no estimates.

        Returns:
            The measurements in the order of the members.

        Raises:
            ValueError: where there are not as many values as members.

        >>> [found.condition for found in Grid.of((4,), (0.1, 1.0)).measurements("loss", [3.0, 2.0], 10)]
        ['rate=0.1', 'rate=1']
        """
        numbers: Iterable[Any] = values.tolist() if isinstance(values, Tensor) else values
        for seed, rate, value in zip(self.seeds, self.rates, numbers, strict=True):
            estimate = value if isinstance(value, Estimate) else Estimate.exact(value, unit)
            yield Measurement(name, estimate, seed, step, layer, f"rate={rate:g}")


def train_grid(
    nets: nn.Module,
    inputs: Float[Tensor, "rows d"],
    targets: Tensor,
    *,
    grid: Grid,
    steps: int,
    batch_size: int,
    loss: Callable[[Tensor, Tensor], Tensor],
    optimizer: Callable[..., Optimizer] = MemberSGD,
    snapshots: Collection[int] | None = None,
) -> Iterator[Snapshot]:
    """Train all members of a grid in minibatches, each in its seed's data order and at its learning rate.

    It runs on the device of the data.

    Args:
        nets: an ensemble of `len(grid.seeds)` networks, (S, n, d) -> (S, n, out).
        inputs: (rows, d).
        targets: labels (rows), or what the loss compares with, one row a row of the inputs.
        grid: seed and learning rate of each member.
        steps: number of updates.
        batch_size: rows a member sees in an update.
        loss: (outputs (S, n, out), targets (S, n, ...)) -> (S).
        optimizer: the rule, which takes the parameters and `rates=` (S).
        snapshots: the steps to stop at; log-spaced by default.

    Returns:
        The snapshots; the `nets` of `snapshot.model` are the networks.

    Raises:
        InputError: for an impossible batch size or number of steps.
    """
    order = own_orders(len(inputs), grid.seeds)
    rates = torch.tensor(grid.rates, device=inputs.device)
    return train(
        ByRow(nets, inputs),
        order,
        order,
        steps=steps,
        loss=Summed(loss, targets),
        optimizer=partial(optimizer, rates=rates),
        batch_size=batch_size,
        snapshots=snapshots,
        device=inputs.device.type,
    )
