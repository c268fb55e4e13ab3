"""Numbers to be drawn, free of any plotting library."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of a panel.

    Attributes:
        label: What it shows.
        unit: Its unit; empty for a pure number.
        log: Whether it is logarithmic.
    """

    label: str
    unit: str = ""
    log: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """One trace.

    Attributes:
        name: The name of the trace, for the legend.
        x: Its places on the horizontal axis: numbers, or categories.
        y: Its values, one a place.
        role: How it is drawn: seed, median, point, bar or reference.
        group: What picks its colour and mark (an architecture).
        level: Its place in [0, 1] on the sequential scale (an ordered factor).
        low: The lower ends of a band (median) or of whiskers (point, bar); empty draws none.
        high: Their upper ends.
        arrow: Whether the direction of travel is marked.
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
    """One plot of a figure.

    Attributes:
        x: The horizontal axis.
        y: The vertical axis.
        series: Its traces.
        title: Its title; empty for a figure of one panel.
    """

    x: Axis
    y: Axis
    series: tuple[Series, ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """Panels under one title and one caption.

    Attributes:
        id: A short name, for file names and links.
        title: What is seen, in one line.
        caption: Seeds, what the band is, protocol.
        panels: Its plots.
    """

    id: str
    title: str
    caption: str
    panels: tuple[Panel, ...]
