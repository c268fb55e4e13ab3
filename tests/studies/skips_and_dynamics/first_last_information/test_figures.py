"""The figures, from simulated runs and from none."""

from __future__ import annotations

import math

import pytest
from tests import simulated_first_last as simulated

from levinthal.lab.storage.rows import Rows
from levinthal.studies.skips_and_dynamics.first_last_information import study
from levinthal.vocabulary import Figure


@pytest.fixture(scope="module")
def drawn() -> dict[str, Figure]:
    rises = dict.fromkeys([("running", "after")], lambda cell, share: 1 + share)
    return {figure.id: figure for figure in study.figures(simulated.rows(information=rises))}


def test_the_papers_four_come_first(drawn: dict[str, Figure]) -> None:
    assert list(drawn)[:5] == ["figure-4a", "figure-4b", "figure-5a", "figure-5b", "readings"]


def test_a_title_says_what_is_seen(drawn: dict[str, Figure]) -> None:
    assert "MLP gains information (1.0 to 2.0 bits)" in drawn["figure-4a"].title
    assert "3.0 to 3.0 bits (batch, before)" in drawn["readings"].title


def test_traces_are_one_a_seed_a_median_with_an_arrow_and_errors_in_percent(drawn: dict[str, Figure]) -> None:
    panel = drawn["figure-5b"].panels[0]
    medians = [series for series in panel.series if series.role == "median"]
    assert [series.group for series in medians] == ["mlp", "shortcut", "residual", "shortcut-residual"]
    assert all(series.arrow for series in medians)
    assert len(panel.series) == 4 * (5 + 1)
    assert panel.y.unit == "%"
    assert panel.y.log
    assert medians[0].y[0] == pytest.approx(90, rel=0.05)


def test_every_number_drawn_is_finite(drawn: dict[str, Figure]) -> None:
    for figure in drawn.values():
        for series in (series for panel in figure.panels for series in panel.series):
            assert all(math.isfinite(value) for value in series.y), (figure.id, series.name)
            assert len(series.x) == len(series.y) > 0


def test_speed_ups_of_equal_networks_are_one(drawn: dict[str, Figure]) -> None:
    for series in (series for panel in drawn["speed-ups"].panels for series in panel.series):
        assert all(value == pytest.approx(1, rel=0.1) for value in series.y)
        assert all(low <= 1.05 and high >= 0.95 for low, high in zip(series.low, series.high, strict=True))


def test_no_runs_draw_no_figures() -> None:
    empty = Rows.of([], factors=simulated.tasks(simulated.SIZE)[0].cell)
    assert list(study.figures(empty)) == []
