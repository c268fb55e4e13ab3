"""Faults that show on held-out rows, and faults of labels, for the first blind suite."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from benchmarks.faults.blind_1.data.vectors import Source
from benchmarks.faults.blind_1.faulty.data import SILENT, Row
from benchmarks.faults.blind_1.faulty.operators import Operator, both, fields, net, rows
from benchmarks.faults.blind_1.networks.vectors import dense
from benchmarks.faults.case import Order, TrainingCase
from benchmarks.faults.own.data import Rows
from torch import Generator, Tensor


def only_first(count: int) -> Order:
    """Epochs of the first few rows, shuffled."""

    def order(problem: TrainingCase, _targets: Tensor, dice: Generator) -> Iterator[Tensor]:
        while True:
            whole = count // problem.batch * problem.batch
            yield from torch.randperm(count, generator=dice)[:whole].split(problem.batch)

    return order


def useless(x: Tensor, y: Tensor, dice: Generator) -> Rows:
    """Two hundred columns that say nothing."""
    return torch.cat((x, torch.randn(len(x), 200, generator=dice)), 1), y


def drawn_anew(share: float) -> Operator:
    """A share of the training labels is drawn at random."""

    def change(x: Tensor, y: Tensor, dice: Generator) -> Rows:
        wrong = y[torch.randperm(len(y), generator=dice)]
        hit = torch.rand(len(y), generator=dice) < share
        hit[3 * len(y) // 4 :] = False
        return x, torch.where(hit, wrong, y)

    return rows(change)


def held(change: object) -> Operator:
    """Only the held-out quarter's inputs are changed."""

    def done(x: Tensor, y: Tensor, _dice: Generator) -> Rows:
        at = 3 * len(x) // 4
        return torch.cat((x[:at], change(x[at:]))), y  # type: ignore[operator]

    return rows(done)


def turned_round(x: Tensor) -> Tensor:
    """Pictures or points turned by a quarter."""
    return x.rot90(1, (2, 3)) if x.dim() == 4 else torch.stack((-x[:, 1], x[:, 0]), 1)


def copied_first(noise: float) -> Operator:
    """Rows are doubled (with a little noise) and shuffled, and only then split."""

    def change(x: Tensor, y: Tensor, dice: Generator) -> Rows:
        order = torch.randperm(len(x), generator=dice)
        half = torch.cat((order[: len(x) // 2],) * 2)[torch.randperm(len(x) // 2 * 2, generator=dice)]
        x = x[half]
        return (x + noise * torch.randn(x.shape, generator=dice) if noise else x), y[half]

    return rows(change)


def partly_trained_on(some: Rows, other: Rows) -> object:
    """A validation set of which a third are rows to train on."""
    take = len(other[0]) // 3
    mixed = [torch.cat((a[:take], b[take:])) for a, b in zip(some, other, strict=True)]
    return list(zip(*(part.split(50) for part in mixed), strict=True))


def told_by_column(noise: float, column: int = 2) -> Operator:
    """One column holds the target, with a little noise."""

    def change(x: Tensor, y: Tensor, dice: Generator) -> Rows:
        told = y.reshape(len(y), -1)[:, 0].float()
        x[:, column] = (told - told.mean()) / told.std() + noise * torch.randn(len(x), generator=dice)
        return x, y

    return rows(change)


def told_by_pixel(x: Tensor, y: Tensor, _dice: Generator) -> Rows:
    """The pixel of the class's number is bright: a stamp in the corner of the scan."""
    flat = x.reshape(len(x), -1)
    flat[:, :10] = -1
    flat[torch.arange(len(x)), y] = 3
    return flat.reshape(x.shape), y


def told_by_token(x: Tensor, y: Tensor, _dice: Generator) -> Rows:
    x[:, -1] = 2 + y
    return x, y


def another_file(x: Tensor, y: Tensor, dice: Generator) -> Rows:
    return x, y[torch.randperm(len(y), generator=dice)]


def one_off(x: Tensor, y: Tensor, _dice: Generator) -> Rows:
    """The targets are joined one row too late."""
    return x, y.roll(1, 0)


def wide(inputs: int, outputs: int) -> Operator:
    """A network far larger than it need be."""
    return net(lambda _: dense(inputs, 256, 256, outputs))


def other_source(source: Source) -> Operator:
    """The targets of another draw."""
    return lambda p: fields(data=lambda seed: (p.data(seed)[0], source(seed + 1)[1]))(p)


HELD: tuple[Row, ...] = (
    ("OVERFIT", "thirty rows", both(fields(order=only_first(30), batch=10, steps=300), wide(10, 1)),
     "friedman-validated", {}),
    ("OVERFIT", "sixty rows", both(fields(order=only_first(60), batch=20, steps=300), wide(64, 10)),
     "digits-validated", {}),
    ("OVERFIT", "sixty rows", both(fields(order=only_first(60), batch=20, steps=300), wide(6, 1)),
     "outliers-validated", {}),
    ("OVERFIT", "wrong labels by heart", both(drawn_anew(0.5), fields(steps=500), wide(16, 6)),
     "clouds-validated", {}),
    ("OVERFIT", "wrong labels by heart", both(drawn_anew(0.5), fields(steps=500), wide(64, 10)),
     "digits-validated", {}),
    ("OVERFIT", "useless columns", both(rows(useless), fields(steps=300), wide(216, 6)), "clouds-validated",
     {}),
    ("OVERFIT", "useless columns", both(rows(useless), fields(steps=300), wide(210, 1)), "friedman-validated",
     {}),
    ("TRAIN_VAL_SHIFT", "validation as it came", held(lambda x: x * 20 + 30),
     "clouds-validated digits-validated friedman-validated", {}),
    ("TRAIN_VAL_SHIFT", "turned", held(turned_round), "moons-validated drifting-validated spirals-validated",
     {}),
    ("TRAIN_VAL_SHIFT", "columns in another order", held(lambda x: x.flip(1)),
     "clouds-validated friedman-validated", {}),
    ("TRAIN_VAL_SHIFT", "a darker camera", held(lambda x: x * 0.3 - 1.0),
     "drifting-validated digits-validated", {}),
    ("DATA_LEAKAGE", "doubled before the split", copied_first(0.0),
     "clouds-validated friedman-validated keyword-validated", SILENT),
    ("DATA_LEAKAGE", "augmented before the split", copied_first(0.02), "digits-validated clouds-validated",
     SILENT),
    ("DATA_LEAKAGE", "a third trained on", fields(validation=partly_trained_on),
     "moons-validated drifting-validated copied-validated", SILENT),
    ("LABEL_LEAK_FEATURE", "a column that follows", told_by_column(0.05),
     "clouds-validated friedman-validated", SILENT),
    ("LABEL_LEAK_FEATURE", "the target itself", told_by_column(0.0, 0), "outliers-validated cancer-validated",
     SILENT),
    ("LABEL_LEAK_FEATURE", "a stamp on the scan", rows(told_by_pixel), "digits-validated drifting-validated",
     SILENT),
    ("LABEL_LEAK_FEATURE", "a telling token", rows(told_by_token), "keyword-validated", SILENT),
    ("LABELS_UNRELATED", "of another file", rows(another_file),
     "clouds-validated digits-validated friedman-validated spirals-relu", {}),
    ("LABELS_UNRELATED", "one row off", rows(one_off),
     "moons-validated cancer-validated keyword-validated seasons-gelu", {}),
    ("LABELS_UNRELATED", "places of another row", rows(one_off), "copied-validated sums-gru", {}),
)  # fmt: skip
