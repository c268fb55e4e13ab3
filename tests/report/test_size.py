"""Pages are small enough for a mail: at most 1.5 MB, with the script that draws their figures."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.studies.test_frozen import STUDIES, stored

from levinthal.figures import draw
from levinthal.report import write_report
from levinthal.report.page import EMBEDDED_BYTES
from levinthal.report.painting import packed_plotly

MOST = 1_500_000
BUNDLED = {"scatter", "bar", "pie"}
"""The traces that plotly's basic bundle draws."""
QUICK = ("backprop-symmetry", "one-neuron-chain", "init-and-momentum")
NAMES = [
    name if name in QUICK else pytest.param(name, marks=pytest.mark.slow)  # ten seconds and more each
    for name in STUDIES
]


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_a_study_is_small(name: str, tmp_path: Path) -> None:
    failed: list[str] = []
    path = write_report(
        STUDIES[name], "quick", stored(name), [], {}, tmp_path / "page.html", on_fault=failed.append
    )
    assert failed == []
    assert len(packed_plotly()) < path.stat().st_size < MOST


def test_rows_inside_a_page_leave_room_for_its_verdicts_and_figures() -> None:
    assert MOST - len(packed_plotly()) - 4 / 3 * EMBEDDED_BYTES > 300_000  # first-last-information: 260 kB


@pytest.mark.parametrize("name", NAMES)
def test_a_study_draws_only_what_the_bundle_can(name: str) -> None:
    traces = [trace for figure in STUDIES[name].figures(stored(name)) for trace in draw(figure)["data"]]
    assert {trace["type"] for trace in traces} <= BUNDLED
