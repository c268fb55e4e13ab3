"""Readings: from the long table to one number per seed.

value      a measurement                     at_best_rate   the same at the best learning rate of an arm
of_curve   a number of each seed's curve     best_at_end    the best learning rate itself

A reading is a function of the rows: nothing is read before the claim is judged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from levinthal.lab.analysis.curves import Curve, curves
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.analysis.rates import BestRate, best_rate
from levinthal.lab.storage.rows import Rows

__all__ = ["Effect", "Reading", "at_best_rate", "best_at_end", "mean_by_seed", "of_curve", "value"]


@dataclass(frozen=True, slots=True)
class Effect:
    """One number per seed, with the best learning rates that it rests on. No seeds: not run yet.

    Attributes:
        by_seed: seed -> number.
        rates: the best learning rates of the compared arms, in order; empty where none was chosen.
        at_edge: whether one of those rates is the first or last of its grid.
        note: a sentence for the verdict, or nothing. An effect without seeds may say why it has none.

    >>> Effect({0: 0.25}).map(lambda share: 1 - share).by_seed
    {0: 0.75}
    """

    by_seed: BySeed
    rates: tuple[float, ...] = ()
    at_edge: bool = False
    note: str = ""

    def map(self, change: Callable[[float], float]) -> Effect:
        """The same effect with the number of every seed changed.

        Args:
            change: from a number to a number.

        Returns:
            The effect; rates, edge and note are as before.
        """
        return replace(self, by_seed={seed: change(number) for seed, number in self.by_seed.items()})


Reading = Callable[[Rows], Effect]
"""From the rows to an effect."""

NOT_RUN = Effect({})


def mean_by_seed(rows: Rows) -> dict[int, float]:
    """The mean over a seed's rows, for `reduce=` where a seed has several.

    Args:
        rows: rows of one measurement.

    Returns:
        seed -> mean.
    """
    return {seed: float(group.values().mean()) for (seed,), group in rows.group_by("seed").items()}


def value(
    name: str,
    *,
    step: int | str | None = "last",
    reduce: Callable[[Rows], BySeed] = Rows.by_seed,
    **where: Any,
) -> Reading:
    """A measurement, one number per seed.

    Args:
        name: the measurement.
        step: a step, "last" for the last one among the rows chosen, or None for all steps.
        reduce: from the chosen rows to seed -> number; by default each seed must have one row.
        where: conditions on the rows, as in `Rows.where`.

    Returns:
        The reading; it has no seeds while there are no such rows.

    Raises:
        InputError: by the reading, where a seed has more than one row, or for a key that no row has.

    >>> from levinthal.vocabulary import Estimate, Measurement, Row
    >>> losses = {0: 1.0, 3: 0.25}
    >>> rows = Rows.of(
    ...     Row({"width": 9}, Measurement("loss", Estimate.exact(loss), 0, step))
    ...     for step, loss in losses.items()
    ... )
    >>> value("loss", width=9)(rows).by_seed, value("loss", step=0)(rows).by_seed
    ({0: 0.25}, {0: 1.0})
    """

    def read(rows: Rows) -> Effect:
        found = _at(step, rows.where(name=name, **where))
        return Effect(reduce(found)) if len(found) else NOT_RUN

    return read


def of_curve(number: Callable[[Curve], float], **where: Any) -> Reading:
    """A number of each seed's curve over training.

    Args:
        number: from the steps and values of one curve to a number: `last`, `trend`, `peak`...
        where: conditions on the rows, as in `Rows.where`; one curve per seed must be left.

    Returns:
        The reading; it has no seeds while there are no such rows.

    >>> from levinthal.lab.analysis.curves import peak
    >>> from levinthal.vocabulary import Estimate, Measurement, Row
    >>> values = enumerate((1.0, 3.0, 4.0, 3.5, 2.0))
    >>> rows = Rows.of(Row({}, Measurement("bits", Estimate.exact(v), 7, step)) for step, v in values)
    >>> of_curve(peak, name="bits")(rows).by_seed
    {7: 1.5}
    """

    def read(rows: Rows) -> Effect:
        return Effect({seed: number(curve) for seed, curve in curves(rows, **where).items()})

    return read


def best_at_end(
    rows: Rows, name: str, *, error: Callable[[float], float] | None = None, **where: Any
) -> BestRate | None:
    """The best learning rate of one arm by the last value of a measurement; the rule is that of `best_rate`.

    Args:
        rows: the long table.
        name: the measurement, an error: lower is better.
        error: from the measurement to an error, where higher is better (`lambda accuracy: 1 - accuracy`).
        where: conditions on the rows, as in `Rows.where`.

    Returns:
        The best learning rate; None for fewer than three.

    Raises:
        InputError: where a learning rate and seed have more than one row.
    """
    return best_rate(_at("last", rows.where(name=name, **where)), error)


def at_best_rate(name: str, *, error: Callable[[float], float] | None = None, **where: Any) -> Reading:
    """The last value of a measurement at the best learning rate of an arm, one number per seed.

    Args:
        name: the measurement, an error: lower is better.
        error: from the measurement to an error, where higher is better. It serves the choice of the
            learning rate alone: the effect holds the measurement itself.
        where: conditions on the rows, as in `Rows.where`.

    Returns:
        The reading; it has no seeds while fewer than three learning rates have run.

    Raises:
        InputError: by the reading, where a learning rate and seed have more than one row.

    >>> from levinthal.vocabulary import Estimate, Measurement, Row
    >>> losses = {0.1: 0.5, 1.0: 0.2, 10.0: 0.9}
    >>> rows = Rows.of(
    ...     Row({"rule": "sgd"}, Measurement("loss", Estimate.exact(loss), 0, 100, "", f"rate={rate:g}"))
    ...     for rate, loss in losses.items()
    ... )
    >>> at_best_rate("loss", rule="sgd")(rows)
    Effect(by_seed={0: 0.2}, rates=(1.0,), at_edge=False, note='')
    """

    def read(rows: Rows) -> Effect:
        best = best_at_end(rows, name, error=error, **where)
        if best is None:
            return NOT_RUN
        scores = best.scores
        if error is not None:
            scores = _at("last", rows.where(name=name, **where)).by_seed(rate=best.rate)
        return Effect(scores, (best.rate,), best.at_edge)

    return read


def _at(step: int | str | None, rows: Rows) -> Rows:
    if step is None or not len(rows):
        return rows
    return rows.where(step=rows.distinct("step")[-1] if step == "last" else step)
