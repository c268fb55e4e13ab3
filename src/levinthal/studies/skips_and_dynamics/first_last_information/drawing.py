"""What every figure of the study is drawn with: names, axes, medians with their bands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, SupportsFloat

import numpy as np

from levinthal.lab.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.curves import (
    SETTING,
    Curve,
    chosen,
    curves,
    protocol_words,
)
from levinthal.studies.skips_and_dynamics.first_last_information.plan import ARCHITECTURES
from levinthal.vocabulary import Axis, Series

BITS = Axis("first-last information", "bits")
ERROR_AXIS = Axis("test error", "%", log=True)
STEP = Axis("step + 1", "", log=True)
NAMES = {
    "mlp": "MLP",
    "shortcut": "shortcut",
    "residual": "residual",
    "shortcut-residual": "shortcut + residual",
}


def median_band(found: Mapping[int, Curve], name: str, times: float = 1.0, **look: Any) -> Series:
    """The median over seeds against 1 + step, with a band from the lower to the upper quartile."""
    x = next(iter(found.values()))[0] + 1
    values = times * np.array([curve[1] for curve in found.values()])
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75], axis=0)
    return Series(name, rounded(x), rounded(middle), low=rounded(low), high=rounded(high), **look)


def rounded(values: Iterable[SupportsFloat]) -> tuple[float, ...]:
    """Five digits: more than a figure can show."""
    return tuple(float(f"{float(v):.5g}") for v in values)


def detailed(rows: Rows) -> Iterator[tuple[str, Rows]]:
    """The settings read in every detail, with their words."""
    for key, group in chosen(rows, read="everything").group_by(*SETTING).items():
        yield setting_words(key), group


def by_architecture(rows: Rows, key: Mapping[str, Any], times: float = 1.0) -> Iterator[Series]:
    """One median with its band for each architecture that has rows under the key."""
    for architecture in ARCHITECTURES:
        found = curves(chosen(rows, architecture=architecture), **key)
        if found:
            yield median_band(found, NAMES[architecture], times, group=architecture)


def setting_words(key: tuple[Any, ...]) -> str:
    """Protocol, width and depth of a group by SETTING."""
    batch, samples, steps, width, depth = key
    return f"{protocol_words(batch, samples)}, {steps:,} steps, W\u00a0=\u00a0{width}, D\u00a0=\u00a0{depth}"


def middle(values: Iterable[float]) -> float:
    """The median, nan of nothing."""
    found = list(values)
    return float(np.median(found)) if found else float("nan")
