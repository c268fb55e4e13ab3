"""A reading over several settings: its mean, or its slope.

mean_over    the mean over settings, seed by seed     slope_over   the slope against log2 of a factor
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from levinthal.lab.analysis.descriptions import ANY, Described, Reading, describe
from levinthal.lab.analysis.effects import BySeed, Effect, average, slope
from levinthal.lab.storage.rows import Rows

__all__ = ["mean_over", "slope_over"]


def mean_over(*factors: str, of: Reading, drop_failed: bool = False, **where: Any) -> Described:
    """The mean of a reading over settings, among the seeds that every setting has.

    Args:
        factors: keys of the rows; each combination of their levels is a setting.
        of: the reading in each setting, from the rows of that setting alone.
        drop_failed: leave out the settings in which the number of a seed is not finite. A claim that asks
            for it speaks of the runs that did not fail, and its sentence says so.
        where: conditions on the rows, applied before the settings are distinguished.

    Returns:
        The reading of the mean. A setting without runs does not count, its note does. A seed that failed in
        one setting failed: its mean is NaN.

    Raises:
        UnknownFactorError: by the reading, for a key that no row has.

    >>> from levinthal.lab.analysis.readings import value
    >>> from levinthal.vocabulary import Estimate, Measurement, Row
    >>> rows = Rows.of(Row({"width": w}, Measurement("bits", Estimate.exact(w))) for w in (10, 20))
    >>> mean_over("width", of=value("bits"))(rows).by_seed
    {0: 15.0}
    """

    def read(rows: Rows) -> Effect:
        found = [of(part) for part in rows.where(**where).group_by(*factors).values()]
        units = {effect.unit for effect in found if effect.by_seed}
        together = _together(found, average((effect.by_seed for effect in found), drop_failed=drop_failed))
        return replace(together, unit=units.pop() if len(units) == 1 else "")

    known = describe(of).inside(factors, where)
    return Described(read, known.made("mean", of=(known.recipe,)))


def slope_over(factor: str, *, of: Reading, drop_failed: bool = False, **where: Any) -> Described:
    """The slope of a reading against log2 of a factor: its change when the factor is twice as large.

    Args:
        factor: a key of the rows with positive levels: depth, width.
        of: the reading at each level, from the rows of that level alone.
        drop_failed: draw the line of a seed through its finite numbers, at least two; as in `mean_over`.
        where: conditions on the rows, applied before the levels are distinguished.

    Returns:
        The reading of the least-squares slope, among the seeds that every level has; no seeds for fewer
        than two levels. A seed that failed at one level failed: its slope is NaN.

    Raises:
        UnknownFactorError: by the reading, for a key that no row has.

    >>> from levinthal.lab.analysis.readings import value
    >>> from levinthal.vocabulary import Estimate, Measurement, Row
    >>> bits = {5: 9.0, 10: 8.0, 20: 7.0}
    >>> rows = Rows.of(Row({"depth": d}, Measurement("bits", Estimate.exact(b))) for d, b in bits.items())
    >>> slope_over("depth", of=value("bits"))(rows).by_seed
    {0: -1.0}
    """

    def read(rows: Rows) -> Effect:
        found = {float(at): of(part) for (at,), part in rows.where(**where).group_by(factor).items()}
        points = {at: effect.by_seed for at, effect in found.items() if effect.by_seed}
        return _together(found.values(), slope(points, drop_failed=drop_failed))

    known = replace(describe(of).inside((), where), unit="", within=ANY)
    return Described(read, known.made("slope", factor, of=(known.recipe,)))


def _together(found: Iterable[Effect], by_seed: BySeed) -> Effect:
    """The numbers with the rates and edges of the effects that have seeds, and the notes of all."""
    found = list(found)
    known = [effect for effect in found if effect.by_seed]
    return Effect(
        by_seed,
        tuple(rate for effect in known for rate in effect.rates),
        any(effect.at_edge for effect in known),
        " ".join(dict.fromkeys(effect.note for effect in found if effect.note)),
    )
