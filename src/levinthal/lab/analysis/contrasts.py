"""A claim's evidence as an expression: readings compared and put side by side.

compare        two readings, paired by seed          difference, log2_ratio, log10_ratio   how to compare
mapped         a reading with every number changed   each        one reading per level of a factor
evidence       the evidence function of a claim

`evidence` alone leaves out the conditions without runs, wraps a control that stands for all conditions,
joins the notes and applies the rule on grid edges: a best learning rate of any arm, of the effect or of the
control, on the edge of its grid marks the evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from levinthal.lab.analysis.readings import NOT_RUN, Effect, Reading
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Evidence

__all__ = [
    "Parts",
    "compare",
    "difference",
    "each",
    "evidence",
    "log2_ratio",
    "log10_ratio",
    "mapped",
]

Parts = Mapping[str, Reading] | Callable[[Rows], Mapping[str, Reading]]
"""Condition -> its reading; or the same, found in the rows."""


def difference(one: float, other: float) -> float:
    """The first number less the second, for `compare(how=)`.

    Args:
        one: a number.
        other: a number.

    Returns:
        one - other.

    >>> difference(5, 3)
    2
    """
    return one - other


def log2_ratio(one: float, other: float) -> float:
    """log2(one / other), for `compare(how=)`: how often the first number must be halved to give the second.

    Args:
        one: a positive number.
        other: a positive number.

    Returns:
        The logarithm: 1 for twice, 2 for four times, -1 for half.

    >>> log2_ratio(8, 2)
    2.0
    """
    return math.log2(one / other)


def log10_ratio(one: float, other: float) -> float:
    """log10(one / other), for `compare(how=)`.

    Args:
        one: a positive number.
        other: a number; 0 or less has no ratio.

    Returns:
        The logarithm: 1 for ten times; inf where the second number is not positive.

    >>> log10_ratio(100, 0.1), log10_ratio(1, 0)
    (3.0, inf)
    """
    return math.log10(one / other) if other > 0 else math.inf


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


def mapped(reading: Reading, change: Callable[[float], float]) -> Reading:
    """A reading with the number of every seed changed.

    Args:
        reading: the reading.
        change: from a number to a number.

    Returns:
        The reading of the changed numbers; its rates, edge and note are as before.

    >>> mapped(lambda rows: Effect({0: 0.75}), lambda share: 1 - share)(Rows.of([])).by_seed
    {0: 0.25}
    """
    return lambda rows: reading(rows).map(change)


def each(
    *factors: str, make: Callable[..., Reading], label: Callable[..., str], **where: Any
) -> Callable[[Rows], dict[str, Reading]]:
    """One condition for each combination of levels that the rows hold.

    Args:
        factors: keys of the rows.
        make: from one level of each factor to the reading of that condition.
        label: from one level of each factor to the name of that condition.
        where: conditions on the rows, asked before the levels are looked for.

    Returns:
        From the rows to the conditions, in the order of the levels.

    >>> from levinthal.lab.analysis.readings import value
    >>> from levinthal.vocabulary import Estimate, Measurement, Row
    >>> rows = Rows.of(Row({"depth": d}, Measurement("loss", Estimate.exact(d / 10))) for d in (2, 4))
    >>> parts = each("depth", make=lambda depth: value("loss", depth=depth), label="depth {}".format)(rows)
    >>> {name: reading(rows).by_seed for name, reading in parts.items()}
    {'depth 2': {0: 0.2}, 'depth 4': {0: 0.4}}
    """

    def parts(rows: Rows) -> dict[str, Reading]:
        levels = rows.where(**where).group_by(*factors)
        return {label(*level): make(*level) for level in levels}

    return parts


def evidence(
    effects: Reading | Parts,
    control: Reading | Parts | None = None,
    *,
    rival: Reading | Parts | None = None,
    notes: Callable[[Rows], Iterable[str]] | None = None,
) -> Callable[[Rows], Evidence]:
    """The evidence function of a claim.

    Args:
        effects: the reading of every condition, or one reading of the whole.
        control: the same of the null control: by condition, or one reading that stands for all.
        rival: the same of a rival treatment, which is shown beside the effect and voids nothing.
        notes: from the rows to more sentences for the verdict.

    Returns:
        From the rows to the evidence. Conditions without runs are left out, their notes are not. The best
        learning rates of each condition are noted. `grid_edge` is set if the best learning rate of any arm,
        of the effect or of the control, is on the edge of its grid; one of the rival's is noted only.

    >>> claim = evidence(lambda rows: Effect({0: 1.0}), control=lambda rows: Effect({0: 0.0}))
    >>> found = claim(Rows.of([]))
    >>> found.effects, found.control, found.grid_edge
    ({'': {0: 1.0}}, {'': {0: 0.0}}, False)
    """

    def found(rows: Rows) -> Evidence:
        parts, controls, rivals = _read(effects, rows), _read(control, rows), _read(rival, rows)
        known = [*parts.values(), *controls.values()]
        sentences = [
            *_about_rates("Best", parts),
            *_about_rates("Control, best", controls),
            *_about_rates("Rival, best", rivals),
            *filter(None, (effect.note for effect in [*known, *rivals.values()])),
            *(notes(rows) if notes else ()),
        ]
        return Evidence(
            {part: effect.by_seed for part, effect in parts.items() if effect.by_seed},
            {part: effect.by_seed for part, effect in controls.items() if effect.by_seed},
            any(effect.at_edge for effect in known if effect.by_seed),
            tuple(dict.fromkeys(sentences)),
            {part: effect.by_seed for part, effect in rivals.items() if effect.by_seed},
        )

    return found


def _read(side: Reading | Parts | None, rows: Rows) -> dict[str, Effect]:
    """Condition -> effect, those without seeds too."""
    found = side(rows) if callable(side) else side or {}
    return {"": found} if isinstance(found, Effect) else {part: read(rows) for part, read in found.items()}


def _about_rates(words: str, parts: Mapping[str, Effect]) -> Iterable[str]:
    for part, effect in parts.items():
        if effect.rates and effect.by_seed:
            rates = " and ".join(f"{rate:g}" for rate in effect.rates)
            where = f", {part}" if part else ""
            edge = " (on the edge of the grid)" if effect.at_edge else ""
            yield f"{words} learning rate{'s' * (len(effect.rates) > 1)}{where}: {rates}{edge}."
