"""Figures as SVG files of modest size, drawn by plotly in a headless chromium."""

from __future__ import annotations

import dataclasses
import html
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from levinthal.errors import StoreError
from levinthal.figures import LIGHT, WIDTHS
from levinthal.report import painting
from levinthal.report.browser import find_browser, settled_page
from levinthal.vocabulary import Figure, Series
from levinthal.written_files import plain_name, writable, write_whole
from levinthal.written_files.kinds import FIGURE

MOST_POINTS = 60
MOST_SEEDS = 8
_PAGE = """<!doctype html><meta charset="utf-8"><body>
<script type="application/json" id="drawings">{drawings}</script>
<script type="application/json" id="palette">{palette}</script>
<script>{plotly}</script><script>{painter}</script>
<script>
(async () => {{
  const read = id => JSON.parse(document.getElementById(id).textContent);
  const palette = read("palette");
  for (const [id, drawing] of Object.entries(read("drawings"))) {{
    const box = document.createElement("pre");
    box.id = "svg-" + id;
    box.textContent = await levinthal.saved(drawing, palette);
    document.body.append(box);
  }}
}})();
</script>"""


def export(figures: Iterable[Figure], folder: Path, *, browser: str | None = None) -> list[Path]:
    """Write each figure to `folder/ID.svg`, light, as wide as the page's widest; return the paths.

    Seeds are thinned to at most 8 a group and 60 points each; title and caption go into the file's
    `title` and `desc`. Raises a LevinthalError, in one line, where there is no chromium or no place to write,
    and where a figure has an ID that no file can have.
    """
    chosen = [thinned(figure) for figure in figures]
    paths = [_place(Path(folder), figure) for figure in chosen]
    if not chosen:
        return []
    drawn = _drawn(chosen, find_browser(browser))
    for number, (figure, path) in enumerate(zip(chosen, paths, strict=True)):
        if f"{number}" not in drawn:
            raise StoreError(f"figure '{figure.id}' was not drawn by the browser: open the report to see why")
        write_whole(path, _named(drawn[f"{number}"], figure), FIGURE)
    return paths


def _place(folder: Path, figure: Figure) -> Path:
    """The file of a figure; a folder that may not be written is refused before the browser starts."""
    return writable(folder / f"{plain_name('figure', figure.id)}.svg", FIGURE, StoreError)


def _drawn(figures: Sequence[Figure], browser: str) -> dict[str, str]:
    """The SVG text of each figure, by its number."""
    drawings = {str(i): painting.for_widths(figure, WIDTHS[:1]) for i, figure in enumerate(figures)}
    page = _PAGE.format(
        drawings=painting.embedded(drawings),
        palette=painting.embedded(dict(LIGHT)),
        plotly=painting.plotly_script(),
        painter=painting.asset("painter.js"),
    )
    with tempfile.TemporaryDirectory(prefix="levinthal-svg-") as folder:
        path = Path(folder) / "figures.html"
        path.write_text(page, "utf-8")
        settled = settled_page(path, browser)
    found = re.findall(r'<pre id="svg-(\d+)">([^<]*)</pre>', settled)
    return {number: html.unescape(text) for number, text in found}


def _named(svg: str, figure: Figure) -> str:
    """The SVG with its title and caption for whoever cannot see it."""
    start = svg.index(">") + 1
    words = f"<title>{escape(figure.title)}</title><desc>{escape(figure.caption)}</desc>"
    return svg[:start] + words + svg[start:] + "\n"


def thinned(figure: Figure) -> Figure:
    """The figure with few enough seeds, and points a seed, for a file one wants to commit."""
    panels = tuple(dataclasses.replace(p, series=tuple(_fewer(p.series))) for p in figure.panels)
    return dataclasses.replace(figure, panels=panels)


def _fewer(every: Sequence[Series]) -> Iterable[Series]:
    counts: dict[tuple[str, float | None], int] = {}
    for series in every:
        if series.role != "seed":
            yield series
            continue
        who = (series.group, series.level)
        counts[who] = counts.get(who, 0) + 1
        if counts[who] <= MOST_SEEDS:
            yield _shorter(series)


def _shorter(series: Series) -> Series:
    """At most 60 points, evenly chosen, the first and the last among them."""
    last = len(series.x) - 1
    if last < MOST_POINTS:
        return series
    at = [round(i * last / (MOST_POINTS - 1)) for i in range(MOST_POINTS)]
    x, y = tuple(series.x[i] for i in at), tuple(series.y[i] for i in at)
    return dataclasses.replace(series, x=x, y=y)
