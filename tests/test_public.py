"""The public names: sorted, importable, documented, and free until they are used."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import levinthal


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
