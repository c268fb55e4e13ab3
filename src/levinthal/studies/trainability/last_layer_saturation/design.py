"""The cells of every preset: activations, initialisations and depths, each over one grid of learning rates.

A cell's factors: `activation`, `start` (the initialisation, see `networks.sigmoid`), `hidden`, `width`,
`images`, `labels` ("true" or "shuffled"), `steps` (batches of 10) and `rates`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from levinthal.lab.analysis.rates import rates_word
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Preset, Scalar, Task

SOURCE = "Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks (2010)"
STANDARD, NORMALISED, ORTHOGONAL = "fan_in_uniform", "normalised_uniform", "orthogonal"
NAMES = {
    STANDARD: "standard initialisation",
    NORMALISED: "normalised initialisation",
    ORTHOGONAL: "orthogonal initialisation",
}
RATES = (0.01, 0.03, 0.1, 0.3, 1)
HIGHER = (3, 10)  # where sigmoids train best, or no longer
UPDATES = 5_000_000  # of the paper, in batches of 10
EARLY = 1500  # updates within which the top layer is to saturate
DRAWS = 32  # networks that are read before training
SATURATED = 0.9  # where 2 % of a layer's activations lie beyond it, the layer saturates

Arm = tuple[str, str, int, str]
"""Activation, initialisation, hidden layers, labels."""

ARMS: tuple[Arm, ...] = (
    ("sigmoid", STANDARD, 4, "true"),
    ("sigmoid", STANDARD, 5, "true"),
    ("sigmoid", STANDARD, 4, "shuffled"),
    ("sigmoid", NORMALISED, 4, "true"),
    ("tanh", STANDARD, 4, "true"),
    ("tanh", NORMALISED, 4, "true"),
    ("softsign", STANDARD, 4, "true"),
    ("softsign", NORMALISED, 4, "true"),
)
"""The trained arms. Networks of tanh are also read before training, more draws of them: see `_initial`."""


PAPER: tuple[Arm, ...] = (
    *ARMS[:4],
    *((unit, start, 5, "true") for unit in ("tanh", "softsign") for start in (STANDARD, NORMALISED)),
)
"""The arms with the paper's own number of updates: its table of errors has five hidden layers."""


@dataclass(frozen=True)
class Size:
    """How large a preset is.

    `more` are further learning rates of sigmoids, in cells of their own. `many` are the seeds of the first
    arm: its fall can lie only a little beyond the size that L1 asks for, and so it takes 19 or more.
    """

    width: int
    images: int
    steps: int
    rates: tuple[float, ...]
    seeds: int
    arms: tuple[Arm, ...] = ARMS
    more: tuple[float, ...] = ()
    many: int = 8


def preset(about: str, data: str, size: Size) -> Preset:
    """A preset of this study."""
    tasks = [_task(size, size.rates, *arm, size.steps) for arm in size.arms]
    tasks += _initial(size)
    if size.more:
        tasks += [_task(size, size.more, *arm, size.steps) for arm in size.arms if arm[0] == "sigmoid"]
    return Preset(about, data, tuple(tasks))


def one_by_one(about: str, data: str, size: Size) -> Preset:
    """A preset in which each learning rate and seed is a task of its own, so that Ctrl-C loses little."""
    found = [
        replace(_task(size, (rate,), *arm, size.steps), seeds=(seed,))
        for arm in size.arms
        for rate in size.rates
        for seed in range(size.seeds)
    ]
    return Preset(about, data, (*found, *_initial(size)))


def _initial(size: Size) -> list[Task]:
    """Networks of tanh that are not trained, with each initialisation."""
    one_rate = size.rates[:1]
    found = [_task(size, one_rate, "tanh", start, 4, "true", 0) for start in NAMES]
    return [replace(task, seeds=tuple(range(DRAWS))) for task in found]


def _task(
    size: Size, rates: tuple[float, ...], unit: str, start: str, hidden: int, labels: str, steps: int
) -> Task:
    cell: dict[str, Scalar] = {"activation": unit, "start": start, "hidden": hidden, "labels": labels}
    cell |= {"width": size.width, "images": size.images, "steps": steps, "rates": rates_word(rates)}
    seeds = size.many if (unit, start, hidden, labels) == ARMS[0] else size.seeds
    return Task(cell, tuple(range(seeds)), (1 + steps * hidden) * len(rates) * seeds)


def arm(rows: Rows, unit: str, start: str = STANDARD, hidden: int = 4, labels: str = "true") -> Rows:
    """The rows of one kind of network."""
    return rows.where(activation=unit, start=start, hidden=hidden, labels=labels)


def initial_rows(rows: Rows, start: str) -> Rows:
    """The rows before training of tanh with one initialisation: of untrained cells, where there are any."""
    found = arm(rows, "tanh", start).where(step=0)
    alone = found.where(steps=0)
    return alone if len(alone) else found


def trains(steps: int) -> bool:
    """Whether a cell with so many steps trains its networks."""
    return steps > 0


QUICK = Size(width=50, images=1190, steps=3000, rates=RATES, seeds=8)
LONG = Size(
    width=50, images=1190, steps=60_000, rates=(0.3, 1, 3), seeds=8, arms=ARMS[:3], more=(10,), many=20
)
FULL = Size(width=100, images=50_000, steps=8000, rates=RATES, seeds=8, more=HIGHER, many=20)
OWN = Size(width=100, images=50_000, steps=UPDATES, rates=(*RATES, *HIGHER), seeds=8, arms=PAPER)
PRESETS = {
    "quick": preset(
        "digits, 50 units a layer, too short for sigmoids to learn (L1 to L4); two minutes on two cores",
        "digits",
        QUICK,
    ),
    "long": preset("digits, sigmoids alone, 500 epochs; twenty minutes on two cores", "digits", LONG),
    "standard": preset("MNIST, 100 units a layer; forty minutes on two cores", "mnist", FULL),
    "paper": one_by_one(
        "MNIST, the paper's 5 million updates, 100 units a layer for its 1,000; 8 seeds, too few for L1 to "
        "replicate; about 10 days on two cores",
        "mnist",
        OWN,
    ),
}
