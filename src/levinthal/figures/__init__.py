"""Figures: `draw` turns a `vocabulary.Figure`, which holds numbers, into a plotly figure of plain dicts.

    palette   the colours of both themes as named tokens; colour and marker of a group or a level
    scales    ranges, ticks, categories: from values to positions on an axis
    traces    the plotly traces of one series
    keys      the legend above the panels
    labels    names at the ends of lines where they fit, and beside points that look identical
    grid      the space that panels, ticks and titles need at a width
    layout    panels in a grid that fits a width

Nothing here imports plotly. Colours are written `token:NAME` or `token:NAME/ALPHA`, and the script of the
page looks them up in the palette of the current theme.
"""

from __future__ import annotations

from levinthal.figures.layout import WIDTHS, draw
from levinthal.figures.palette import DARK, LIGHT, contrast

__all__ = ["DARK", "LIGHT", "WIDTHS", "contrast", "draw"]
