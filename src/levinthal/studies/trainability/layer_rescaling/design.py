"""The cells of every preset: one rule at its whole grid of learning rates, or the directions of descent.

A cell's factors: `rule` (see RATES; or "directions"), `hidden` layers, `images` trained on, `steps`, `rates`.
"""

from __future__ import annotations

from collections.abc import Mapping

from levinthal.lab.analysis.rates import rates_word
from levinthal.vocabulary import Preset, Scalar, Task

SOURCE = "Nielsen, Neural Networks and Deep Learning (2015), ch. 5"
RATES: Mapping[str, tuple[float, ...]] = {
    "plain": (0.1, 0.3, 1, 3, 10, 30),
    "fixed": (0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    "tracked": (0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    "lars": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3),
    "adam": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1),
}
NAMES = {
    "plain": "plain",
    "fixed": "constant factors",
    "tracked": "factors updated every step",
    "lars": "LARS",
    "adam": "Adam",
}
SHALLOW = 1
"""Hidden layers of the control, where little vanishes."""
DEEPEST = 5
"""Hidden layers of the deepest networks of every preset, where most vanishes."""


def depth(hidden: int) -> str:
    """The label of a number of hidden layers.

    >>> depth(1), depth(3)
    ('1 hidden layer', '3 hidden layers')
    """
    return f"{hidden} hidden layers" if hidden > 1 else "1 hidden layer"


def _preset(about: str, data: str, hidden: tuple[int, ...], images: int, steps: int, seeds: int) -> Preset:
    def task(rule: str, depth: int) -> Task:
        rates = RATES.get(rule, ())
        sizes: dict[str, Scalar] = {"images": images, "steps": steps, "rates": rates_word(rates)}
        cost = (1 + depth) * max(1, len(rates))
        return Task({"rule": rule, "hidden": depth, **sizes}, tuple(range(seeds)), float(cost))

    return Preset(about, data, tuple(task(rule, n) for rule in (*RATES, "directions") for n in hidden))


PRESETS = {
    "quick": _preset(
        "digits, 1, 3 and 5 hidden layers of 30, 8 seeds: a minute", "digits", (1, 3, 5), 1197, 1200, 8
    ),
    "standard": _preset(
        "MNIST, 1 to 5 hidden layers of 30, 8 seeds: seven minutes", "mnist", (1, 2, 3, 4, 5), 10000, 2000, 8
    ),
}
