"""The certificates of some outcomes: the one that is chosen by their kind, and the others beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from levinthal.bounds.outcomes import Outcomes
from levinthal.bounds.shuffling import shuffled
from levinthal.certificates import (
    bentkus,
    betting,
    clopper_pearson,
    empirical_bernstein,
    hoeffding,
    kawaguchi,
    mixture,
    relative_entropy,
)
from levinthal.errors import InputError

KAWAGUCHI = "Kawaguchi et al."
ORDER_SEED = 0
"""The seed of the order in which betting reads losses."""
SORTED = 10
"""From so many losses on, a sorted list is no accident."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One upper limit.

    Attributes:
        name: Its authors or its method.
        limit: The upper limit of the true error, a share; 1 and above say nothing.
    """

    name: str
    limit: float


def limits_of(seen: Outcomes, left: float, *, anytime: bool) -> Iterator[Certificate]:
    """The limits of the true mean, the chosen one first.

    Args:
        seen: The outcomes.
        left: The chance that a limit does not hold, after a union over the models tried.
        anytime: Whether they hold at all numbers of rows at once.

    Raises:
        InputError: `anytime`, and losses that are sorted.
    """
    if seen.losses is None:
        exact = Certificate("Clopper-Pearson", clopper_pearson(seen.errors, seen.units, left))
        mixed = Certificate("mixture, at any time", mixture(seen.errors, seen.units, left))
        yield from (mixed,) if anytime else (exact, mixed)
        variance = seen.mean * (1 - seen.mean) * seen.units / max(seen.units - 1, 1)
    else:
        name = "betting, at any time" if anytime else "betting"
        yield Certificate(name, betting(_ordered(seen.losses, anytime), left, anytime=anytime))
        variance = float(seen.losses.var(ddof=1)) if seen.units > 1 else 1.0
    if not anytime:
        yield from _of_mean(seen.mean, variance, seen.units, left)


def _ordered(losses: np.ndarray, anytime: bool) -> np.ndarray:
    """The losses in a random order: that of a file may follow their values, and betting would believe it.

    Raises:
        InputError: The order has to be kept, and it follows the values.
    """
    if not anytime:
        return shuffled(losses, ORDER_SEED)
    steps = np.diff(losses)
    if len(losses) >= SORTED and steps.any() and ((steps >= 0).all() or (steps <= 0).all()):
        raise InputError(
            f"the {len(losses):,} losses are sorted, and anytime= reads them in the order in which they were "
            "drawn: pass them in that order, or leave out anytime="
        )
    return losses


def _of_mean(mean: float, variance: float, units: int, left: float) -> Iterator[Certificate]:
    """The certificates that need mean and variance alone, the tightest kind first."""
    yield Certificate("Bentkus", bentkus(mean, units, left))
    yield Certificate("relative entropy", relative_entropy(mean, units, left))
    yield Certificate("empirical Bernstein", empirical_bernstein(mean, variance, units, left))
    yield Certificate("Hoeffding", hoeffding(mean, units, left))
    yield Certificate("Kawaguchi, variance at most 1/4", kawaguchi(mean, units, left, second_moment=0.25))
    yield Certificate(KAWAGUCHI, kawaguchi(mean, units, left))
