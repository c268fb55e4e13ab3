"""What goes wrong between the loader and the step, in the first blind suite."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from benchmarks.faults.blind_1.faulty.operators import Operator, fields, trained_on
from benchmarks.faults.case import Order, Run, TrainingCase, ordinary
from benchmarks.faults.own.data import Rows
from torch import Generator, Tensor


def never_zeroed(run: Run, x: Tensor, y: Tensor) -> None:
    """The only `zero_grad` is that of a part."""
    list(run.model.children())[-1].zero_grad()
    run.problem.loss(run.model(x), y).backward()
    for one in run.optimizers:
        one.step()


def first_batch(noise: float = 0.0) -> Operator:
    """The first batch, kept and used again, with a little noise if wished."""
    kept: dict[int, Rows] = {}

    def loop(run: Run, x: Tensor, y: Tensor) -> None:
        if run.step == 0:
            kept[0] = x, y
        x, y = kept[0]
        ordinary(run, x + noise * torch.randn(x.shape) if noise else x, y)

    return fields(loop=loop)


def reseeded(problem: TrainingCase, targets: Tensor, _dice: Generator) -> Iterator[Tensor]:
    """A loader that shuffles by the same seed, made anew for every step."""
    while True:
        yield torch.randperm(len(targets), generator=Generator().manual_seed(0))[: problem.batch]


def from_file(problem: TrainingCase, targets: Tensor, _dice: Generator) -> Iterator[Tensor]:
    """Sorted by class, again and again."""
    label = targets.reshape(len(targets), -1)[:, 0]
    while True:
        yield from label.argsort(stable=True)[: len(label) // problem.batch * problem.batch].split(
            problem.batch
        )


def by_folders(together: int) -> Order:
    """Each batch out of a few classes only, drawn anew."""

    def order(problem: TrainingCase, targets: Tensor, dice: Generator) -> Iterator[Tensor]:
        label = targets.reshape(len(targets), -1)[:, 0].long()
        kinds = label.unique()
        while True:
            some = kinds[torch.randperm(len(kinds), generator=dice)[:together]]
            at = torch.isin(label, some).nonzero()[:, 0]
            yield at[torch.randint(0, len(at), (problem.batch,), generator=dice)]

    return order


def rare(keep: int) -> Operator:
    """All of the most common class, and a few rows of each other one."""

    def thin(x: Tensor, y: Tensor, _dice: Generator) -> Rows:
        label = y.reshape(len(y), -1)[:, 0].long()
        most = label.bincount().argmax()
        rank = torch.stack([(label[: k + 1] == label[k]).sum() for k in range(len(label))])
        chosen = (label == most) | (rank <= keep)
        return x[chosen], y[chosen]

    return trained_on(thin)
