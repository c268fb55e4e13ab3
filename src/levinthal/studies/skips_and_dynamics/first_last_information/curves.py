"""From the long table to curves over training, and from curves to the numbers the claims speak of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from levinthal.lab.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.plan import RATE

Curve = tuple[np.ndarray, np.ndarray]
BySeed = Mapping[int, float]

PLAIN: Mapping[str, Any] = {"rate": RATE, "init": "glorot_normal", "slope": 1.0, "labels": "true"}
SETTING = ("batch", "samples", "steps", "width", "depth")
ERROR: Mapping[str, Any] = {"name": "test_error", "batchnorm": "recalibrated"}
MODES = ("running", "debiased", "batch")
HALFWAY_ERROR = 0.2


def information(mode: str, readout: str = "before") -> dict[str, Any]:
    """The key of the first-last information, read with one batch norm mode, before or after the sum."""
    return {"name": "mutual_information", "estimator": "ksg", "batchnorm": mode, "readout": readout}


def null(mode: str, readout: str = "before") -> dict[str, Any]:
    """The key of the same information with the pairs shuffled."""
    return information(mode, readout) | {"name": "mutual_information_null"}


def chosen(rows: Rows, **wanted: Any) -> Rows:
    """`rows.where`, with no rows for no rows: a study that has not begun has no conditions yet."""
    named = rows.where(name=wanted.pop("name")) if "name" in wanted else rows
    return named.where(**wanted) if len(named) else named


def settings(rows: Rows) -> Iterator[tuple[dict[str, Any], Rows]]:
    """The rows of each protocol, width and depth."""
    for key, group in rows.group_by(*SETTING).items():
        yield dict(zip(SETTING, key, strict=True)), group


def curves(rows: Rows, **wanted: Any) -> dict[int, Curve]:
    """Seed -> (steps, values), in the order of the steps."""
    found = chosen(rows, **wanted)
    return {
        seed: (trace.values("step"), trace.values())
        for (seed,), trace in found.sorted_by("step").group_by("seed").items()
    }


def first(curve: Curve) -> float:
    """The value before the first step."""
    return float(curve[1][0])


def last(curve: Curve) -> float:
    """The value after the last step."""
    return float(curve[1][-1])


def trend(curve: Curve) -> float:
    """Spearman's rank correlation of value and step; 0 for a constant.

    >>> trend((np.array([0, 1, 2, 4]), np.array([1.0, 1.5, 2.5, 2.0])))
    0.8
    """
    return rank_correlation(*curve)


def rank_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation over the pairs that are finite; 0 where a side is constant, nan below 3.

    >>> rank_correlation(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.0, 1.0]))
    0.0
    """
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    if len(x) < 3:
        return math.nan
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return round(float(spearmanr(x, y).statistic), 12)


def peak(curve: Curve) -> float:
    """How far the highest value (of running medians of 3) stands above both ends; 0 for a monotone curve.

    >>> peak((np.arange(5), np.array([1.0, 3.0, 4.0, 3.5, 2.0])))
    1.5
    """
    values = curve[1]
    if len(values) < 3:
        return math.nan
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(values, 3), axis=1)
    return float(max(smooth.max() - max(values[0], values[-1]), 0.0))


def steps_to(curve: Curve, error: float) -> float:
    """The first step at which the error is at most `error`, interpolated in log(1 + step); inf if never.

    >>> steps_to((np.array([0, 1, 3]), np.array([0.9, 0.5, 0.1])), 0.3)
    1.8284...
    """
    steps, values = curve
    below = np.flatnonzero(values <= error)
    if not len(below):
        return math.inf
    i = int(below[0])
    if i == 0:
        return float(steps[0])
    share = (values[i - 1] - error) / (values[i - 1] - values[i])
    x0, x1 = np.log1p(steps[i - 1]), np.log1p(steps[i])
    return float(np.expm1(x0 + share * (x1 - x0)))


def time_to(error: float, curve: Curve) -> float:
    """`steps_to`, where a run that never gets there counts as twice its budget: slower than all that do."""
    return min(steps_to(curve, error), 2.0 * float(curve[0][-1]))


def start_against_speed(networks: Iterable[Rows], key: Mapping[str, Any]) -> dict[int, float]:
    """Seed -> rank correlation, over networks, of the key's number at the start and speed to 20 % error."""
    networks = list(networks)
    starts = [{s: first(c) for s, c in curves(one, **key).items()} for one in networks]
    speeds = [{s: -time_to(HALFWAY_ERROR, c) for s, c in curves(one, **ERROR).items()} for one in networks]
    seeds = set.intersection(*map(set, starts), *map(set, speeds))
    return {
        s: rank_correlation(np.array([one[s] for one in starts]), np.array([one[s] for one in speeds]))
        for s in sorted(seeds)
    }


def doublings(slow: float, fast: float, never: float) -> float:
    """log2(slow / fast); inf, an arm that never got there, counts as `never`; two of them are no number.

    >>> doublings(80, 20, 200), doublings(math.inf, 25, 200), doublings(math.inf, math.inf, 200)
    (2.0, 3.0, nan)
    """
    if math.isinf(slow) and math.isinf(fast):
        return math.nan
    return math.log2(min(slow, never) / min(fast, never))


def average(effects: Iterable[BySeed]) -> dict[int, float]:
    """Seed -> mean over the settings, among the seeds that every setting has.

    >>> average([{0: 1.0, 1: 2.0}, {0: 3.0}])
    {0: 2.0}
    """
    found = [one for one in effects if one]
    if not found:
        return {}
    seeds = set.intersection(*(set(one) for one in found))
    return {seed: _mean([one[seed] for one in found]) for seed in sorted(seeds)}


def present(parts: Mapping[str, BySeed]) -> dict[str, BySeed]:
    """The parts of the grid that have runs: not every preset, nor a half-finished study, has them all."""
    return {part: effect for part, effect in parts.items() if effect}


def slope(points: Mapping[float, BySeed]) -> dict[int, float]:
    """Seed -> least-squares slope of the effect against log2 of the points' keys.

    >>> slope({5: {0: 1.0}, 10: {0: 2.0}, 20: {0: 3.0}})
    {0: 1.0}
    """
    if len(points) < 2:
        return {}
    seeds = set.intersection(*(set(one) for one in points.values()))
    x = np.log2(list(points))
    result = {}
    for seed in sorted(seeds):
        y = np.array([one[seed] for one in points.values()])
        keep = np.isfinite(y)
        enough = keep.sum() >= 2
        result[seed] = round(float(np.polyfit(x[keep], y[keep], 1)[0]), 9) if enough else math.nan
    return result


def protocol_words(batch: str, samples: int | None = None) -> str:
    """How a figure or a part of the grid calls a protocol.

    >>> protocol_words("full", 4000), protocol_words("128")
    ('full batch of 4,000', 'batches of 128')
    """
    if batch != "full":
        return f"batches of {batch}"
    return "full batch" if samples is None else f"full batch of {samples:,}"


def _mean(values: list[float]) -> float:
    finite = [v for v in values if math.isfinite(v)]
    return sum(finite) / len(finite) if finite else math.nan
