"""Text of others inside Markdown: what would be a heading, a link, a table cell, code or HTML stays text."""

from __future__ import annotations

import re

from levinthal.shown import one_line

_LONGEST = 100_000
_INLINE = re.compile(
    r"[\\`*]"  # escapes, code, emphasis
    r"|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])"  # emphasis begins and ends at the edge of a word
    r"|<(?=[A-Za-z/!?])"  # HTML, and addresses in angle brackets
    r"|&(?=#|[A-Za-z][0-9A-Za-z]*;)"  # entities
    r"|\](?=[(\[:])"  # the target of a link or a picture
    r"|~(?=~)|\$(?=\S)"  # struck out, formulas
)
_BLOCK = re.compile(r"^(?:#+(?= |$)|>|[+-](?= |$)|={2,}|-{3,}|\d+(?=[.)](?: |$)))")


def escaped(text: str) -> str:
    r"""Text in one line that Markdown shows as it stands; in a table, `|` is left to `cell`.

    Args:
        text: any text.

    Returns:
        The text, with a backslash where Markdown would read a mark.

    >>> escaped("a <b> <script> [x](http://example.org) `c`"), escaped("# 0.5 of batch_norm, [0.1, 0.2]")
    ('a \\<b> \\<script> [x\\](http://example.org) \\`c\\`', '\\# 0.5 of batch_norm, [0.1, 0.2]')
    """
    line = _INLINE.sub(r"\\\g<0>", one_line(text, _LONGEST))
    return _BLOCK.sub(lambda mark: f"{mark[0]}\\" if mark[0].isdigit() else f"\\{mark[0]}", line)


def cell(text: str) -> str:
    r"""A piece of Markdown as one cell of a table.

    >>> cell("|w| > 4")
    '\\|w\\| > 4'
    """
    return text.replace("|", "\\|")
