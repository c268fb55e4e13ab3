"""Faults of data, loaders and validation sets."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from benchmarks.faults.blind_2.bases import raw
from benchmarks.faults.blind_2.faulty.operators import HELD, Change, everywhere, in_held, in_training, sick
from benchmarks.faults.blind_2.networks.bases import RawNet, Recurrent, flat, stacked
from benchmarks.faults.case import Run, TrainingCase, ordinary
from benchmarks.faults.own.data import Rows
from torch import Generator, Tensor, nn


def lost_cells(x: Tensor, y: Tensor, die: Generator) -> Rows:
    """A left join that found no partner for some rows."""
    x = x.clone()
    x[torch.rand(len(x), generator=die) < 0.02, 3] = float("nan")
    return x, y


def logged(seed: int) -> Rows:
    """Logarithms of columns that hold zeros."""
    x, y = raw("breast_cancer", seed)
    return x.log(), y.float()


def by_own_spread(x: Tensor, y: Tensor) -> Rows:
    """Standardised batch by batch; blank pixels have no spread."""
    return (x - x.mean(0)) / x.std(0), y


def one_gap(x: Tensor, y: Tensor) -> Rows:
    """Gain normalised by the trace's own mean, which may be none."""
    cut = x.clamp(min=0)
    return torch.cat([x[:-1], (cut[-1:] * 0) / (cut[-1:] * 0).sum(1, keepdim=True)]), y


def first_again(problem: TrainingCase, _targets: Tensor, _dice: Generator) -> Iterator[Tensor]:
    """`next(iter(loader))` with a loader that does not shuffle."""
    while True:
        yield torch.arange(problem.batch)


def reseeded(problem: TrainingCase, targets: Tensor, _dice: Generator) -> Iterator[Tensor]:
    """The seed is set anew before each draw."""
    while True:
        yield torch.randint(len(targets), (problem.batch,), generator=Generator().manual_seed(42))


def cached(run: Run, x: Tensor, y: Tensor) -> None:
    """The batch kept for debugging is the one used ever after."""
    kept = run.__dict__.setdefault("debug_batch", (x[:8], y[:8]))
    ordinary(run, *kept)


def in_turn(problem: TrainingCase, targets: Tensor, _dice: Generator) -> Iterator[Tensor]:
    """Rows as they lie."""
    while True:
        yield from torch.arange(len(targets) // problem.batch * problem.batch).split(problem.batch)


def by_target(x: Tensor, y: Tensor, _die: Generator) -> Rows:
    order = (y if y.ndim == 1 else y[:, 0]).argsort(stable=True)
    return x[order], y[order]


def rare(keep: float, common: int) -> Change:
    """Of all classes but one a small share is left."""

    def change(x: Tensor, y: Tensor, die: Generator) -> Rows:
        left = (y == common) | (torch.rand(len(y), generator=die) < keep)
        return x[left], y[left]

    return change


def few(n: int) -> Change:
    return lambda x, y, _die: (x[:n], y[:n])


def noise_columns(n: int) -> Change:
    return lambda x, y, die: (torch.cat([x, torch.randn(len(x), n, generator=die)], 1), y)


def repeated(n: int) -> Change:
    """A handful of rows, blown up by an augmentation that does nearly nothing."""

    def change(x: Tensor, y: Tensor, die: Generator) -> Rows:
        chosen = torch.randint(n, (len(x),), generator=die)
        return x[chosen] + 0.01 * torch.randn(x.shape, generator=die), y[chosen]

    return change


def by_column(x: Tensor, y: Tensor, _die: Generator) -> Rows:
    """Sorted by a column before the split."""
    order = x[:, 0].argsort()
    return x[order], y[order]


def twice(rows: Rows, held: Rows) -> Rows:
    """Validated by a random tenth of a table of which the training took all."""
    return torch.cat([rows[0][::4], held[0]]), torch.cat([rows[1][::4], held[1]])


def doubled(x: Tensor, y: Tensor, die: Generator) -> Rows:
    """Oversampled before the split."""
    chosen = torch.randint(len(x) // 2, (len(x),), generator=die)
    return x[chosen], y[chosen]


def told(gain: float, noise: float) -> Change:
    """One column more, made from the target."""

    def change(x: Tensor, y: Tensor, die: Generator) -> Rows:
        return torch.cat([x, gain * (y.float() + noise * torch.randn(len(y), generator=die))[:, None]], 1), y

    return change


def without(*columns: int) -> Change:
    """Columns that tell something, blank."""

    def change(x: Tensor, y: Tensor, _die: Generator) -> Rows:
        x = x.clone()
        x[..., list(columns)] = 0
        return x, y

    return change


FAULTY = (
    sick("NON_FINITE_INPUT", "log of zeros", "tumour-drop", data=logged),
    sick("NON_FINITE_INPUT", "blank pixels standardised by batch", "figures-deep", batch_made=by_own_spread),
    sick("NON_FINITE_INPUT", "cells lost in a join", "friedman", data=in_training("friedman", lost_cells)),
    sick("NON_FINITE_INPUT", "a silent trace over its mean", "wave-conv", batch_made=one_gap),
    sick("STUCK_BATCH", "next(iter(loader))", "picture-conv", order=first_again),
    sick("STUCK_BATCH", "seed set before each draw", "trails-rnn", order=reseeded),
    sick("STUCK_BATCH", "debug batch left in", "wave-cells", loop=cached),
    sick("UNSHUFFLED", "file sorted by digit", "figures-deep", order=in_turn,
         data=in_training("figures-deep", by_target)),
    sick("UNSHUFFLED", "spectra as measured", "spectra-batchnorm", order=in_turn,
         data=in_training("spectra-batchnorm", by_target)),
    sick("UNSHUFFLED", "one folder after another", "wave-cells", order=in_turn,
         data=in_training("wave-cells", by_target)),
    sick("CLASS_IMBALANCE", "few of the upper crescent", "crescents-raw",
         data=in_training("crescents-raw", rare(0.02, 1))),
    sick("CLASS_IMBALANCE", "mostly middle shells", "shells-residual",
         data=in_training("shells-residual", rare(0.02, 1))),
    sick("CLASS_IMBALANCE", "mostly sines", "wave-cells", data=in_training("wave-cells", rare(0.02, 0))),
    sick("CLASS_IMBALANCE", "almost all unlike", "couples", data=in_training("couples", rare(0.02, 0))),
    sick("INPUT_SCALE", "raw units", "wine-layers", data=partial(raw, "wine")),
    sick("INPUT_SCALE", "columns around 2000", "friedman",
         data=everywhere("friedman", lambda x, y, _d: (x + 2000, y))),
    sick("INPUT_SCALE", "screen coordinates", "crescents-raw", also=("SATURATED_ACTIVATION",),
         data=everywhere("crescents-raw", lambda x, y, _d: (150 * x + 400, y))),
    sick("INPUT_SCALE", "angles in thousandths", "arm",
         data=everywhere("arm", lambda x, y, _d: (x / 1000, y))),
    sick("OVERFIT", "300 idle columns", HELD["wine-layers"],
         data=everywhere("wine-layers", noise_columns(300)),
         model=partial(stacked, 313, 24, 24, 3, act=nn.GELU, norm=nn.LayerNorm)),
    sick("OVERFIT", "sixty rows", HELD["friedman"], data=in_training("friedman", few(60))),
    sick("OVERFIT", "a handful of rows blown up", HELD["spectra-batchnorm"],
         data=in_training("spectra-batchnorm", repeated(12))),
    sick("TRAIN_VAL_SHIFT", "validation spectra read backwards", HELD["spectra-batchnorm"],
         data=in_held("spectra-batchnorm", lambda x, y, _d: (x.flip(1), y))),
    sick("TRAIN_VAL_SHIFT", "sorted by a column before the split", HELD["arm"],
         data=everywhere("arm", by_column)),
    sick("TRAIN_VAL_SHIFT", "validation images inverted", HELD["picture-conv"],
         data=in_held("picture-conv", lambda x, y, _d: (-x, y))),
    sick("TRAIN_VAL_SHIFT", "validation rows not standardised", HELD["tumour-drop"],
         data=in_held("tumour-drop", lambda x, y, _d: (4 * x + 6, y))),
    sick("DATA_LEAKAGE", "validated on a table that holds the training rows", HELD["shells-residual"],
         silent=True, validation=twice),
    sick("DATA_LEAKAGE", "validated on training rows", HELD["wave-conv"], silent=True,
         validation=lambda rows, _held: (rows[0][:200], rows[1][:200])),
    sick("DATA_LEAKAGE", "oversampled before the split", HELD["figures-deep"], silent=True,
         data=everywhere("figures-deep", doubled)),
    sick("LABEL_LEAK_FEATURE", "the diagnosis code is a column", "tumour-drop", silent=True,
         data=everywhere("tumour-drop", told(2.0, 0.02)),
         model=partial(flat, 31, 32, 16, 1, act=nn.Tanh, drop=0.2)),
    sick("LABEL_LEAK_FEATURE", "the target in other units", "friedman", silent=True,
         data=everywhere("friedman", told(1.3, 0.01)), model=partial(flat, 11, 48, 48, 1, act=nn.SiLU)),
    sick("LABEL_LEAK_FEATURE", "row numbers of a sorted file", "wine-layers", silent=True,
         data=everywhere("wine-layers", told(1.0, 0.05)),
         model=partial(stacked, 14, 24, 24, 3, act=nn.GELU, norm=nn.LayerNorm)),
    sick("LABELS_UNRELATED", "inputs shuffled alone", "figures-deep",
         data=in_training("figures-deep", lambda x, y, d: (x[torch.randperm(len(x), generator=d)], y))),
    sick("LABELS_UNRELATED", "one row off", "friedman",
         data=everywhere("friedman", lambda x, y, _d: (x, y.roll(1, 0)))),
    sick("LABELS_UNRELATED", "pairs made after the labels", "couples",
         data=everywhere("couples", lambda x, y, _d: (torch.stack([x[:, 0], x[:, 1].roll(7, 0)], 1), y))),
    sick("UNDERFIT", "one number for 64 pixels", "copy-digits",
         model=partial(stacked, 64, 48, 1, 48, 64, act=nn.ELU)),
    sick("UNDERFIT", "the telling columns are missing", "friedman",
         data=everywhere("friedman", without(0, 1, 3))),
    sick("UNDERFIT", "only the last two samples", "trails-rnn", model=Recurrent,
         data=everywhere("trails-rnn", lambda x, y, _d: (x[:, -2:], y))),
    sick("UNDERFIT", "one unit a layer", "crescents-raw", model=partial(RawNet, width=1)),
)  # fmt: skip
