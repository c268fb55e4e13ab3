"""Faults that only a validation set, or the rows themselves, can show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from benchmarks.faults.case import Rows
from benchmarks.faults.inject import Row, another, both, optimiser, row, rows, settings
from benchmarks.faults.own.faulty.collapse import Averaged, Finder, OwnFinder, drowned, with_middle
from benchmarks.faults.own.healthy.validation import fifty, loader, whole
from benchmarks.faults.own.networks import Recurrent, mlp
from benchmarks.faults.own.recipes import adam
from torch import Generator, Tensor, nn


def dice() -> Generator:
    """The same for every problem."""
    return Generator().manual_seed(17)


def trained_on(change: Callable[[Tensor, Tensor], Rows]) -> Callable[[Tensor, Tensor], Rows]:
    """A change to the rows that will be trained on alone."""

    def changed(x: Tensor, y: Tensor) -> Rows:
        cut = 3 * len(x) // 4
        new = change(x[:cut], y[:cut])
        return torch.cat((new[0], x[cut:])), torch.cat((new[1], y[cut:]))

    return changed


def few(count: int) -> Callable[[Tensor, Tensor], Rows]:
    """The same few rows again and again."""

    def changed(x: Tensor, y: Tensor) -> Rows:
        places = torch.arange(len(x)) % count
        return x[places], y[places]

    return changed


def mislabelled(share: float) -> Callable[[Tensor, Tensor], Rows]:
    """A share of the labels exchanged among themselves."""

    def changed(x: Tensor, y: Tensor) -> Rows:
        wrong = (torch.rand(len(y), generator=dice()) < share).nonzero()[:, 0]
        y = y.clone()
        y[wrong] = y[wrong[torch.randperm(len(wrong), generator=dice())]]
        return x, y

    return changed


def loud(times: float) -> Callable[[Tensor, Tensor], Rows]:
    """Noise on the numbers to be learnt."""
    return lambda x, y: (x, y + times * y.std() * torch.randn(y.shape, generator=dice()))


def by_one(x: Tensor, y: Tensor) -> Rows:
    """Every row has its neighbour's label: a join gone wrong."""
    return x, y.roll(1, 0)


def drawn(x: Tensor, y: Tensor) -> Rows:
    """Labels drawn without looking."""
    return x, torch.randint(0, int(y.max()) + 1, y.shape, generator=dice())


def itself(trained: Rows, _held: Rows) -> Any:
    """Validation is the training set."""
    return trained


def partly(share: float) -> Callable[[Rows, Rows], Any]:
    """A share of the validation rows comes from training."""

    def made(trained: Rows, held: Rows) -> Any:
        count = int(share * len(held[0]))
        x, y = (torch.cat((new[:count], old[count:])) for new, old in zip(trained, held, strict=True))
        return x, y

    return made


def changed(change: Callable[[Tensor, Tensor], Rows]) -> Callable[[Rows, Rows], Any]:
    """Validation prepared in another way."""
    return lambda _trained, held: change(*held)


def twice(x: Tensor, y: Tensor) -> Rows:
    """Every row twice, as after balancing by copies, then shuffled."""
    order = torch.randperm(2 * len(x), generator=dice()) % len(x)
    return x[order], y[order]


def by_label(x: Tensor, y: Tensor) -> Rows:
    """Sorted, then split: validation holds the last classes."""
    order = y.reshape(len(y), -1)[:, 0].argsort(stable=True)
    return x[order], y[order]


def unwanted(share: float) -> Callable[[Tensor, Tensor], Rows]:
    """One column is the label, with an error now and then; numbers are given to three places."""

    def made(x: Tensor, y: Tensor) -> Rows:
        x, told = x.clone(), y.reshape(len(y), -1)[:, 0].float()
        wrong = torch.rand(len(y), generator=dice()) < share
        told = torch.where(wrong, told[torch.randperm(len(y), generator=dice())], told)
        x.reshape(len(x), -1)[:, 1] = (told - told.mean()) / told.std()
        return x, y

    return made


def corner(x: Tensor, y: Tensor) -> Rows:
    """A bright pixel in the image's first row encodes the class, as a stamp would."""
    x = x.clone()
    flat = x.reshape(len(x), -1)
    flat[:, : int(y.max()) + 1] = 0
    flat[torch.arange(len(y)), y] = flat.max()
    return x, y


def spelt_out(x: Tensor, y: Tensor) -> Rows:
    """The label's own word stands in the text."""
    x = x.clone()
    words = torch.tensor([3, 17, 29, 44])
    x[torch.isin(x, words)] = 7
    x[:, 5] = words[y]
    return x, y


def by_heart() -> nn.Module:
    """Enough capacity for every row."""
    return mlp((20, 256, 256, 5))


MANY = settings(validation=loader, steps=400)
HELD = settings(validation=whole)
LONG = settings(validation=whole, steps=300)
FAULTY_HELD_OUT: tuple[Row, ...] = (
    row(
        "OVERFIT",
        "forty rows",
        both(rows(trained_on(few(40))), LONG),
        "mlp-wide mlp-gelu-adamw mlp-relu-adam",
    ),
    row(
        "OVERFIT", "thirty rows, images", both(rows(trained_on(few(30))), LONG), "cnn-tanh-sgd cnn-relu-adam"
    ),
    row(
        "OVERFIT",
        "labels mixed up",
        both(another(by_heart), optimiser(adam(2e-3)), rows(trained_on(mislabelled(0.5))), MANY),
        "blobs-relu blobs-tanh-adam blobs-small-start",
    ),
    row(
        "OVERFIT",
        "numbers under noise",
        both(rows(trained_on(loud(2.0))), rows(trained_on(few(40))), LONG),
        "ramps-l1 waves-relu-huber waves-fifty ramps-targets-fifty",
    ),
    row(
        "OVERFIT",
        "forty lines of text",
        both(rows(trained_on(few(40))), LONG),
        "bag-of-words attention-words words-attention-wide",
    ),
    row(
        "TRAIN_VAL_SHIFT",
        "not standardised",
        settings(validation=changed(lambda x, y: (3 * x + 2, y))),
        "mlp-tanh-sgd cnn-relu-adam mlp-relu-sgd",
        silent=True,
    ),
    row(
        "TRAIN_VAL_SHIFT",
        "0 to 255",
        settings(validation=changed(lambda x, y: (255 * x, y))),
        "mlp-wide mlp-gelu-adamw",
        silent=True,
    ),
    row(
        "TRAIN_VAL_SHIFT",
        "some columns in other units",
        settings(validation=changed(lambda x, y: (torch.cat((10 * x[:, :6] + 5, x[:, 6:]), 1), y))),
        "ramps-l1 blobs-tanh-adam blobs-small-start",
        silent=True,
    ),
    row(
        "TRAIN_VAL_SHIFT",
        "sorted, then split",
        both(rows(by_label), HELD),
        "mlp-tanh-sgd mlp-relu-adam rings-gelu bag-of-words",
    ),
    row(
        "TRAIN_VAL_SHIFT",
        "other words",
        settings(validation=changed(lambda x, y: (x // 2, y))),
        "bag-of-words attention-words",
        silent=True,
    ),
    row(
        "DATA_LEAKAGE",
        "the training set",
        settings(validation=itself),
        "mlp-tanh-sgd mlp-relu-adam gru bag-of-words",
        silent=True,
    ),
    row(
        "DATA_LEAKAGE",
        "a tenth of it",
        settings(validation=partly(0.1)),
        "mlp-relu-sgd waves-tanh lstm attention-words",
        silent=True,
    ),
    row(
        "DATA_LEAKAGE",
        "copies before the split",
        both(rows(twice), HELD),
        "mlp-wide blobs-relu cnn-relu-adam",
        silent=True,
    ),
    row(
        "LABEL_LEAK_FEATURE",
        "the label itself",
        both(rows(unwanted(0.0)), HELD),
        "blobs-relu mlp-relu-sgd mlp-gelu-adamw rings-binary",
        silent=True,
    ),
    row(
        "LABEL_LEAK_FEATURE",
        "nearly the label",
        both(rows(unwanted(0.01)), settings(validation=fifty)),
        "mlp-wide cnn-tanh-sgd mlp-relu-adam",
        silent=True,
    ),
    row("LABEL_LEAK_FEATURE", "a stamp", both(rows(corner), HELD), "mlp-tanh-sgd cnn-relu-adam", silent=True),
    row(
        "LABEL_LEAK_FEATURE",
        "the number itself",
        rows(unwanted(0.0)),
        "ramps-l1 ramps-targets-fifty",
        silent=True,
    ),
    row(
        "LABEL_LEAK_FEATURE",
        "spelt out",
        both(rows(spelt_out), HELD),
        "bag-of-words attention-words",
        silent=True,
    ),
    row(
        "LABELS_UNRELATED",
        "of the row before",
        both(rows(by_one), HELD),
        "mlp-tanh-sgd mlp-relu-adam gru rings-relu",
    ),
    row(
        "LABELS_UNRELATED",
        "drawn, and learnt by heart",
        both(rows(drawn), settings(validation=whole, steps=500)),
        "mlp-wide mlp-gelu-adamw blobs-tanh-adam",
    ),
    row(
        "LABELS_UNRELATED",
        "numbers of the row before",
        both(rows(by_one), HELD),
        "ramps-l1 waves-relu-huber ramps-targets-fifty",
    ),
    row(
        "RANK_COLLAPSE",
        "a mean over the batch",
        another(lambda: with_middle(Averaged)),
        "mlp-relu-sgd mlp-relu-adam",
        also=("ROWS_MIXED",),
    ),
    row(
        "RANK_COLLAPSE",
        "a softmax between layers",
        another(lambda: with_middle(lambda: nn.Softmax(1))),
        "mlp-tanh-sgd mlp-selu-nesterov mlp-relu-sgd",
    ),
    row(
        "RANK_COLLAPSE",
        "loud biases",
        another(lambda: drowned(6, 1.0)),
        "mlp-tanh-sgd mlp-gelu-adamw mlp-wide",
    ),
    row(
        "ATTENTION_COLLAPSE",
        "a mask turned inside out",
        another(lambda: Finder(blind=True)),
        "finder finder-adamw",
    ),
    row(
        "ATTENTION_COLLAPSE",
        "one key left",
        another(lambda: OwnFinder(blind=True)),
        "finder-products finder-written-out",
    ),
    row(
        "ATTENTION_COLLAPSE",
        "scores of nothing",
        another(lambda: OwnFinder(scale=1e-5)),
        "finder finder-products",
    ),
    row(
        "ATTENTION_COLLAPSE",
        "scores of nothing, by hand",
        another(lambda: OwnFinder(scale=1e-5, by_hand=True)),
        "finder-adamw finder",
    ),
    row(
        "VANISHING_GRADIENT",
        "a recurrence without gates",
        another(lambda: Recurrent(nn.RNN, 3, 24, 3)),
        "attention-own",
    ),
)
