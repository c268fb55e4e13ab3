"""The parts that the page's script paints from: figures for every width, palettes, plotly's script."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from levinthal.figures import DARK, LIGHT, WIDTHS, draw
from levinthal.lab.execution.own_code import in_one_line
from levinthal.lab.storage.rows import Rows
from levinthal.report.own_figures import figures_of
from levinthal.shown import escaped_in_json
from levinthal.vocabulary import Figure, Study


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure with what the page paints it from, or the note that stands in its place."""

    id: str
    title: str
    caption: str
    note: str = ""
    panels: int = 0
    drawing: Mapping[str, Any] | None = None
    has_failed: bool = False


def drawn_figures(study: Study, rows: Rows) -> list[Drawn]:
    """The study's figures; a figure or a figure function that fails becomes a note of one line."""
    return list(_drawn(lambda: figures_of(study, rows), "the study's figures failed"))


def sound_figures(study: Study, rows: Rows) -> Iterator[Figure]:
    """The study's figures that can be drawn; `drawn_figures` tells the faults of the others."""
    try:
        for figure in figures_of(study, rows):
            if not _one(figure, "").has_failed:
                yield figure
    except Exception:  # a study's own code: its failure is a line on the page
        return


def drawn(figures: Iterable[Figure], failed: str = "this figure failed") -> list[Drawn]:
    """Figures ready to be painted; one that cannot be drawn becomes a note of one line."""
    return list(_drawn(lambda: figures, failed))


def _drawn(figures: Callable[[], Iterable[Figure]], failed: str) -> Iterator[Drawn]:
    try:
        for figure in figures():
            yield _one(figure, failed)
    except Exception as error:  # a study's own code: its failure is a line on the page, not a crash
        yield Drawn("", "A figure is missing", "", _failure(error, failed), has_failed=True)


def _failure(error: Exception, failed: str) -> str:
    return f"{failed}: {in_one_line(error)}"


def _one(figure: Figure, failed: str) -> Drawn:
    if not any(s.y for panel in figure.panels for s in panel.series):
        return Drawn(figure.id, figure.title, figure.caption, "nothing to draw yet: no rows for this figure")
    try:
        drawing = for_widths(figure)
    except Exception as error:
        return Drawn(figure.id, figure.title, figure.caption, _failure(error, failed), has_failed=True)
    return Drawn(figure.id, figure.title, figure.caption, panels=len(figure.panels), drawing=drawing)


def for_widths(figure: Figure, widths: Iterable[int] = WIDTHS) -> dict[str, Any]:
    """One drawing with a layout for each width."""
    drawings = {width: draw(figure, width) for width in widths}
    data = next(iter(drawings.values()))["data"]
    return {"data": data, "layouts": {str(width): d["layout"] for width, d in drawings.items()}}


def embedded(value: object) -> Markup:
    """JSON that is safe inside a script element.

    >>> embedded("</script>")
    Markup('"\\\\u003c/script>"')
    """
    return Markup(_json(value).replace("<", "\\u003c"))


def packed(value: object) -> Markup:
    """JSON for `unpacker.js`: gzip in base64. Layouts for six widths pack to a tenth.

    >>> gzip.decompress(base64.b64decode(packed({"x": [1, 2]})))
    b'{"x":[1,2]}'
    """
    return _in_letters(gzip.compress(_json(value).encode(), 9, mtime=0))


def _json(value: object) -> str:
    return escaped_in_json(json.dumps(value, separators=(",", ":"), ensure_ascii=False))


def palettes() -> dict[str, dict[str, str]]:
    """Both themes' colours by token."""
    return {"light": dict(LIGHT), "dark": dict(DARK)}


def variables(palette: Mapping[str, str]) -> Markup:
    """A palette as custom properties of the style sheet."""
    return Markup("".join(f"--{name}:{colour};" for name, colour in palette.items()))


def asset(name: str, home: str = "levinthal.report") -> Markup:
    """A style sheet or script of ours, from the assets of the package `home`."""
    return Markup(files(home).joinpath("assets", name).read_text("utf-8"))


def plotly_script() -> Markup:
    """Plotly's script as text, to be inlined once; a closing tag inside it would end the element early."""
    return Markup(gzip.decompress(_plotly()).decode().replace("</script", "<\\/script"))


def packed_plotly() -> Markup:
    """Plotly's script for `unpacker.js`."""
    return _in_letters(_plotly())


def plotly_licence() -> Markup:
    """The licence of plotly's script, which travels with it."""
    return asset("plotly/LICENSE")


def _plotly() -> bytes:
    """The basic bundle (scatter, bar, pie), gzipped; `assets/plotly/README.md` says which version it is."""
    return files("levinthal.report").joinpath("assets", "plotly", "plotly-basic.min.js.gz").read_bytes()


def _in_letters(packed: bytes) -> Markup:
    return Markup(base64.b64encode(packed).decode())
