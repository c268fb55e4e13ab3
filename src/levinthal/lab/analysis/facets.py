"""From the long table to the figure that most studies draw: lines by a factor, panels by another.

By        the factor that tells lines, or panels, apart      lines     the lines of one panel
facets    one panel for each level of a factor               at_best   each line at its best learning rate
caption   how many seeds, what the band is, how many images  drawn     leaves out what has no rows yet

The median over seeds is thick, its band lies between two quantiles, and the first seeds may be drawn beside
it as thin lines. A level without rows draws nothing: a figure can be made at any time of a run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from levinthal.lab.analysis.bands import MEDIAN, QUARTILES, Along, Spread, line
from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.analysis.readings import best_at_end
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Axis, Figure, Panel, Series

__all__ = ["By", "Narrow", "at_best", "beside", "caption", "drawn", "facets", "lines", "percent"]

Narrow = Callable[[Rows], Rows]
"""From the rows of one line to those that are drawn."""


@dataclass(frozen=True, slots=True)
class By:
    """The factor that tells the lines of a panel apart, or the panels of a figure.

    Attributes:
        key: a key of the rows; or several, whose levels are then tuples.
        names: level -> name, in the order to be drawn, other levels left out; or a function from a level
            to its name, for all levels that the rows hold.
        groups: level -> group of the series, which picks its colour; by default a level that is text, and
            the name of any other.
        scale: from a level to a place in [0, 1] on the sequential colour scale, for an ordered factor.

    >>> By("depth", "depth {:g}".format).look(3, "depth 3")
    {'group': 'depth 3'}
    """

    key: str | tuple[str, ...]
    names: Mapping[Any, str] | Callable[[Any], str] = str
    groups: Mapping[Any, str] = field(default_factory=dict)
    scale: Callable[[Any], float] | None = None

    def split(self, rows: Rows) -> Iterator[tuple[Any, str, Rows]]:
        """Level, name and rows of each level that has rows.

        Args:
            rows: the rows to split into lines.

        Returns:
            One triple a level, in the order of `names`, or else of the levels.
        """
        one = isinstance(self.key, str)
        groups = rows.group_by(*((self.key,) if isinstance(self.key, str) else self.key))
        found = {level[0] if one else level: part for level, part in groups.items()}
        named = self.names if isinstance(self.names, Mapping) else {at: self.names(at) for at in found}
        return ((level, name, found[level]) for level, name in named.items() if level in found)

    def look(self, level: Any, name: str) -> dict[str, Any]:
        """How the series of a level looks.

        Args:
            level: the level.
            name: its name.

        Returns:
            `level` or `group`, as arguments of a Series.
        """
        if self.scale is not None:
            return {"level": self.scale(level)}
        return {"group": self.groups.get(level, level if isinstance(level, str) else name)}


def percent(rows: Rows) -> dict[int, float]:
    """A share in per cent, for `reduce=`.

    Args:
        rows: one row a seed.

    Returns:
        seed -> a hundred times the value.
    """
    return {seed: 100 * share for seed, share in rows.by_seed().items()}


def at_best(name: str, *, error: Callable[[float], float] | None = None) -> Narrow:
    """Each line at its own best learning rate, for `narrow=`; the rule is that of `best_rate`.

    Args:
        name: the measurement whose last value decides, an error: lower is better.
        error: from the measurement to an error, where higher is better.

    Returns:
        From the rows of a line to those of its best rate; none for fewer than three rates.
    """

    def narrowed(rows: Rows) -> Rows:
        best = best_at_end(rows, name, error=error)
        return rows.where(rate=best.rate if best else ())

    return narrowed


def lines(
    rows: Rows,
    x: Along,
    by: By,
    *,
    spread: Spread = QUARTILES,
    reduce: Callable[[Rows], BySeed] = Rows.by_seed,
    narrow: Narrow | None = None,
    seeds: int = 0,
) -> tuple[Series, ...]:
    """The lines of one panel: one a level of a factor.

    Args:
        rows: rows of one measurement and of one panel; with `narrow`, of whatever that needs.
        x: the key that the axis shows.
        by: the factor that tells the lines apart.
        spread: each line and its band.
        reduce: from the rows of one point to seed -> number.
        narrow: from the rows of one line to those that are drawn, as `at_best`.
        seeds: how many single seeds are drawn as thin lines, the first ones.

    Returns:
        The series, the thin ones of a level before its thick one; those without points are left out.

    Raises:
        InputError: where a seed has more than one row at a point, unless `reduce` makes one number of them.
    """
    found = list[Series]()
    for level, name, part in by.split(rows):
        part, look = narrow(part) if narrow else part, by.look(level, name)
        for seed in part.distinct("seed")[:seeds]:
            one = part.where(seed=seed)
            found.append(line(one, x, f"seed {seed}", spread=MEDIAN, reduce=reduce, role="seed", **look))
        found.append(line(part, x, name, spread=spread, reduce=reduce, **look))
    return tuple(series for series in found if series.x)


def facets(
    rows: Rows, x: Along, y: Axis, by: By, panels: By | None = None, **drawing: Any
) -> tuple[Panel, ...]:
    """One panel for each level of a factor, in each of them one line for each level of another.

    Args:
        rows: rows of one measurement; with `narrow`, of whatever that needs.
        x: the key that the horizontal axis shows.
        y: the vertical axis.
        by: the factor that tells the lines apart.
        panels: the factor that tells the panels apart; None for one panel without a title.
        drawing: `spread`, `reduce`, `narrow` and `seeds`, as in `lines`.

    Returns:
        The panels in the order of their factor; those without lines are left out.

    Raises:
        InputError: where a seed has more than one row at a point, unless `reduce` makes one number of them.

    >>> from levinthal.lab.analysis.bands import STEPS
    >>> from levinthal.vocabulary import Estimate, Measurement, Row
    >>> rows = Rows.of(
    ...     Row({"depth": d, "rule": r}, Measurement("loss", Estimate.exact(d + seed), seed, step))
    ...     for d in (2, 4) for r in ("plain", "adam") for seed in (0, 1, 2) for step in (0, 9)
    ... )
    >>> rules, depths = By("rule", {"plain": "plain SGD", "adam": "Adam"}), By("depth", "depth {}".format)
    >>> for panel in facets(rows, STEPS, Axis("loss"), rules, depths):
    ...     print(panel.title, [(series.name, series.y) for series in panel.series])
    depth 2 [('plain SGD', (3.0, 3.0)), ('Adam', (3.0, 3.0))]
    depth 4 [('plain SGD', (5.0, 5.0)), ('Adam', (5.0, 5.0))]
    """
    parts = [(name, part) for _, name, part in panels.split(rows)] if panels else [("", rows)]
    found = (Panel(x.axis, y, lines(part, x, by, **drawing), title) for title, part in parts)
    return tuple(panel for panel in found if panel.series)


def beside(panel: Panel, *series: Series) -> Panel:
    """The panel with more series, of which those without points are left out.

    Args:
        panel: a panel.
        series: what stands beside its lines: a theory, a published number.

    Returns:
        The panel with all of them.
    """
    return replace(panel, series=(*panel.series, *(one for one in series if one.x)))


def caption(rows: Rows, spread: Spread | None = QUARTILES, *more: str, **counts: str) -> str:
    """The caption of a figure, from the rows that it shows.

    Args:
        rows: the rows that the figure shows.
        spread: the line and its band; None for the number of seeds alone.
        more: what else the reader must know, each a phrase without a full stop.
        counts: key of the rows -> noun, for the numbers that the reader must know (images, epochs).

    Returns:
        One sentence: seeds, then the other phrases, then the counts.

    >>> from levinthal.lab.analysis.bands import RANGE
    >>> from levinthal.vocabulary import Estimate, Measurement, Row
    >>> loss = [Measurement("loss", Estimate.exact(0), seed) for seed in range(8)]
    >>> rows = Rows.of(Row({"images": 1190}, one) for one in loss)
    >>> caption(rows, RANGE, "batches of 10", images="images")
    'Median and range over 8 seeds; batches of 10; 1,190 images.'
    """
    known = len(rows.distinct("seed"))
    seeds = f"{known} seed{'s' * (known != 1)}"
    first = f"{spread.words[:1].upper()}{spread.words[1:]} over {seeds}" if spread else seeds
    numbers = [f"{'/'.join(f'{n:,}' for n in rows.distinct(key))} {noun}" for key, noun in counts.items()]
    return "; ".join((first, *more, *filter(None, [", ".join(numbers)]))) + "."


def drawn(figures: Iterable[Figure]) -> Iterator[Figure]:
    """The figures that have rows.

    Args:
        figures: figures, some of whose panels may have no series.

    Returns:
        The figures without their empty panels; a figure of empty panels alone is left out.
    """
    for figure in figures:
        if panels := tuple(panel for panel in figure.panels if panel.series):
            yield replace(figure, panels=panels)
