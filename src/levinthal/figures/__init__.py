"""Numbers to figures: `draw` turns a `vocabulary.Figure` into a plotly figure of plain dicts.

    palette   the colours of both themes as named tokens; colour and mark of a group or a level
    scales    ranges, ticks, categories: values to places on an axis
    traces    one series to the plotly traces that draw it
    keys      who is who: the line of keys above the panels
    labels    names at the ends of lines where they fit, and beside points that look alike
    grid      the room that panels, ticks and heads need at a width
    layout    panels to a grid that fits a width

Nothing here imports plotly: colours are written `token:NAME` or `token:NAME/ALPHA`, and whoever paints
(the page's script) looks them up in the palette of the theme at hand.
"""

from __future__ import annotations

from levinthal.figures.layout import WIDTHS, draw
from levinthal.figures.palette import DARK, LIGHT, contrast

__all__ = ["DARK", "LIGHT", "WIDTHS", "contrast", "draw"]
