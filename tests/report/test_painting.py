from __future__ import annotations

import base64
import dataclasses
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from levinthal.figures import DARK, LIGHT, WIDTHS
from levinthal.lab.storage.rows import Rows
from levinthal.report import painting
from levinthal.report.painting import (
    asset,
    drawn_figures,
    embedded,
    for_widths,
    packed,
    packed_plotly,
    palettes,
    plotly_licence,
    plotly_script,
    variables,
)
from levinthal.vocabulary import Axis, Figure, Panel, Series, Study

LINE = Figure("f", "T", "c", (Panel(Axis("x"), Axis("y"), (Series("a", (1, 2), (1.0, 2.0)),)),))


def test_every_figure_is_drawn(study: Study, rows: Rows) -> None:
    drawn = drawn_figures(study, rows)
    assert [figure.id for figure in drawn] == [
        "4a",
        "5b",
        "steps",
        "4b",
        "grid",
        "estimators",
        "speed",
        "scatter",
    ]
    assert not any(figure.note for figure in drawn)


def test_a_figure_function_that_fails_is_a_note_after_what_it_drew(study: Study, rows: Rows) -> None:
    def figures(rows: Any) -> Iterator[Figure]:
        yield LINE
        raise ValueError("no width 50\nin these rows")

    good, bad = drawn_figures(dataclasses.replace(study, figures=figures), rows)
    assert good.drawing is not None
    assert bad.drawing is None
    assert bad.note.startswith(
        "the study's figures failed: ValueError: no width 50 in these rows (test_painting.py:"
    )


def test_a_figure_that_cannot_be_drawn_is_a_note_and_the_next_one_is_drawn(
    study: Study, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draw(figure: Figure, width: int) -> dict[str, Any]:
        if figure.id == "bad":
            raise TypeError("y holds words")
        return {"data": [], "layout": {}}

    monkeypatch.setattr(painting, "draw", draw)
    pair = [dataclasses.replace(LINE, id="bad"), LINE]
    bad, good = drawn_figures(dataclasses.replace(study, figures=lambda rows: pair), rows)
    assert bad.note.startswith("the study's figures failed: TypeError: y holds words (test_painting.py:")
    assert good.drawing is not None


def test_a_figure_without_numbers_says_so(study: Study, rows: Rows) -> None:
    empty = Figure("f", "T", "c", (Panel(Axis("x"), Axis("y"), ()),))
    (drawn,) = drawn_figures(dataclasses.replace(study, figures=lambda rows: [empty]), rows)
    assert drawn.note == "nothing to draw yet: no rows for this figure"


def test_a_layout_for_every_width() -> None:
    drawing = for_widths(LINE)
    assert drawing["layouts"].keys() == {str(width) for width in WIDTHS}
    assert drawing["data"][0]["y"] == [1, 2]


@pytest.mark.parametrize(
    "text", ["</script><script>alert(1)</script>", "<!--", "a\u2028b", "&amp;", "a\ud800"]
)
def test_embedded_json_cannot_end_its_element(text: str) -> None:
    held = str(embedded({"text": text}))
    assert "<" not in held
    assert "\u2028" not in held
    assert held.encode()
    assert json.loads(held) == {"text": text}


def test_palettes_reach_the_page_whole() -> None:
    assert palettes() == {"light": dict(LIGHT), "dark": dict(DARK)}
    assert "--mlp:#0072b2;" in variables(LIGHT)


def test_assets_travel_with_the_package() -> None:
    assert "prefers-color-scheme" not in asset("painter.js")
    assert len(plotly_script()) > 1_000_000
    assert "</script" not in plotly_script()


def test_the_script_of_plotly_is_the_one_that_its_note_names() -> None:
    note = str(asset("plotly/README.md"))
    (version,) = re.findall(r"^# plotly.js, basic bundle, version (\S+)$", note, flags=re.MULTILINE)
    (checksum,) = re.findall(r"\b[0-9a-f]{64}\b", note)
    script = gzip.decompress(base64.b64decode(packed_plotly()))
    assert hashlib.sha256(script).hexdigest() == checksum
    assert f"plotly.js (basic - minified) v{version}" in script.decode()[:200]


def test_the_licence_of_plotly_fits_into_a_comment() -> None:
    assert plotly_licence().startswith("MIT License\n\nCopyright (c) 2016-2024 Plotly")
    assert "--" not in plotly_licence()


def test_packed_json_is_the_same_bytes_each_time_and_needs_no_escape() -> None:
    held = packed({"text": "</script>é"})
    assert held == packed({"text": "</script>é"})
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", held)
    assert json.loads(gzip.decompress(base64.b64decode(held))) == {"text": "</script>é"}


def test_packed_json_may_hold_half_of_a_pair() -> None:
    assert json.loads(gzip.decompress(base64.b64decode(packed("a\ud800")))) == "a\ud800"
