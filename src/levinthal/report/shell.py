"""The shell of every page of ours: one HTML file that works offline, in both themes, and asks for nothing.

A page is a template that extends `shell.html` and fills its blocks; `marks.html` holds what stands on every
page (badges, whiskers, numbers, figures). A package to the right has its own templates in its `assets`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from levinthal.errors import InputError
from levinthal.figures import DARK, LIGHT
from levinthal.report import painting
from levinthal.report.formatting import counted, full_sentence, listed, number, unbroken
from levinthal.report.verdicts import share
from levinthal.shown import plain
from levinthal.written_files import write_whole
from levinthal.written_files.kinds import PAGE

HOME = "levinthal.report"


def rendered(template: str, context: Mapping[str, Any], *, home: str = HOME) -> str:
    """The page that `template`, from the assets of the package `home` or from ours, makes of `context`."""
    return _environment(home).get_template(template).render(context)


def write_page(path: str | PathLike[str], page: Callable[[], str], example: str) -> Path:
    """Write a page, completely or not at all.

    Args:
        path: The file to write.
        page: Renders it, once the path is known to be one.
        example: A name for such a file, for the way out.

    Returns:
        The path.

    Raises:
        InputError: `path` is a folder, or no path at all.
        StoreError: `path` cannot be written.
    """
    if not isinstance(path, str | PathLike):
        raise InputError(f"the path of a page is {path!r}: give '{example}', say")
    place = Path(path)
    if os.path.isdir(place):  # a name that is too long is no folder, and raises in `Path.is_dir`
        raise InputError(f"{path!s} is a folder, and a page is a file: give '{place / example}', say")
    return write_whole(place, page(), PAGE)


def _shown(value: Any) -> Any:
    """Text of others without what would change the order of the letters around it; our own markup stays."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _environment(home: str) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, "assets") for package in dict.fromkeys((home, HOME))]),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "css": painting.asset("page.css"),
        "painter": painting.asset("painter.js"),
        "js": painting.asset("page.js"),
        "unpacker": painting.asset("unpacker.js"),
        "plotly": painting.packed_plotly(),
        "plotly_licence": painting.plotly_licence(),
        "palettes": painting.embedded(painting.palettes()),
        "light": painting.variables(LIGHT),
        "dark": painting.variables(DARK),
        "counted": counted,
        "listed": listed,
        "number": number,
        "full_sentence": full_sentence,
        "unbroken": unbroken,
        "zero": share(0.0),
        "one": share(1.0),
    }
    return environment
