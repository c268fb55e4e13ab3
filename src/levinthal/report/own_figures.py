"""The figures that a study's own function makes, each looked at before it is drawn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from levinthal.errors import StudyError
from levinthal.lab.execution import kinds
from levinthal.lab.execution.kinds import TEXT, TRUTH, Kind, Kinds, faults, shown
from levinthal.lab.execution.own_code import own_code
from levinthal.lab.storage.rows import Rows
from levinthal.vocabulary import Axis, Figure, Panel, Series, Study

ROLES = ("seed", "median", "point", "bar", "reference")
MOST_IN_ID = 100


def _is_id(value: object) -> bool:
    return isinstance(value, str) and len(value) <= MOST_IN_ID and bool(re.fullmatch(r"\w[\w.+-]*", value))


def _is_place(value: object) -> bool:
    return value is None or kinds.is_number(value) or kinds.is_text(value)


def _is_height(value: object) -> bool:
    return value is None or kinds.is_number(value)


_NUMBERS = Kind(lambda value: kinds.is_list(value, _is_height), "give a tuple of numbers")
_AXIS = Kind(kinds.of(Axis), "give an Axis, such as Axis('width', log=True)")
FIGURE: Kinds = {
    "id": Kind(
        _is_id, f"give at most {MOST_IN_ID} letters, digits, hyphens and dots: it becomes a file name"
    ),
    "title": TEXT,
    "caption": TEXT,
    "panels": Kind(lambda value: kinds.is_list(value, kinds.of(Panel)), "give a tuple of Panels: (panel,)"),
}
PANEL: Kinds = {
    "x": _AXIS,
    "y": _AXIS,
    "series": Kind(lambda value: kinds.is_list(value, kinds.of(Series)), "give a tuple of Series: (series,)"),
    "title": TEXT,
}
AXIS: Kinds = {"label": TEXT, "unit": TEXT, "log": TRUTH}
SERIES: Kinds = {
    "name": TEXT,
    "x": Kind(lambda value: kinds.is_list(value, _is_place), "give a tuple of numbers or texts"),
    "y": _NUMBERS,
    "role": Kind(lambda value: value in ROLES, f"give one of {', '.join(ROLES)}"),
    "group": TEXT,
    "level": Kind(
        lambda value: value is None or kinds.is_number(value), "give a number from 0 to 1, or None"
    ),
    "low": _NUMBERS,
    "high": _NUMBERS,
    "arrow": TRUTH,
}


def figures_of(study: Study, rows: Rows) -> Iterator[Figure]:
    """The figures of a study.

    Args:
        study: whose function `figures` is called.
        rows: its measurements.

    Yields:
        Each figure that is sound.

    Raises:
        StudyError: the function gives something else than figures, or a field of one is of another type.
        Exception: what the function itself raised.
    """
    with own_code():
        found = study.figures(rows)
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping | type):
        raise StudyError(f"figures returned {shown(found)}: let it yield Figures")
    left, end, ids = iter(found), object(), set[str]()
    while True:
        with own_code():
            figure = next(left, end)
        if figure is end:
            return
        sound = require_figure(figure)
        if sound.id in ids:
            raise StudyError(f"two figures have id={shown(sound.id)}: give each its own")
        ids.add(sound.id)
        yield sound


def require_figure(figure: object) -> Figure:
    """The same figure; raises StudyError where it is none, or has a field that cannot be drawn."""
    if not isinstance(figure, Figure):
        raise StudyError(f"figures yielded {shown(figure)}: yield Figures")
    for fault in _faults(figure):
        raise StudyError(f"figure {shown(figure.id)} has {fault}")
    return figure


def _faults(figure: Figure) -> Iterator[str]:
    # One after the other: the later checks rely on the types that the first ones have seen.
    yield from faults(figure, FIGURE)
    for panel in figure.panels:
        yield from (f"a panel with {fault}" for fault in faults(panel, PANEL))
        for axis in (panel.x, panel.y):
            yield from (f"an axis with {fault}" for fault in faults(axis, AXIS))
        for series in panel.series:
            named = f"the series {shown(series.name)} with"
            yield from (f"{named} {fault}" for fault in chain(faults(series, SERIES), _lengths(series)))


def _lengths(series: Series) -> Iterator[str]:
    for field in ("x", "low", "high"):
        count = len(getattr(series, field))
        if count != len(series.y) and (count or field == "x"):
            yield f"{count} values of {field} and {len(series.y)} of y: give one {field} for each y"
