"""Verdicts and figures -> one self-contained page.

page        `write_report`: everything of a study on one page that works offline
shell       what every page has: one file, both themes, no request
verdicts    the rows of its table: words, whiskers, reasons
believing   how far to believe the estimates, by name
formatting  numbers as text: the interval's width decides the digits
painting    figures, palettes and plotly's script, ready to be embedded
terminal    the same answer and verdicts for a terminal
markdown    the same verdicts as a page for a repository
svg         figures as SVG files, through a browser
"""

from __future__ import annotations

from levinthal.report.page import write_report

__all__ = ["write_report"]
