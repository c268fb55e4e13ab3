"""Healthy cases with a validation set, of many kinds, with gaps that are no fault."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from benchmarks.faults.case import TrainingCase
from benchmarks.faults.own import data
from benchmarks.faults.own.data import Rows
from benchmarks.faults.own.faulty.collapse import Finder, OwnFinder, marked
from benchmarks.faults.own.networks import Attention, Bag, NextWord, Recurrent, TiedAutoencoder, cnn, mlp
from benchmarks.faults.own.recipes import adam, adamw, by_hand, sgd, softened, squares_by_hand
from torch import Generator, Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

entropy, mse, STANDARD = functional.cross_entropy, functional.mse_loss, data.standard_digits
bce = functional.binary_cross_entropy_with_logits


def whole(_rows: Rows, held: Rows) -> Any:
    """All rows that are scored by."""
    return held


def fifty(_rows: Rows, held: Rows) -> Any:
    """Fifty rows."""
    return held[0][:50], held[1][:50]


def loader(_rows: Rows, held: Rows) -> Any:
    """A loader that shuffles."""
    return DataLoader(TensorDataset(*held), 48, shuffle=True)


def cloudy_blobs(seed: int) -> Rows:
    """The blobs with a tenth of all labels drawn anew: nobody can be right about these."""
    x, y = data.blobs(seed)
    dice = Generator().manual_seed(seed)
    noisy = torch.rand(len(y), generator=dice) < 0.1
    return x, torch.where(noisy, torch.randint(0, 5, y.shape, generator=dice), y)


def loud_ramps(seed: int) -> Rows:
    """A linear rule under noise of its own size."""
    x, y = data.ramps(seed)
    return x, y + y.std() * torch.randn(y.shape, generator=Generator().manual_seed(seed))


def switches(seed: int) -> Rows:
    """(900, 6) of zeros and ones, with few rows unlike: which of three sums is the largest."""
    dice = Generator().manual_seed(seed)
    x = torch.randint(0, 2, (900, 6), generator=dice).float()
    return x, (x.reshape(-1, 3, 2).sum(2) + torch.tensor([0.0, 0.1, 0.2])).argmax(1)


def blank_pages(seed: int) -> Rows:
    """The digits, every eighth picture left empty, its label what it was."""
    x, y = data.standard_digits(seed)
    blank = torch.rand(len(x), generator=Generator().manual_seed(seed)) < 0.12
    return torch.where(blank[:, None], torch.zeros(()), x), y


def zeros_and_ones(seed: int) -> Rows:
    """Only the digits 0 and 1: two classes that single pixels nearly tell apart."""
    x, y = data.digits(seed)
    return x[y < 2], y[y < 2]


def one_good_column(seed: int) -> Rows:
    """(800, 10): the first column tells nine rows of ten, the others a little."""
    dice = Generator().manual_seed(seed)
    y = torch.randint(0, 2, (800,), generator=dice)
    x = torch.randn(800, 10, generator=dice) + 0.3 * y[:, None]
    x[:, 0] += 2.3 * y
    return x, y


def noisy_batches(x: Tensor, y: Tensor) -> Rows:
    """Noise on every batch, drawn anew."""
    return x + 0.5 * torch.randn_like(x), y


def masked_batches(x: Tensor, y: Tensor) -> Rows:
    """A fifth of all inputs blotted out."""
    return x * (torch.rand_like(x) > 0.2), y


def mirrored_batches(x: Tensor, y: Tensor) -> Rows:
    """Half of the pictures upside down by a row."""
    return torch.where(torch.rand(len(x), 1, 1, 1) < 0.5, x.roll(1, 2), x), y


def balanced(problem: TrainingCase, targets: Tensor, dice: Generator) -> Iterator[Tensor]:
    """Rare classes are drawn as often as common ones."""
    chances = 1 / torch.bincount(targets).float()[targets]
    while True:
        yield torch.multinomial(chances, problem.batch, replacement=True, generator=dice)


def narrow(x: Tensor, y: Tensor) -> Rows:
    """As they are, in half precision for the training batch alone."""
    return x.half().float(), y


HELD_OUT: tuple[TrainingCase, ...] = (
    TrainingCase("held-digits", STANDARD, partial(mlp, (64, 48, 10)), entropy, adam(3e-3), validation=whole),
    TrainingCase(
        "held-digits-long",
        STANDARD,
        partial(mlp, (64, 64, 10)),
        entropy,
        adam(5e-3),
        steps=300,
        validation=whole,
    ),
    TrainingCase(
        "held-loader",
        data.digits,
        partial(mlp, (64, 64, 10), nn.Tanh),
        entropy,
        sgd(0.1, 0.9),
        validation=loader,
    ),
    TrainingCase("held-fifty", STANDARD, partial(mlp, (64, 48, 10)), entropy, adam(3e-3), validation=fifty),
    TrainingCase(
        "held-fifty-blobs", data.blobs, partial(mlp, (20, 24, 5)), entropy, adam(5e-3), validation=fifty
    ),
    TrainingCase(
        "held-cloudy", cloudy_blobs, partial(mlp, (20, 16, 5)), entropy, adamw(3e-3, 0.1), validation=whole
    ),
    TrainingCase(
        "held-dropout",
        STANDARD,
        partial(mlp, (64, 128, 10), dropout=0.5),
        entropy,
        adam(3e-3),
        validation=whole,
    ),
    TrainingCase(
        "held-noise",
        STANDARD,
        partial(mlp, (64, 64, 10)),
        entropy,
        adam(3e-3),
        batch_made=noisy_batches,
        validation=whole,
    ),
    TrainingCase(
        "held-masked",
        data.digits,
        partial(mlp, (64, 96, 10)),
        entropy,
        adam(3e-3),
        batch_made=masked_batches,
        steps=150,
        validation=whole,
    ),
    TrainingCase(
        "held-mirrored", data.images, cnn, entropy, adam(5e-3), batch_made=mirrored_batches, validation=whole
    ),
    TrainingCase(
        "held-batch-norm",
        data.images,
        partial(cnn, norm=nn.BatchNorm2d),
        entropy,
        sgd(0.05, 0.9),
        evaluates="right",
        validation=whole,
    ),
    TrainingCase(
        "held-unequal", data.unequal_blobs, partial(mlp, (20, 24, 3)), entropy, adam(3e-3), validation=whole
    ),
    TrainingCase(
        "held-balanced",
        data.unequal_blobs,
        partial(mlp, (20, 24, 3)),
        entropy,
        adam(3e-3),
        order=balanced,
        validation=whole,
    ),
    TrainingCase("held-by-hand", STANDARD, partial(mlp, (64, 48, 10)), by_hand, adam(3e-3), validation=whole),
    TrainingCase(
        "held-smoothed", STANDARD, partial(mlp, (64, 48, 10)), softened, adam(3e-3), validation=loader
    ),
    TrainingCase(
        "held-waves",
        data.waves,
        partial(mlp, (2, 32, 32, 1), nn.Tanh),
        mse,
        adam(1e-2),
        steps=200,
        validation=whole,
    ),
    TrainingCase(
        "held-waves-by-hand",
        data.waves,
        partial(mlp, (2, 32, 1), nn.GELU),
        squares_by_hand,
        adam(1e-2),
        validation=whole,
    ),
    TrainingCase("held-ramps-loud", loud_ramps, partial(mlp, (12, 16, 1)), mse, adam(3e-3), validation=whole),
    TrainingCase("held-ramps-fifty", data.ramps, lambda: nn.Linear(12, 1), mse, sgd(0.1), validation=fifty),
    TrainingCase(
        "held-autoencoder", data.pixels, partial(TiedAutoencoder, 64, 16), mse, adam(1e-2), validation=whole
    ),
    TrainingCase(
        "held-two-rings", data.two_rings, partial(mlp, (2, 32, 1)), bce, adam(1e-2), validation=whole
    ),
    TrainingCase("held-questions", data.labels, partial(mlp, (16, 24, 4)), bce, adam(1e-2), validation=whole),
    TrainingCase("held-words", data.words, partial(Bag, 50, 16, 4), entropy, adam(2e-2), validation=whole),
    TrainingCase(
        "held-attention", data.words, partial(Attention, 50, 16, 4), entropy, adam(3e-3), validation=loader
    ),
    TrainingCase(
        "held-sentences", data.sentences, partial(NextWord, 12, 24), entropy, adam(1e-2), validation=whole
    ),
    TrainingCase(
        "held-melodies",
        data.melodies,
        partial(Recurrent, nn.GRU, 3, 24, 4),
        entropy,
        adam(1e-2),
        validation=whole,
    ),
    TrainingCase("held-switches", switches, partial(mlp, (6, 24, 3)), entropy, adam(1e-2), validation=whole),
    TrainingCase(
        "held-blank-pages", blank_pages, partial(mlp, (64, 48, 10)), entropy, adam(3e-3), validation=whole
    ),
    TrainingCase(
        "held-zeros-and-ones",
        zeros_and_ones,
        partial(mlp, (64, 16, 2)),
        entropy,
        adam(3e-3),
        validation=whole,
    ),
    TrainingCase(
        "held-one-good-column",
        one_good_column,
        partial(mlp, (10, 16, 2)),
        entropy,
        adam(3e-3),
        validation=whole,
    ),
    TrainingCase(
        "held-rounded",
        data.rings,
        partial(mlp, (2, 32, 32, 3)),
        entropy,
        adam(1e-2),
        batch_made=narrow,
        validation=whole,
    ),
    TrainingCase("finder", marked, Finder, entropy, adam(5e-3), steps=250, validation=whole),
    TrainingCase("finder-adamw", marked, partial(Finder, 24, 1), entropy, adamw(5e-3), steps=250),
    TrainingCase(
        "finder-written-out", marked, partial(OwnFinder, by_hand=True), entropy, adam(5e-3), steps=250
    ),
    TrainingCase("finder-products", marked, OwnFinder, entropy, adam(5e-3), steps=250, validation=whole),
)
