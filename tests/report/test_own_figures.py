"""The figures of a study's own function are looked at before they are drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest

from levinthal.errors import StudyError
from levinthal.lab import Rows
from levinthal.report.own_figures import figures_of
from levinthal.report.painting import sound_figures
from levinthal.vocabulary import Axis, Figure, Panel, Series, Study

SERIES = Series("s", (1, 2), (1.0, 2.0))
PANEL = Panel(Axis("x"), Axis("y"), (SERIES,))
LINE = Figure("line", "A line", "made by hand", (PANEL,))


def with_series(**change: Any) -> Any:
    panel = dataclasses.replace(PANEL, series=(dataclasses.replace(SERIES, **change),))
    return dataclasses.replace(LINE, panels=(panel,))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "figures returned None: let it yield Figures"),
        ("text", "figures returned 'text': let it yield Figures"),
        ([None], "figures yielded None: yield Figures"),
        ([LINE, LINE], "two figures have id="),
        ([dataclasses.replace(LINE, id="../x")], "figure '../x' has id='../x': give at most 100 letters"),
        ([dataclasses.replace(LINE, title=5)], "title=5: give a text"),
        ([dataclasses.replace(LINE, panels=PANEL)], "give a tuple of Panels: (panel,)"),
        (
            [dataclasses.replace(LINE, panels=(dataclasses.replace(PANEL, x=None),))],
            "a panel with x=None: give an",
        ),
        (
            [dataclasses.replace(LINE, panels=(dataclasses.replace(PANEL, x=Axis("x", log="no")),))],
            "an axis with log='no': give True or False",
        ),
        ([with_series(role="line")], "role='line': give one of seed, median"),
        ([with_series(y=("a",))], "y=('a',): give a tuple of numbers"),
        ([with_series(x=(1, 2), y=(1.0,))], "2 values of x and 1 of y: give one x for each y"),
    ],
)
def test_what_cannot_be_drawn_names_figure_and_field(study: Study, rows: Rows, found: Any, said: str) -> None:
    with pytest.raises(StudyError) as caught:
        list(figures_of(dataclasses.replace(study, figures=lambda rows: found), rows))
    assert said in str(caught.value)


def test_what_ends_the_process_is_an_error_and_the_figures_before_it_are_kept(
    study: Study, rows: Rows
) -> None:
    def figures(rows: Any) -> Iterator[Any]:
        yield LINE
        raise SystemExit(0)

    ending = dataclasses.replace(study, figures=figures)
    with pytest.raises(StudyError, match=r"SystemExit: 0 \(test_own_figures.py:\d+\)"):
        list(figures_of(ending, rows))
    assert list(sound_figures(ending, rows)) == [LINE]
