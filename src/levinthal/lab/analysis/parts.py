"""The conditions of a claim: named one by one, or one for each level of a factor.

each       one reading per level of a factor        planned    the cells of a study, before anything has run
parts_of   the conditions that are known before anything has run
require_known_conditions    refuses a control of a misspelt condition
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from levinthal.errors import InputError, UnknownFactorError
from levinthal.lab.analysis.descriptions import Described, Reading
from levinthal.lab.analysis.rates import read_rates
from levinthal.lab.storage.rows import Rows
from levinthal.lab.storage.spelling import meant
from levinthal.lab.storage.table import KEYS
from levinthal.vocabulary import Cell, Estimate, Evidence, Measurement, Row

__all__ = ["Each", "Parts", "each", "parts_of", "planned", "require_known_conditions"]

Parts = Mapping[str, Reading] | Callable[[Rows], Mapping[str, Reading]]
"""Condition -> its reading; or the same, found in the rows."""


@dataclass(frozen=True, slots=True)
class Each:
    """One condition for each combination of levels; the result of `each`."""

    factors: tuple[str, ...]
    make: Callable[..., Reading]
    label: Callable[..., str]
    where: Mapping[str, Any]

    def __call__(self, rows: Rows) -> dict[str, Reading]:
        """The conditions that the rows hold, in the order of the levels."""
        levels = rows.where(**self.where).group_by(*self.factors)
        found: dict[str, Reading] = {}
        for level in levels:
            label = self.label(*level)
            if label in found:
                raise InputError(f"two conditions are called '{label}': give each level a label of its own")
            found[label] = self.make(*level)
        return found

    def planned(self, cells: Rows) -> dict[str, Reading]:
        """The conditions that planned cells will hold, as far as they can be known.

        Args:
            cells: the rows of `planned`.

        Returns:
            Condition -> reading; nothing where a factor is in no cell (it is measured within a run).
        """
        if not all(_has(cells, key) for key in self.factors):
            return {}
        here = cells.where(**{key: level for key, level in self.where.items() if _has(cells, key)})
        levels = [level for level in here.group_by(*self.factors) if None not in level]
        return dict(pair for level in levels for pair in self._condition(level))

    def _condition(self, level: tuple[Any, ...]) -> list[tuple[str, Reading]]:
        """The condition of one level; a level that is never measured may have none, and raise anything."""
        try:
            return [(self.label(*level), self.make(*level))]
        except Exception:
            return []


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
    return Each(factors, make, label, where)


def planned(cells: Iterable[Cell], factors: Iterable[str] = ()) -> Rows:
    """The cells of a study as rows without a measurement, to look up levels before anything has run.

    Args:
        cells: the cells of a preset.
        factors: factors of other presets, which may be asked for too.

    Returns:
        One row for each cell; one for each learning rate of a cell that holds a grid (`rates_word`).

    >>> planned([{"depth": 2}, {"depth": 4, "rates": "0.1 1"}]).by("depth", "rate")
    {(2, None): 0.0, (4, 0.1): 0.0, (4, 1.0): 0.0}
    """
    nothing = Measurement("", Estimate.exact(0.0))
    rows = (Row(one, nothing) for cell in cells for one in _by_rate(cell))
    return Rows.of(rows, factors=factors)


def _has(cells: Rows, factor: str) -> bool:
    """Whether some planned cell has the factor."""
    if factor in KEYS:
        return False
    try:
        return cells.distinct(factor) not in ([], [None])
    except UnknownFactorError:
        return False


def _by_rate(cell: Cell) -> list[Cell]:
    """The cell at each rate of its grid; another factor that is called "rates" is left as it is."""
    try:
        rates = read_rates(str(cell["rates"]))
    except (KeyError, ValueError):
        return [cell]
    return [{**cell, "rate": rate} for rate in rates]


def parts_of(side: Reading | Parts | None, cells: Rows) -> dict[str, Reading]:
    """The conditions of a claim that are known before anything has run.

    Args:
        side: what was passed to `evidence`.
        cells: the rows of `planned`.

    Returns:
        Condition -> reading. A function of one's own is asked for what it finds in planned cells.

    >>> from levinthal.lab.analysis.readings import value
    >>> parts = each("depth", make=lambda depth: value("loss", depth=depth), label="depth {}".format)
    >>> list(parts_of(parts, planned([{"depth": 2}, {"depth": 4}])))
    ['depth 2', 'depth 4']
    """
    if isinstance(side, Described):
        return {"": side}
    if isinstance(side, Each):
        return side.planned(cells)
    if isinstance(side, Mapping):
        return dict(side)
    return _found(side, cells) if side is not None else {}


def _found(side: Callable[[Rows], Any], cells: Rows) -> dict[str, Reading]:
    """The conditions that a function of one's own finds in the planned cells.

    It was written for measured rows, so that it may raise or warn of anything: then nothing is known. A
    reading of one's own gives an effect, and no conditions.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = side(cells)
        except Exception:
            return {}
    return dict(found) if isinstance(found, Mapping) else {}


def require_known_conditions(found: Evidence) -> Evidence:
    """Refuse a control or a rival of a misspelt condition: it would count as one without runs.

    Args:
        found: what the test of a claim found.

    Returns:
        The same. A control of a condition that has no effect yet is accepted.

    Raises:
        UnknownFactorError: a condition of the control that no effect has and that is near to one that the
            control lacks.

    >>> require_known_conditions(Evidence({"two": {0: 1.0}}, {"tow": {0: 0.0}}))
    Traceback (most recent call last):
        ...
    levinthal.errors.UnknownFactorError: control has the unknown condition 'tow': did you mean 'two'?
    """
    for arm, effects in (("control", found.control), ("rival", found.rival)):
        for condition in effects.keys() - found.effects.keys() - {""}:
            near = meant(condition, [name for name in found.effects if name not in effects])
            if near:
                raise UnknownFactorError(
                    f"{arm} has the unknown condition '{condition}': did you mean '{near}'?"
                )
    return found
