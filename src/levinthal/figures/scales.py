"""Scales: from the values of an axis to positions on it, its range and its ticks.

A logarithmic axis has no position for zero, but step 0 and an error of 0 must be visible. Zeros are drawn one
gap below the smallest positive value, at a tick with the label 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from levinthal.vocabulary import Axis

Value = float | str


@dataclass(frozen=True, slots=True)
class Scale:
    """A fitted axis. `low` and `high` are axis coordinates: log10 of the value where `log`."""

    low: float
    high: float
    log: bool = False
    zero: float | None = None
    categories: tuple[str, ...] = ()

    def place(self, value: Value) -> float | None:
        """The position of `value` in plotly: itself, a category's number, a substitute for zero, or None."""
        if self.categories:
            return float(self.categories.index(str(value)))
        number = _number(value)
        if number is None or (self.log and number < 0):
            return None
        return self.zero if self.log and number == 0 else number

    def coordinate(self, value: Value) -> float | None:
        """The axis coordinate of `value`, as plotly's annotations need it."""
        place = self.place(value)
        return math.log10(place) if place is not None and self.log else place

    def share(self, value: Value) -> float | None:
        """The share of the axis below `value`: 0 at its low end, 1 at its high end."""
        at = self.coordinate(value)
        return None if at is None else (at - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> tuple[list[float], list[str]]:
        """At most about `most` tick values with their texts."""
        if self.categories:
            return [float(i) for i in range(len(self.categories))], list(self.categories)
        values = self._decades(most) if self.log else _nice(self.low, self.high, most)
        texts = [number_text(value) for value in values]
        if self.zero is None:
            return values, texts
        return [self.zero, *values], ["0", *texts]

    def _decades(self, most: int) -> list[float]:
        first, last = math.floor(self.low), math.ceil(self.high)
        floor = -math.inf if self.zero is None else math.log10(self.zero) + 0.1
        for factors in ((1, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,)):
            values = [f * 10.0**e for e in range(first, last + 1) for f in factors]
            seen = [v for v in values if max(self.low, floor) <= math.log10(v) <= self.high + 1e-9]
            if len(seen) <= most:
                return seen
        return seen[:: math.ceil(len(seen) / most)]


def _number(value: Value) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _nice(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(f * power for f in (1, 2, 2.5, 5, 10) if f * power >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(k * step, 12) for k in range(first, last + 1)]


def number_text(value: float) -> str:
    """A tick's number, short.

    >>> [number_text(v) for v in (0.0, 0.05, 300.0, 20000.0, 3e6, 1e-5)]
    ['0', '0.05', '300', '20k', '3M', '1e-5']
    """
    size = abs(value)
    if size >= 1e9 or 0 < size < 1e-3:
        mantissa, _, power = (
            f"{value:.3g}".partition("e") if "e" in f"{value:.3g}" else (f"{value:g}", "", "")
        )
        return f"{mantissa}e{int(power)}" if power else mantissa
    if size >= 1e6:
        return f"{value / 1e6:g}M"
    text = f"{value / 1e3:g}k" if size >= 1e4 else f"{value:.6g}"
    return text.replace("-", "−")


def fit(axis: Axis, values: Iterable[Value], *, upright: bool = False, from_zero: bool = False) -> Scale:
    """The scale that shows all `values`: categories if any is not a number, else a padded range.

    An `upright` axis starts at zero if its values come near it. With `from_zero` (bars) it always does.
    """
    seen = list(values)
    if any(isinstance(v, str) and _number(v) is None for v in seen):
        names = tuple(dict.fromkeys(str(v) for v in seen))
        return Scale(-0.6, len(names) - 0.4, categories=names)
    numbers = [n for n in map(_number, seen) if n is not None]
    return _fit_log(numbers) if axis.log else _fit_linear(numbers, upright, from_zero)


def _fit_linear(numbers: Sequence[float], upright: bool, from_zero: bool) -> Scale:
    low, high = (min(numbers), max(numbers)) if numbers else (0.0, 1.0)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        low, high = low - (abs(low) / 2 or 1.0), high + (abs(high) / 2 or 1.0)
    pad = 0.05 * (high - low)
    rests = (from_zero and low == 0) or (upright and 0 < low < 0.3 * high)
    return Scale(0.0 if rests else low - pad, high + pad)


def _fit_log(numbers: Sequence[float]) -> Scale:
    positive = [n for n in numbers if n > 0]
    if not positive:
        return Scale(-1.0, 0.0, log=True)
    low, high = math.log10(min(positive)), math.log10(max(positive))
    if high - low < 0.2:
        low, high = low - 0.15, high + 0.15
    pad = 0.04 * (high - low)
    if 0.0 not in numbers:
        return Scale(low - pad, high + pad, log=True)
    gap = max(0.12 * (high - low), 0.15)
    return Scale(low - gap - pad, high + pad, log=True, zero=10.0 ** (low - gap))
