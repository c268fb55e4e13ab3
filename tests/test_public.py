"""The public names: sorted, importable, documented, and free until they are used."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from functools import cache
from types import ModuleType
from typing import Any

import pytest

import levinthal
from levinthal import errors, user_files


def test_public_names_are_sorted_and_unique() -> None:
    assert levinthal.__all__ == sorted(set(levinthal.__all__))


@pytest.mark.parametrize("name", levinthal.__all__)
def test_every_public_name_can_be_imported_and_says_what_it_is(name: str) -> None:
    value = getattr(levinthal, name)
    assert inspect.getdoc(value)
    assert value.__module__.startswith("levinthal.")
    assert name in dir(levinthal)


def test_version_is_that_of_the_installed_package() -> None:
    assert levinthal.__version__.split(".")[0].isdecimal()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'mutual_informations'"):
        levinthal.mutual_informations  # noqa: B018


@pytest.mark.parametrize("use", ["levinthal", "levinthal; levinthal.Estimate", "levinthal.cli"])
def test_importing_levinthal_imports_nothing_heavy(use: str) -> None:
    heavy = "('torch', 'numpy', 'scipy', 'sklearn', 'numba', 'plotly', 'jinja2')"
    code = f"import sys; import {use}; print(sorted(set({heavy}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def packages() -> list[ModuleType]:
    """levinthal and every package below it."""
    below = pkgutil.walk_packages(levinthal.__path__, "levinthal.")
    return [levinthal, *(importlib.import_module(found.name) for found in below if found.ispkg)]


@cache
def public_callables() -> dict[str, Any]:
    """Functions in `__all__` of a package, and public methods of the classes there, by their dotted name."""
    found: dict[str, Any] = {"levinthal.errors.require_one_of": errors.require_one_of}
    found |= {f"levinthal.user_files.{f.__name__}": f for f in (user_files.is_reference, user_files.value_in)}
    for value in (
        getattr(package, name) for package in packages() for name in getattr(package, "__all__", ())
    ):
        if inspect.isfunction(value):
            found[f"{value.__module__}.{value.__qualname__}"] = value
        elif inspect.isclass(value) and value.__module__.startswith("levinthal.lab"):
            methods = {name: getattr(method, "__func__", method) for name, method in vars(value).items()}
            found |= {
                f"{value.__module__}.{method.__qualname__}": method
                for name, method in methods.items()
                if inspect.isfunction(method) and not name.startswith("_")
            }
    return found


def gaps(function: Any) -> list[str]:
    """Parameters without a line under `Args:`, and a result without `Returns:` or `Yields:`."""
    text, signature = inspect.getdoc(function) or "", inspect.signature(function)
    arguments = text.partition("Args:\n")[2].partition("\n\n")[0]
    described = set(re.findall(r"(?m)^ {4}\*{0,2}(\w+):", arguments))
    lacking = [name for name in signature.parameters if name not in {"self", "cls", *described}]
    speaks = re.search(r"(?m)^(Returns|Yields):$", text) is not None
    return lacking if speaks or signature.return_annotation in ("None", None) else [*lacking, "its result"]


@pytest.mark.parametrize("name", sorted(public_callables()))
def test_every_public_function_documents_its_arguments_and_its_result(name: str) -> None:
    assert gaps(public_callables()[name]) == []


def test_a_docstring_with_gaps_is_found() -> None:
    def half(one: int, two: int) -> int:
        """Add.

        Args:
            one: the first.
        """
        return one + two

    assert gaps(half) == ["two", "its result"]
