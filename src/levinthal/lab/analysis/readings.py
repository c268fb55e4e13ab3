"""Readings: from the long table to one number per seed.

value      a measurement                     at_best_rate   the same at the best learning rate of an arm
of_curve   a number of each seed's curve     best_at_end    the best learning rate itself

A reading is a function of the rows: nothing is read before the claim is judged. Each carries a description
(`descriptions`), so that a study is checked before it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from levinthal.lab.analysis.curves import Curve, curves, first, last, trend
from levinthal.lab.analysis.descriptions import ANY, Described, Description, Range, Reading
from levinthal.lab.analysis.effects import NOT_RUN, BySeed, Effect
from levinthal.lab.analysis.rates import BestRate, best_rate
from levinthal.lab.storage.rows import Rows

__all__ = ["Effect", "Reading", "at_best_rate", "best_at_end", "mean_by_seed", "of_curve", "value"]


NUMBERS_OF_A_CURVE: Mapping[Callable[[Curve], float], Description] = {
    trend: Description("rank correlation", (-1, 1))
}


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
    within: Range = ANY,
    **where: Any,
) -> Described:
    """A measurement, one number per seed.

    Args:
        name: the measurement.
        step: a step, "last" for the last one of each run (see `Rows.at_last_step`), or None for all steps.
        reduce: from the chosen rows to seed -> number; by default each seed must have one row.
        within: the lowest and the highest value that a seed can have: (0, 1) for a share.
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
        unit = _unit(found) if reduce in (Rows.by_seed, mean_by_seed) else ""
        return Effect(reduce(found), unit=unit) if len(found) else NOT_RUN

    known = Description(within=within, where={"name": name, **where})
    return Described(read, known.made("value", name, step, reduce, where))


def of_curve(number: Callable[[Curve], float], *, within: Range = ANY, **where: Any) -> Described:
    """A number of each seed's curve over training.

    Args:
        number: from the steps and values of one curve to a number: `last`, `trend`, `peak`...
        within: the lowest and the highest value that it can have. That of `trend` is known.
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
        found = {seed: number(curve) for seed, curve in curves(rows, **where).items()}
        unit = _unit(rows.where(**where)) if number in (first, last) else known.unit
        return Effect(found, unit=unit)

    known = replace(NUMBERS_OF_A_CURVE.get(number, Description(within=within)), where=where)
    return Described(read, known.made("curve", number, where))


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


def at_best_rate(
    name: str, *, error: Callable[[float], float] | None = None, within: Range = ANY, **where: Any
) -> Described:
    """The last value of a measurement at the best learning rate of an arm, one number per seed.

    Args:
        name: the measurement, an error: lower is better.
        error: from the measurement to an error, where higher is better. It serves the choice of the
            learning rate alone: the effect holds the measurement itself.
        within: the lowest and the highest value that a seed can have.
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
        found = _at("last", rows.where(name=name, **where))
        scores = best.scores if error is None else found.by_seed(rate=best.rate)
        return Effect(scores, (best.rate,), best.at_edge, unit=_unit(found))

    at = {"name": name, **where}
    known = Description(within=within, where=at, rated=(at,))
    return Described(read, known.made("best rate", error, at))


def _at(step: int | str | None, rows: Rows) -> Rows:
    if step is None or not len(rows):
        return rows
    return rows.at_last_step() if step == "last" else rows.where(step=step)


def _unit(rows: Rows) -> str:
    """The one unit of the rows; nothing where they have none, or several."""
    units = rows.distinct("unit")
    return str(units[0]) if len(units) == 1 else ""
