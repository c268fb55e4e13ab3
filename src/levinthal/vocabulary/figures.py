"""Numbers to be drawn, free of any plotting library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: what it shows, its unit, and whether it is logarithmic."""

    label: str
    unit: str = ""
    log: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One trace. `group` picks colour and mark (an architecture), `level` a place in [0, 1] on the
    sequential scale (an ordered factor). `role`: seed, median, point, bar or reference.
    `low` and `high` draw a band (median) or whiskers (point, bar); `arrow` marks the direction of travel.
    """

    name: str
    x: tuple[float | str, ...]
    y: tuple[float, ...]
    role: str = "median"
    group: str = ""
    level: float | None = None
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    arrow: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot of a figure."""

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels under one title that says what is seen, and one caption: n, seeds, protocol."""

    id: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
