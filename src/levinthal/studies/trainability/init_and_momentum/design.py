"""The cells of every preset: initialisations with and without momentum, and scales of the sparse one.

A cell's factors: `init` ("sparse" or "small"), `scale` of the sparse weights, `momentum` (the most of the
schedule), `rule` ("none", "classical", "nesterov"), `images`, `steps`, `batch`, and the `rates`.
"""

from __future__ import annotations

from levinthal.lab.analysis.rates import rates_word
from levinthal.vocabulary import Preset, Scalar, Task

SOURCE = "Sutskever, Martens, Dahl & Hinton 2013, ICML"
Arm = tuple[str, float]
"""Rule of the momentum, and its final value."""

ARMS: tuple[Arm, ...] = (("classical", 0.9), ("nesterov", 0.9), ("classical", 0.99), ("nesterov", 0.99))
PLAIN: Arm = ("none", 0.0)
NAMES = {"none": "no momentum", "classical": "classical", "nesterov": "Nesterov"}
RATES = (0.01, 0.03, 0.1, 0.3, 1, 3, 10)
SCALES = (0.25, 0.5, 2.0, 4.0)


def arm_name(arm: Arm) -> str:
    """The name of an arm.

    >>> arm_name(("nesterov", 0.9)), arm_name(("none", 0.0))
    ('Nesterov .9', 'no momentum')
    """
    return NAMES[arm[0]] + (f" {arm[1]:g}".replace("0.", ".") if arm[1] else "")


def _preset(about: str, data: str, seeds: int, rates: tuple[float, ...], **sizes: Scalar) -> Preset:
    arms = [(init, 1.0, arm) for init in ("sparse", "small") for arm in (PLAIN, *ARMS)]
    arms += [("sparse", scale, ARMS[-1]) for scale in SCALES]
    tasks = []
    for init, scale, (rule, most) in arms:
        cell: dict[str, Scalar] = {"init": init, "scale": scale, "rule": rule, "momentum": most}
        tasks.append(Task({**cell, **sizes, "rates": rates_word(rates)}, tuple(range(seeds))))
    return Preset(about, data, tuple(tasks))


PRESETS = {
    "quick": _preset(
        "digits, 64-32-16-8-16-32-64, 6 seeds: a minute",
        "digits", 6, RATES, images=1197, steps=1500, batch=50,
    ),
    "standard": _preset(
        "MNIST, 784-128-64-16-64-128-784, 5 seeds: ten minutes",
        "mnist", 5, RATES[:-1], images=5000, steps=1000, batch=100,
    ),
}  # fmt: skip
