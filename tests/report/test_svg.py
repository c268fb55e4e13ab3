from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import fake_figures
import pytest

from levinthal.errors import StoreError
from levinthal.figures import LIGHT
from levinthal.report.svg import MOST_POINTS, MOST_SEEDS, export, thinned
from levinthal.vocabulary import Axis, Figure, Panel, Series

SVG = "{http://www.w3.org/2000/svg}"


def seeds(count: int, points: int) -> Figure:
    xs = tuple(float(i) for i in range(points))
    every = tuple(Series(f"seed {s}", xs, xs, "seed", "mlp") for s in range(count))
    return Figure(
        "f", "a < b", "c", (Panel(Axis("x"), Axis("y"), (*every, Series("MLP", xs, xs, group="mlp"))),)
    )


def test_seeds_are_thinned_and_the_rest_is_kept() -> None:
    *few, median = thinned(seeds(20, 500)).panels[0].series
    assert len(few) == MOST_SEEDS
    assert all(len(s.x) == len(s.y) == MOST_POINTS for s in few)
    assert (few[0].x[0], few[0].x[-1]) == (0, 499)
    assert len(median.x) == 500


def test_small_figures_stay_as_they_are() -> None:
    assert thinned(seeds(3, 10)) == seeds(3, 10)


def test_no_figures_no_files_and_no_browser(tmp_path: Path) -> None:
    assert export([], tmp_path, browser="nonesuch") == []


def test_without_a_browser_one_line(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="SVG files need a chromium, and 'nonesuch' is not a program"):
        export([seeds(1, 3)], tmp_path, browser="nonesuch")


@pytest.mark.browser
def test_figures_become_svg_files(tmp_path: Path, chromium: str) -> None:
    figures = [f for f in fake_figures.figures(None) if f.id in ("4a", "speed")]
    paths = export(figures, tmp_path / "gallery", browser=chromium)
    assert [path.name for path in paths] == ["4a.svg", "speed.svg"]
    for path, figure in zip(paths, figures, strict=True):
        root = ET.fromstring(path.read_text("utf-8"))
        assert root.tag == f"{SVG}svg"
        assert root.get("width") == "1040"
        assert root.findtext(f"{SVG}title") == figure.title
        assert root.findtext(f"{SVG}desc") == figure.caption
        assert len(root.findall(f".//{SVG}path")) > 10
        assert path.stat().st_size < 200_000
    text = paths[0].read_text("utf-8")
    r, g, b = (int(LIGHT["shortcut"][i : i + 2], 16) for i in (1, 3, 5))
    assert f"rgb({r}, {g}, {b})" in text
    assert "token:" not in text
