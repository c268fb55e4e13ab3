"""The cells of every preset, and the book's own numbers.

A cell's factors: `read` ("speed", the gradient of every layer's biases, "terms", the factors of its product,
or "accuracy"), `start` (the initialisation, see INITS), `hidden` (number of hidden layers), `width`,
`pixels`, `images` trained on, `epochs`, `labels` ("true" or "shuffled"), and the `rates` of the accuracies.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from levinthal.lab.analysis.rates import rates_word
from levinthal.vocabulary import Preset, Scalar, Task

SOURCE = "Nielsen, Neural Networks and Deep Learning (2015), ch. 5"
IN_NOTES = f"{SOURCE}, quoted from notes on it"
WIDTH = 30
RATE = 0.1
DECAY = 1e-4  # lambda / n of the accuracies: 5 / 50,000
LAMBDA = 5.0  # of the speeds, where n is the 1,000 images of the one batch
IMAGES = 1000
BATCH = 10
TERMS = "small_terms"  # the measurement of the cells that read the terms
DRAWS = 32  # networks whose gradients are read before training

INITS: Mapping[str, tuple[str, str]] = {
    "book": ("sigmoid", "fan_in_normal"),
    "unit": ("sigmoid", "unit_normal"),
    "orthogonal": ("tanh", "orthogonal"),
}
"""Activation and initial weights: the book's, its naive N(0, 1), and the well scaled control."""

NAMES = {
    "book": "sigmoid, N(0, 1/n)",
    "unit": "sigmoid, N(0, 1)",
    "orthogonal": "tanh, orthogonal (control)",
}

EPOCHS = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 400, 499)
"""When the gradients are read; the book's run is 500 epochs long, 0 to 499."""

NORMS: Mapping[int, tuple[float, ...]] = {
    2: (0.0657, 0.3092),
    3: (0.0118, 0.0600, 0.2831),
    4: (0.00298, 0.0171, 0.0695, 0.2851),
}
"""Hidden layers -> ||dC/db|| of each before training, in the data of the book's figures: one draw each."""

RATIOS: Mapping[int, float] = {0: 96, 10: 137, 50: 51, 100: 52, 200: 63, 499: 113}
"""Epoch -> ||dC/db|| of the last over the first of four hidden layers, from the same data."""

ACCURACIES: Mapping[int, float] = {1: 96.48, 2: 96.90, 3: 96.57, 4: 96.53}
"""Hidden layers -> % right after 30 epochs of batches of 10, learning rate .1, lambda 5, 50,000 images."""


@dataclass(frozen=True)
class Size:
    """How large the accuracies of a preset are."""

    pixels: int
    images: int
    epochs: int
    rates: tuple[float, ...]
    seeds: int = 8
    alone: bool = False  # each seed is a task of its own, so that Ctrl-C loses little


def preset(about: str, data: str, size: Size) -> Preset:
    """Speeds and accuracies."""
    tasks = (*speeds(size.pixels, seeds=size.seeds), *_accuracies(size))
    return Preset(about, data, tasks)


def book(about: str, seeds: int) -> Preset:
    """The speeds alone, at every depth of the book, on its data."""
    return Preset(about, "mnist", tuple(speeds(784, seeds=seeds, depths=(1, *NORMS))))


def _cell(pixels: int, **factors: Scalar) -> dict[str, Scalar]:
    usual: dict[str, Scalar] = {"width": WIDTH, "pixels": pixels, "labels": "true"}
    return usual | factors


def speeds(pixels: int, *, seeds: int, depths: tuple[int, ...] = tuple(NORMS)) -> Iterator[Task]:
    """Gradients before training, of many draws, and over 500 epochs; once with shuffled labels.

    `depths` are those of the book's initialisation; the others need a first and a last layer.
    """
    arms = [("book", hidden, "true") for hidden in depths]
    arms += [(start, hidden, "true") for start in ("unit", "orthogonal") for hidden in NORMS]
    for start, hidden, labels in (*arms, ("book", 4, "shuffled")):
        cell = _cell(pixels, read="speed", start=start, hidden=hidden, images=IMAGES, labels=labels)
        yield Task(cell | {"epochs": 0}, tuple(range(DRAWS)), 0.01)
        cost = seeds * EPOCHS[-1] * IMAGES * WIDTH * (pixels + 120 * hidden) * 1e-10
        yield Task(cell | {"epochs": EPOCHS[-1]}, tuple(range(seeds)), cost)
    terms = _cell(pixels, read="terms", start="unit", hidden=4, images=IMAGES, epochs=0)
    yield Task(terms, tuple(range(DRAWS)), 0.01)


def _accuracies(size: Size) -> Iterator[Task]:
    """Every depth of the book, fewer of the other initialisations, and one layer as large as two."""
    arms = [("book", hidden, WIDTH) for hidden in ACCURACIES]
    arms += [(start, hidden, WIDTH) for start in ("unit", "orthogonal") for hidden in (2, 4)]
    for start, hidden, width in (*arms, ("book", 1, wider(size.pixels))):
        cell = _cell(size.pixels, read="accuracy", start=start, hidden=hidden, width=width)
        cell |= {"images": size.images, "epochs": size.epochs, "rates": rates_word(size.rates)}
        steps = size.epochs * size.images // BATCH
        together = [(seed,) for seed in range(size.seeds)] if size.alone else [tuple(range(size.seeds))]
        for seeds in together:
            members = len(seeds) * len(size.rates)
            yield Task(cell, seeds, steps * (4e-4 + 5e-8 * members * (size.pixels + 100 * hidden)))


def wider(pixels: int) -> int:
    """The width at which one hidden layer has as many parameters as two of 30.

    >>> wider(784), wider(64)
    (31, 42)
    """
    two = WIDTH * (pixels + 1) + WIDTH * (WIDTH + 1) + 10 * (WIDTH + 1)
    return round((two - 10) / (pixels + 1 + 10))


RATES = (0.01, 0.03, 0.1, 0.3, 1, 3)
PRESETS = {
    "quick": preset(
        "digits, embedded; under a minute on two cores", "digits", Size(64, 1190, 30, (*RATES, 10))
    ),
    "standard": preset(
        "MNIST, accuracies with 10,000 images; about ten minutes on two cores",
        "mnist",
        Size(784, 10_000, 30, RATES),
    ),
    "book": book("MNIST, the speeds of 1 to 4 hidden layers as in the book, 32 seeds; four minutes", 32),
    "long": preset(
        "MNIST, accuracies with 50,000 images as in the book; about four hours on two cores",
        "mnist",
        Size(784, 50_000, 30, RATES, alone=True),
    ),
}
