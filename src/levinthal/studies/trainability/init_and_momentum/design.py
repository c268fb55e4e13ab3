"""The cells of every preset: initialisations with and without momentum, and scales of the sparse one.

A cell's factors: `init` ("sparse" or "small"), `scale` of the sparse weights, `momentum` (the most of the
schedule), `rule` ("none", "classical", "nesterov"), `images`, `steps`, `batch`, and the `rates`; `period` is
that of the momentum's schedule, a hundredth of the steps where it is not given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from levinthal.lab.analysis.rates import rates_word
from levinthal.vocabulary import Preset, Scalar, Task

SOURCE = "Sutskever, Martens, Dahl & Hinton 2013, ICML"
UPDATES, PERIOD = 750_000, 250  # of the paper
Arm = tuple[str, float]
"""Rule of the momentum, and its final value."""

ARMS: tuple[Arm, ...] = (("classical", 0.9), ("nesterov", 0.9), ("classical", 0.99), ("nesterov", 0.99))
PLAIN: Arm = ("none", 0.0)
NAMES = {"none": "no momentum", "classical": "classical", "nesterov": "Nesterov"}
RATES = (0.01, 0.03, 0.1, 0.3, 1, 3, 10)
MNIST_RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3)
"""The best rate of momentum .99 lies at .01 in most seeds: .003 keeps it off the edge of the grid."""
SCALES = (0.25, 0.5, 2.0, 4.0)


def arm_name(arm: Arm) -> str:
    """The name of an arm.

    >>> arm_name(("nesterov", 0.9)), arm_name(("none", 0.0))
    ('Nesterov .9', 'no momentum')
    """
    return NAMES[arm[0]] + (f" {arm[1]:g}".replace("0.", ".") if arm[1] else "")


def _tasks(seeds: int, rates: tuple[float, ...], **sizes: Scalar) -> Iterator[Task]:
    arms = [(init, 1.0, arm) for init in ("sparse", "small") for arm in (PLAIN, *ARMS)]
    arms += [("sparse", scale, ARMS[-1]) for scale in SCALES]
    for init, scale, (rule, most) in arms:
        cell: dict[str, Scalar] = {"init": init, "scale": scale, "rule": rule, "momentum": most}
        yield Task({**cell, **sizes, "rates": rates_word(rates)}, tuple(range(seeds)))


def _one_by_one(seeds: int, rates: tuple[float, ...], **sizes: Scalar) -> Iterator[Task]:
    """Each learning rate and seed as a task of its own, so that Ctrl-C loses little."""
    for rate in rates:
        for task in _tasks(seeds, (rate,), **sizes):
            yield from (replace(task, seeds=(seed,)) for seed in task.seeds)


PRESETS = {
    "quick": Preset(
        "digits, 64-32-16-8-16-32-64, 8 seeds: a minute or two",
        "digits", tuple(_tasks(8, RATES, images=1197, steps=1500, batch=50)),
    ),
    "standard": Preset(
        "MNIST, 784-128-64-16-64-128-784, 8 seeds: an hour on two cores",
        "mnist", tuple(_tasks(8, MNIST_RATES, images=5000, steps=1000, batch=100)),
    ),
    "long": Preset(
        "MNIST, the paper's 750,000 updates of 200 images: about 22 days on two cores", "mnist",
        tuple(_one_by_one(8, MNIST_RATES, images=60_000, steps=UPDATES, batch=200, period=PERIOD)),
    ),
}  # fmt: skip
