"""The claims about accuracy and depth, each at the book's learning rate and at the best one of every arm."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from levinthal.lab.analysis import Reading, at_best_rate, compare, evidence, value
from levinthal.lab.storage.rows import Rows
from levinthal.studies.trainability.unstable_gradient.design import RATE, SOURCE, WIDTH
from levinthal.vocabulary import Claim

NO_ACCURACIES = "The preset book measures speeds alone: accuracies are in quick, standard and long."


def accuracy(start: str, hidden: int, rate: float | None = None, *, wide: bool = False) -> Reading:
    """Accuracy after the last epoch of one initialisation and depth, at a learning rate or at the best one.

    The networks are of the usual width, or the wider ones.
    """
    arm: dict[str, Any] = {"start": start, "hidden": hidden, "width": lambda width: (width > WIDTH) == wide}
    if rate is None:
        return at_best_rate("accuracy", error=lambda share: 1 - share, **arm)
    return value("accuracy", rate=rate, **arm)


def points(one: float, other: float) -> float:
    """By how many points of a hundred one share is the larger.

    >>> points(0.75, 0.5)
    25.0
    """
    return 100 * (one - other)


def more_accurate(better: Callable[..., Reading], worse: Callable[..., Reading]) -> dict[str, Reading]:
    """Points by which one kind of network is more accurate, at the book's learning rate and at the best."""
    rates = {f"learning rate {RATE:g}": RATE, "best learning rates": None}
    return {words: compare(better(rate=rate), worse(rate=rate), points) for words, rate in rates.items()}


def depths(start: str, better: int, worse: int) -> dict[str, Reading]:
    """Points by which one depth is more accurate than another."""
    return more_accurate(partial(accuracy, start, better), partial(accuracy, start, worse))


def no_accuracies(rows: Rows) -> tuple[str, ...]:
    """A note on a preset that has no accuracies."""
    return () if len(rows.where(name="accuracy")) else (NO_ACCURACIES,)


WIDER = more_accurate(partial(accuracy, "book", 1, wide=True), partial(accuracy, "book", 1))

CLAIMS = (
    Claim(
        id="U5",
        says="A second hidden layer helps (96.48 to 96.90 %).",
        source=SOURCE,
        effect="test accuracy of two hidden layers less that of one",
        unit="points",
        smallest_effect=0.2,
        why_smallest="chosen by us: about half of the difference in the book, 0.42 points",
        control="one wider layer with as many parameters as two",
        evidence=evidence(depths("book", 2, 1), control=WIDER, notes=no_accuracies),
    ),
    Claim(
        id="U6",
        says="From two hidden layers to four, accuracy does not grow but falls (96.90 to 96.53 %).",
        source=SOURCE,
        effect="test accuracy of two hidden layers less that of four",
        unit="points",
        smallest_effect=0.2,
        why_smallest="chosen by us: about half of the difference in the book, 0.37 points",
        control="tanh units, orthogonal weights and no biases, two layers less four",
        evidence=evidence(depths("book", 2, 4), control=depths("orthogonal", 2, 4), notes=no_accuracies),
    ),
)
