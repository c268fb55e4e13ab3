"""The shell of every page of ours: one HTML file that works offline, in both themes, and asks for nothing.

A page is a template that extends `shell.html` and fills its blocks; `marks.html` holds what stands on every
page (badges, whiskers, numbers, figures). A package to the right has its own templates in its `assets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from levinthal.figures import DARK, LIGHT
from levinthal.report import painting
from levinthal.report.formatting import counted, full_sentence, listed, number, unbroken
from levinthal.report.verdicts import share
from levinthal.shown import plain

HOME = "levinthal.report"


def rendered(template: str, context: Mapping[str, Any], *, home: str = HOME) -> str:
    """The page that `template`, from the assets of the package `home` or from ours, makes of `context`."""
    return _environment(home).get_template(template).render(context)


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
