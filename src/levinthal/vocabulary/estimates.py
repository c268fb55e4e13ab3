"""A number with its trust, and the same number at an address."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from levinthal.arguments import in_short, number, several, whole
from levinthal.errors import InputError, require_one_of

Scalar = str | int | float | bool
Cell = Mapping[str, Scalar]


class Trust(StrEnum):
    """How far to believe a number, in four steps."""

    EXACT = "exact"
    CALIBRATED = "calibrated"
    ORDINAL = "ordinal"
    UNRELIABLE = "unreliable"


BADGES: Mapping[str, str] = {
    "exact": "▮▮▮▮", "calibrated": "▮▮▮▯", "ordinal": "▮▮▯▯", "unreliable": "▮▯▯▯",
    "replicates": "●", "partially": "◐", "weaker than claimed": "▽", "does not replicate": "✕",
    "inconclusive": "○", "reported": "–",
    "critical": "▲", "warning": "△", "info": "·",
}  # fmt: skip
"""The mark that goes with a word of trust, outcome or severity: never colour alone."""


def as_html(word: str, text: str, notes: Iterable[str] = ()) -> str:
    """A badge, a text and its notes as HTML, for notebooks."""
    small = "".join(f"<br><small>{html.escape(note)}</small>" for note in notes if note)
    return f"<div><b>{BADGES[word]} {html.escape(word)}</b>&ensp;{html.escape(text)}{small}</div>"


def _require_float(name: str, value: Any) -> None:
    """Refuse what is no number, and a whole number that is larger than any float."""
    if math.isinf(number(name, value, nan=True)) and isinstance(value, int):
        raise InputError(f"{name}={in_short(value)} is out of range: pass a number that a float holds")


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided interval, its level, and the method that made it.

    Attributes:
        low: Its lower end.
        high: Its upper end.
        level: How often such intervals hold the truth: 0.95 for 95 %.
        method: The name of the method.
    """

    low: float
    high: float
    level: float = 0.95
    method: str = ""

    def __post_init__(self) -> None:
        for name, end in (("low", self.low), ("high", self.high)):
            if type(end) is not float:
                _require_float(name, end)
        if type(self.level) is not float or self.level != 0.95:
            number("level", self.level, above=0, most=1)


def rounded(value: float, digits: int = 3) -> str:
    """A number with three significant digits, or more where three would say 1 of a number below 1.

    Args:
        value: the number.
        digits: how many significant digits.

    Returns:
        The text; "-1" likewise stands only for a number of -1 or less.

    Raises:
        InputError: `value` is no number, or `digits` no whole number of 0 or more.

    >>> rounded(0.25), rounded(0.9998), rounded(-0.99951), rounded(1.0)
    ('0.25', '0.9998', '-0.9995', '1')
    """
    value, digits = number("value", value, nan=True), whole("digits", digits, least=0, most=100)
    short = f"{value:.{digits}g}"
    if short not in ("1", "-1") or abs(value) >= 1:
        return short
    return f"{value:.{-math.floor(math.log10(1 - abs(value)))}f}"


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number that carries its trust, which has no default. `float(estimate)` is its value.

    Attributes:
        value: The number; NaN where there is none.
        unit: Its unit; empty for a pure number.
        interval: Its interval, where it has one.
        trust: How far to believe it.
        reasons: Why not further, one phrase each.
        details: What else its method found, by name.

    >>> why = ("its ceiling is 11.5",)
    >>> e = Estimate(4.42, "bits", Interval(4.31, 4.53), trust=Trust.ORDINAL, reasons=why)
    >>> print(e)
    4.42 bits [4.31, 4.53] (ordinal: its ceiling is 11.5)
    >>> float(e)
    4.42
    """

    value: float
    unit: str = ""
    interval: Interval | None = None
    trust: Trust = field(kw_only=True)
    reasons: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def exact(cls, value: float, unit: str = "") -> Estimate:
        """A number that is computed, not estimated: nothing but rounding stands between it and the truth.

        Args:
            value: the number.
            unit: its unit; empty for a pure number.

        Returns:
            The estimate, without interval. Counts and shares of a sample are not exact: see `proportion`.

        >>> print(Estimate.exact(0.5, "nats"))
        0.5 nats (exact)
        """
        return cls(value, unit, trust=Trust.EXACT)

    def __post_init__(self) -> None:
        if type(self.value) is not float:
            _require_float("value", self.value)
        if type(self.trust) is not Trust:
            object.__setattr__(self, "trust", Trust(require_one_of("trust", self.trust, map(str, Trust))))
        if self.interval is not None and not isinstance(self.interval, Interval):
            raise InputError(f"interval={in_short(self.interval)} is no Interval: pass Interval(low, high)")
        if not isinstance(self.unit, str):
            raise InputError(f"unit={in_short(self.unit)} is no text: pass 'bits', say, or '' for none")
        if type(self.reasons) is not tuple:
            object.__setattr__(self, "reasons", tuple(several("reasons", self.reasons, "('a phrase',)")))
        if odd := [reason for reason in self.reasons if not isinstance(reason, str)]:
            raise InputError(f"reasons has {in_short(odd[0])}: pass phrases, such as ('few rows',)")
        if not isinstance(self.details, Mapping):
            raise InputError(f"details={in_short(self.details)} is no mapping: pass names with values")

    def __float__(self) -> float:
        return float(self.value)

    def __str__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        ends = (rounded(self.interval.low), rounded(self.interval.high)) if self.interval else ()
        span = f" [{', '.join(ends)}]" if ends else ""
        why = f": {'; '.join(self.reasons)}" if self.reasons else ""
        return f"{rounded(self.value)}{unit}{span} ({self.trust}{why})"

    def _repr_html_(self) -> str:
        return as_html(self.trust, str(self).partition(" (")[0], self.reasons)


@dataclass(frozen=True, slots=True)
class Measurement:
    """An estimate at its address.

    Attributes:
        name: What was measured.
        estimate: The number with its trust.
        seed: The seed of the run.
        step: How many steps of training were taken before it.
        layer: The layer; empty for the whole network.
        condition: How it was read, as `key=value` words: "rate=0.1".
    """

    name: str
    estimate: Estimate
    seed: int = 0
    step: int = 0
    layer: str = ""
    condition: str = ""
