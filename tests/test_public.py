"""The public names: sorted, importable, documented, and free until they are used."""

from __future__ import annotations

import enum
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from dataclasses import fields, is_dataclass
from functools import cache
from types import ModuleType
from typing import Any

import pytest

import levinthal
import levinthal.vocabulary
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
    heavy = "('torch', 'numpy', 'scipy', 'sklearn', 'numba', 'jinja2')"
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
        elif inspect.isclass(value):
            found |= methods(value)
    return found


def methods(cls: type) -> dict[str, Any]:
    """The public methods of a class and of those of ours that it inherits from, by their dotted name."""
    ours = [base for base in inspect.getmro(cls) if base.__module__.startswith("levinthal")]
    named = [(name, getattr(held, "__func__", held)) for base in ours for name, held in vars(base).items()]
    return {
        f"{method.__module__}.{method.__qualname__}": method
        for name, method in named
        if inspect.isfunction(method) and not name.startswith("_")
    }


def made_classes() -> dict[str, type]:
    """Public classes with arguments of their own, by their dotted name.

    The nouns of the vocabulary are left out: `docs/write-a-study.md` says what their fields are.
    """
    every = [getattr(package, name) for package in packages() for name in getattr(package, "__all__", ())]
    return {
        f"{value.__module__}.{value.__qualname__}": value
        for value in every
        if inspect.isclass(value)
        and not issubclass(value, enum.Enum | BaseException)
        and not getattr(value, "_is_protocol", False)
        and not value.__module__.startswith("levinthal.vocabulary")
    }


def described(value: Any, *sections: str) -> set[str]:
    """The names with a line under one of these headings of a docstring; several may share one."""
    text = inspect.getdoc(value) or ""
    blocks = [text.partition(f"{section}:\n")[2].partition("\n\n")[0] for section in sections]
    heads = re.findall(r"(?m)^ {4}([\w*, ]+):", "\n".join(blocks))
    return {name.strip("* ") for head in heads for name in head.split(",")}


def gaps(function: Any) -> list[str]:
    """Parameters without a line under `Args:`, and a result without `Returns:` or `Yields:`."""
    text, signature = inspect.getdoc(function) or "", inspect.signature(function)
    known = {"self", "cls", *described(function, "Args")}
    lacking = [name for name in signature.parameters if name not in known]
    speaks = re.search(r"(?m)^(Returns|Yields):$", text) is not None
    return lacking if speaks or signature.return_annotation in ("None", None) else [*lacking, "its result"]


@pytest.mark.parametrize("name", sorted(public_callables()))
def test_every_public_function_documents_its_arguments_and_its_result(name: str) -> None:
    assert gaps(public_callables()[name]) == []


@pytest.mark.parametrize("name", sorted(made_classes()))
def test_every_public_class_documents_what_it_is_made_of(name: str) -> None:
    value = made_classes()[name]
    known = described(value, "Args", "Attributes")
    assert [parameter for parameter in inspect.signature(value).parameters if parameter not in known] == []


def test_the_methods_of_every_public_class_are_held_to_it() -> None:
    for name in (
        "levinthal.networks.first_last.FirstLast.forward",
        "levinthal.clinic.watching.Watch.findings",
        "levinthal.lab.storage.store.Store.write",
    ):
        assert name in public_callables()


def test_a_docstring_with_gaps_is_found() -> None:
    def half(one: int, two: int) -> int:
        """Add.

        Args:
            one: the first.
        """
        return one + two

    assert gaps(half) == ["two", "its result"]


NOUNS = [name for name in levinthal.vocabulary.__all__ if is_dataclass(getattr(levinthal.vocabulary, name))]


@pytest.mark.parametrize("name", NOUNS)
def test_every_field_of_a_noun_is_documented(name: str) -> None:
    noun = getattr(levinthal.vocabulary, name)
    _, _, documented = (noun.__doc__ or "").partition("Attributes:")
    assert [field.name for field in fields(noun) if f"\n        {field.name}: " not in documented] == []
