"""Values of several seeds as one trace: their median, with a band between two quantiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, SupportsFloat

import numpy as np

from levinthal.lab.analysis.curves import Curve
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Axis, Series

STEP = Axis("step + 1", log=True)
"""The axis of `median_band`: steps are drawn one later, to have a logarithm."""

Points = Mapping[float, Sequence[float]] | Mapping[str, Sequence[float]]
"""Where on the axis -> the values of the seeds there."""


def rounded(values: Iterable[SupportsFloat]) -> tuple[float, ...]:
    """Five digits: more than a figure can show.

    >>> rounded([0.1234567, 1e6])
    (0.12346, 1000000.0)
    """
    return tuple(float(f"{float(v):.5g}") for v in values)


def band(name: str, points: Points, low: float = 0.25, high: float = 0.75, **look: Any) -> Series:
    """The median of each point's values, with a band between two quantiles, in the order of the points.

    No points give a series without any.

    >>> found = band("both", {1: [1.0, 3.0], 2: [5.0, 5.0]}, 0, 1)
    >>> found.x, found.y, found.low, found.high
    ((1, 2), (2.0, 5.0), (1.0, 5.0), (3.0, 5.0))
    """
    cuts = [np.quantile(values, [low, 0.5, high]) for values in points.values()]
    lower, middle, upper = (rounded(cut) for cut in np.reshape(cuts, (-1, 3)).T)
    return Series(name, tuple(points), middle, low=lower, high=upper, **look)


def median_band(found: Mapping[int, Curve], name: str, times: float = 1.0, **look: Any) -> Series:
    """The median over seeds against 1 + step, with a band from the lower to the upper quartile."""
    steps = next(iter(found.values()))[0]
    values = times * np.array([curve[1] for curve in found.values()])
    return band(name, dict(zip(rounded(steps + 1), values.T.tolist(), strict=True)), **look)


def band_over(rows: Rows, key: str, name: str, **look: Any) -> Series:
    """Median and quartiles over seeds against a number of the rows, a step drawn one later.

    Values that are not finite are left out, and a point at which half of them or more are is not drawn.
    """
    found = {float(x) + (key == "step"): group.values() for (x,), group in rows.group_by(key).items()}
    kept = {x: v[np.isfinite(v)].tolist() for x, v in found.items() if np.isfinite(v).mean() > 0.5}
    return band(name, dict(zip(rounded(kept), kept.values(), strict=True)), **look)
