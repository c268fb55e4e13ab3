"""The seeds of one line as a Series: their median or mean, with a band between two quantiles.

Spread   what stands for the seeds of one point     Along   the key of the rows that the axis shows
band     from points with the seeds' values         line    from rows
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, SupportsFloat

import numpy as np

from levinthal.lab.analysis.effects import BySeed
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Axis, Series

__all__ = [
    "CENTRAL",
    "LAYERS",
    "LEARNING_RATES",
    "MEAN",
    "MEDIAN",
    "QUARTILES",
    "RANGE",
    "STEPS",
    "Along",
    "Points",
    "Spread",
    "band",
    "layer_number",
    "line",
    "rounded",
]

Points = Mapping[float, Sequence[float]] | Mapping[str, Sequence[float]]
"""Where on the axis -> the values of the seeds there."""


def rounded(values: Iterable[SupportsFloat]) -> tuple[float, ...]:
    """Five digits: more than a figure can show.

    >>> rounded([0.1234567, 1e6])
    (0.12346, 1000000.0)
    """
    return tuple(float(f"{float(v):.5g}") for v in values)


@dataclass(frozen=True, slots=True)
class Spread:
    """The number that stands for the seeds of one point, and the two quantiles of its band.

    Attributes:
        words: what a caption calls it.
        low: the lower quantile of the band, in [0, 1]; None draws no band.
        high: the upper quantile.
        mean: whether the line is the mean over seeds and not the median.

    >>> QUARTILES.of([1, 2, 3, 4, 100])
    (2.0, 3.0, 4.0)
    """

    words: str
    low: float | None = None
    high: float | None = None
    mean: bool = False

    def of(self, values: Iterable[float]) -> tuple[float, float, float]:
        """Lower end of the band, middle and upper end.

        Args:
            values: the finite values of one point, one a seed.

        Returns:
            Three numbers; without a band, the middle three times.
        """
        found = np.array(list(values), dtype=float)
        middle = float(found.mean()) if self.mean else float(np.quantile(found, 0.5))
        if self.low is None or self.high is None:
            return middle, middle, middle
        low, high = np.quantile(found, [self.low, self.high])
        return float(low), middle, float(high)


QUARTILES = Spread("median and quartiles", 0.25, 0.75)
RANGE = Spread("median and range", 0.0, 1.0)
CENTRAL = Spread("median and central 95 %", 0.025, 0.975)
MEDIAN = Spread("median")
MEAN = Spread("mean", mean=True)


@dataclass(frozen=True, slots=True)
class Along:
    """The key of the rows that the horizontal axis shows.

    Attributes:
        key: a key of the rows: "step", "layer", a factor of the cell, or a word of the condition.
        axis: the axis.
        place: from a level of the key to its place on the axis, a number or a category.
    """

    key: str
    axis: Axis
    place: Callable[[Any], float | str] = float


def layer_number(name: str) -> int:
    """The number in a layer's name.

    Args:
        name: "3" or "hidden12".

    Returns:
        The number that its digits make.

    >>> layer_number("hidden12")
    12
    """
    return int("".join(letter for letter in name if letter.isdigit()))


STEPS = Along("step", Axis("step + 1", log=True), lambda step: step + 1.0)
"""Over training, a step drawn one later: the axis is logarithmic."""
LEARNING_RATES = Along("rate", Axis("learning rate", log=True))
"""Over the grid of learning rates."""
LAYERS = Along("layer", Axis("hidden layer"), lambda name: float(layer_number(name)))
"""Over the layers, by the number in the layer's name."""


def band(name: str, points: Points, spread: Spread = QUARTILES, **look: Any) -> Series:
    """The seeds' values at some points as one line with its band.

    Args:
        name: the name of the line.
        points: place on the axis (a number or a category) -> the values of the seeds there.
        spread: the line and its band.
        look: other fields of the Series: `group`, `level`, `role`.

    Returns:
        The series in the order of the points; without points where there are none.

    >>> found = band("both", {1: [1.0, 3.0], 2: [5.0, 5.0]}, RANGE)
    >>> found.x, found.y, found.low, found.high
    ((1.0, 2.0), (2.0, 5.0), (1.0, 5.0), (3.0, 5.0))
    """
    ends = [rounded(end) for end in zip(*map(spread.of, points.values()), strict=True)]
    low, middle, high = ends or ((), (), ())
    across = tuple(at if isinstance(at, str) else rounded([at])[0] for at in points)
    edges = (low, high) if spread.low is not None else ((), ())
    return Series(name, across, middle, low=edges[0], high=edges[1], **look)


def line(
    rows: Rows,
    x: Along,
    name: str,
    *,
    spread: Spread = QUARTILES,
    reduce: Callable[[Rows], BySeed] = Rows.by_seed,
    **look: Any,
) -> Series:
    """The number over the seeds against one key, with its band.

    Values that are not finite are left out, and a point at which half of them or more are is not drawn.

    Args:
        rows: rows of one measurement and of one line.
        x: the key that the axis shows.
        name: the name of the line.
        spread: the line and its band.
        reduce: from the rows of one point to seed -> number.
        look: other fields of the Series: `group`, `level`, `role`.

    Returns:
        The series, its points from left to right; without points where there are no rows.

    Raises:
        InputError: where a seed has more than one row at a point, unless `reduce` makes one number of them.

    >>> from levinthal.vocabulary import Estimate, Measurement, Row
    >>> losses = [Measurement("loss", Estimate.exact(seed + 0.5), seed, 9) for seed in (0, 1, 2)]
    >>> rows = Rows.of(Row({}, one) for one in losses)
    >>> found = line(rows, STEPS, "plain", spread=RANGE)
    >>> found.x, found.y, found.low, found.high
    ((10.0,), (1.5,), (0.5,), (2.5,))
    """
    found = dict[Any, list[float]]()
    for (level,), part in rows.group_by(x.key).items():
        values = np.array(list(reduce(part).values()), dtype=float)
        finite = values[np.isfinite(values)]
        if 2 * len(finite) > len(values):
            found[x.place(level)] = finite.tolist()
    numbers = not any(isinstance(at, str) for at in found)
    return band(name, {at: found[at] for at in (sorted(found) if numbers else found)}, spread, **look)
