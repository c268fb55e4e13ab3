"""A page for every public package, from its `__all__`, written when a build begins; git ignores them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from sphinx.application import Sphinx

import levinthal

PAGES = Path(__file__).parent.parent / "api"
INTRODUCTION = """
API reference
=============

What stands in `__all__` is public. The names that most programs need are in `levinthal` itself; the packages
below it have the rest. The command line has :doc:`a page of its own <../cli>`.

"""
DIRECTIVES = {
    "Functions": ".. autofunction:: {}",
    "Classes": ".. autoclass:: {}\n   :members:",
    "Errors": ".. autoexception:: {}\n   :show-inheritance:",
}
BAR = re.compile(r"(`+.*?`+)")


def write_pages(app: Sphinx) -> None:
    """Write an overview and a page for each package."""
    shutil.rmtree(PAGES, ignore_errors=True)
    PAGES.mkdir()
    packages = list(public())
    for package in packages:
        (PAGES / f"{package.__name__}.rst").write_text(page(package), "utf-8")
    names = "\n".join(f"   {package.__name__}" for package in packages)
    rows = "".join(f"   * - :doc:`{package.__name__}`\n     - {summary(package)}\n" for package in packages)
    table = f".. list-table::\n   :widths: 30 70\n\n{rows}"
    (PAGES / "index.rst").write_text(
        f"{INTRODUCTION}{table}\n.. toctree::\n   :hidden:\n\n{names}\n", "utf-8"
    )


def public() -> Iterator[ModuleType]:
    """`levinthal` and its packages that have an `__all__`."""
    yield levinthal
    for found in pkgutil.iter_modules(levinthal.__path__, "levinthal."):
        module = importlib.import_module(found.name)
        if found.ispkg and hasattr(module, "__all__") and found.name != "levinthal.cli":
            yield module


def page(package: ModuleType) -> str:
    """Docstring of the package, then every public name, grouped by kind."""
    title = package.__name__
    parts = [f"{title}\n{'=' * len(title)}", f".. automodule:: {title}\n   :no-members:"]
    for heading, names in kinds(package).items():
        parts += [f"{heading}\n{'-' * len(heading)}", *(entry(package, name) for name in names)]
    if title != "levinthal" and (same := [n for n in package.__all__ if n in levinthal.__all__]):
        parts.append(
            "Also here, and described at :doc:`levinthal`: " + ", ".join(f"`{n}`" for n in same) + "."
        )
    return "\n\n".join(parts) + "\n"


def kinds(package: ModuleType) -> dict[str, list[str]]:
    """The names to be described on a package's page, by what they are."""
    found: dict[str, list[str]] = {"Functions": [], "Classes": [], "Errors": [], "Values": []}
    for name in package.__all__:
        if package is levinthal or name not in levinthal.__all__:
            found[kind(getattr(package, name))].append(name)
    return {heading: names for heading, names in found.items() if names}


def kind(value: Any) -> str:
    """The heading under which a public name stands."""
    if inspect.isclass(value):
        return "Errors" if issubclass(value, Exception) else "Classes"
    return "Functions" if callable(value) else "Values"


def entry(package: ModuleType, name: str) -> str:
    """The directive that describes one name."""
    place = f"{package.__name__}.{name}"
    value = getattr(package, name)
    if kind(value) != "Values":
        return DIRECTIVES[kind(value)].format(place)
    if isinstance(value, Iterable):
        return f".. py:data:: {place}\n\n   Holds {', '.join(f'`{key}`' for key in value)}."
    either = ", ".join(f"`{one.__name__}`" for one in get_args(value))
    return f".. py:data:: {place}\n\n   Stands for one of {either}."


def summary(package: ModuleType) -> str:
    """The first sentence of a package's docstring."""
    return " ".join((package.__doc__ or "").strip().split("\n\n")[0].split())


def escape_bars(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """An upright bar in prose is itself (|x| is a size); only reStructuredText reads a substitution there."""
    example = False
    for number, line in enumerate(lines):
        example = line.lstrip().startswith(">>>") or (example and bool(line.strip()))
        if not example:
            parts = BAR.split(line)
            parts[::2] = [part.replace("|", "\\|") for part in parts[::2]]
            lines[number] = "".join(parts)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", escape_bars)
    return {"parallel_read_safe": True}
