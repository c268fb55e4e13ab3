"""From the long table to a claim's evidence: readings of one arm, and their comparison paired by seed.

value         a measurement, seed by seed            at_best_rate  the same at the arm's best learning rate
compare       two readings, paired by seed           each          one reading a level of a factor
evidence      readings of the parts and of the control, as the evidence function of a claim

A reading is a function of the rows: nothing is read before the claim is judged. `evidence` alone drops the
parts without runs, wraps a control that stands for all parts, joins the notes and applies the rule on grid
edges: the best rate of any arm, of the effect or of the control, on the edge of its grid marks the evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.analysis.rates import BestRate, best_rate
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Evidence

__all__ = [
    "Effect",
    "Parts",
    "Reading",
    "at_best_rate",
    "best_at_end",
    "compare",
    "difference",
    "each",
    "evidence",
    "log2_ratio",
    "mean_by_seed",
    "value",
]


@dataclass(frozen=True, slots=True)
class Effect:
    """One number a seed, with the best learning rates that it rests on. No seeds: not run yet.

    Attributes:
        by_seed: seed -> number.
        rates: the best rates of the compared arms, in order; empty where no rate was chosen.
        at_edge: whether one of those rates is the first or last of its grid.
        note: a sentence for the verdict, or nothing.
    """

    by_seed: BySeed
    rates: tuple[float, ...] = ()
    at_edge: bool = False
    note: str = ""

    def map(self, change: Callable[[float], float]) -> Effect:
        """The same effect with every seed's number changed.

        >>> Effect({0: 0.25}).map(lambda share: 1 - share).by_seed
        {0: 0.75}
        """
        return replace(self, by_seed={seed: change(number) for seed, number in self.by_seed.items()})


Reading = Callable[[Rows], Effect]
"""From the rows to an effect."""

Parts = Mapping[str, Reading] | Callable[[Rows], Mapping[str, Reading]]
"""Part of the grid -> its reading; or the same, found in the rows."""

NOT_RUN = Effect({})


def difference(one: float, other: float) -> float:
    """one - other."""
    return one - other


def log2_ratio(one: float, other: float) -> float:
    """log2(one / other): how many times the first number must be halved to give the second.

    >>> log2_ratio(8, 2)
    2.0
    """
    return math.log2(one / other)


def mean_by_seed(rows: Rows) -> dict[int, float]:
    """The mean over a seed's rows, for `value(reduce=)` where a seed has several.

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
    """A measurement, seed by seed.

    Args:
        name: the measurement.
        step: a step, "last" for the last one among the rows chosen, or None for all steps.
        reduce: from the chosen rows to seed -> number; by default each seed must have one row.
        where: what the rows are narrowed to, as in `Rows.where`.

    Returns:
        The reading; it has no seeds while there are no such rows.

    Raises:
        InputError: by the reading, where a seed has more than one row, or for a key no row has.
    """

    def read(rows: Rows) -> Effect:
        found = _at(step, rows.where(name=name, **where))
        return Effect(reduce(found)) if len(found) else NOT_RUN

    return read


def best_at_end(
    rows: Rows, name: str, *, error: Callable[[float], float] | None = None, **where: Any
) -> BestRate | None:
    """The best rate of one arm by the last value of a measurement; the rule is that of `best_rate`.

    Args:
        rows: the long table.
        name: the measurement, an error: lower is better.
        error: from the measurement to an error, where higher is better (`lambda accuracy: 1 - accuracy`).
        where: what the rows are narrowed to, as in `Rows.where`.

    Returns:
        The best rate; None for fewer than three rates.
    """
    return best_rate(_at("last", rows.where(name=name, **where)), error)


def at_best_rate(name: str, *, error: Callable[[float], float] | None = None, **where: Any) -> Reading:
    """The last value of a measurement at the arm's best learning rate, seed by seed.

    Args:
        name: the measurement, an error: lower is better.
        error: from the measurement to an error, where higher is better. It serves the choice of the rate
            alone: the effect holds the measurement itself.
        where: what the rows are narrowed to, as in `Rows.where`.

    Returns:
        The reading; it has no seeds while fewer than three rates have run.

    Raises:
        InputError: by the reading, where a rate and seed have more than one row.
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


def compare(one: Reading, other: Reading, how: Callable[[float, float], float] = difference) -> Reading:
    """Two readings, paired by seed.

    Args:
        one: the first reading.
        other: the second.
        how: from both numbers of a seed to the effect, positive in the claimed direction.

    Returns:
        The reading of `how`, among the seeds that both have; no seeds where either has none.

    >>> both = compare(lambda rows: Effect({0: 8.0, 1: 5.0}), lambda rows: Effect({0: 2.0}), log2_ratio)
    >>> both(Rows.of([])).by_seed
    {0: 2.0}
    """

    def read(rows: Rows) -> Effect:
        a, b = one(rows), other(rows)
        paired = {s: how(a.by_seed[s], b.by_seed[s]) for s in a.by_seed if s in b.by_seed}
        note = " ".join(filter(None, (a.note, b.note)))
        return Effect(paired, a.rates + b.rates, a.at_edge or b.at_edge, note) if paired else NOT_RUN

    return read


def each(
    *factors: str, make: Callable[..., Reading], label: Callable[..., str], **where: Any
) -> Callable[[Rows], dict[str, Reading]]:
    """One part of the grid for each combination of levels that the rows hold.

    Args:
        factors: keys of the rows.
        make: from one level a factor to the reading of that part.
        label: from one level a factor to the name of that part.
        where: what the rows are narrowed to before the levels are looked for.

    Returns:
        From the rows to the parts, in the order of the levels.

    >>> each("depth", make=lambda depth: value("loss", depth=depth), label="depth {}".format)(Rows.of([]))
    {}
    """

    def parts(rows: Rows) -> dict[str, Reading]:
        levels = rows.where(**where).group_by(*factors)
        return {label(*level): make(*level) for level in levels}

    return parts


def evidence(
    effects: Reading | Parts,
    control: Reading | Parts | None = None,
    *,
    notes: Callable[[Rows], Iterable[str]] | None = None,
) -> Callable[[Rows], Evidence]:
    """The evidence function of a claim.

    Args:
        effects: the reading of every part of the grid, or one reading of the whole.
        control: the same of the control: by part, or one reading that stands for all parts.
        notes: from the rows to more sentences for the verdict.

    Returns:
        From the rows to the evidence. Parts without runs are left out. The best rates of each part are
        noted. `grid_edge` is set if the best rate of any arm, of the effect or of the control, is on the
        edge of its grid.

    >>> claim = evidence(lambda rows: Effect({0: 1.0}), control=lambda rows: Effect({0: 0.0}))
    >>> found = claim(Rows.of([]))
    >>> found.effects, found.control, found.grid_edge
    ({'': {0: 1.0}}, {'': {0: 0.0}}, False)
    """

    def found(rows: Rows) -> Evidence:
        parts, controls = _read(effects, rows), _read(control, rows)
        known = [*parts.values(), *controls.values()]
        said = [
            *_about_rates("Best", parts),
            *_about_rates("Control, best", controls),
            *filter(None, (effect.note for effect in known)),
            *(notes(rows) if notes else ()),
        ]
        return Evidence(
            {part: effect.by_seed for part, effect in parts.items()},
            {part: effect.by_seed for part, effect in controls.items()},
            any(effect.at_edge for effect in known),
            tuple(dict.fromkeys(said)),
        )

    return found


def _read(side: Reading | Parts | None, rows: Rows) -> dict[str, Effect]:
    """Part -> effect, of the parts that have runs."""
    found = side(rows) if callable(side) else side or {}
    parts = {"": found} if isinstance(found, Effect) else {part: read(rows) for part, read in found.items()}
    return {part: effect for part, effect in parts.items() if effect.by_seed}


def _about_rates(words: str, parts: Mapping[str, Effect]) -> Iterable[str]:
    for part, effect in parts.items():
        if effect.rates:
            rates = " and ".join(f"{rate:g}" for rate in effect.rates)
            where = f", {part}" if part else ""
            edge = " (on the edge of the grid)" if effect.at_edge else ""
            yield f"{words} rate{'s' * (len(effect.rates) > 1)}{where}: {rates}{edge}."
