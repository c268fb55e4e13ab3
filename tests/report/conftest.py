"""The fake study of thirteen claims, and its page, written once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from levinthal.lab.storage.rows import Rows
from levinthal.report import write_report
from levinthal.vocabulary import Study, Verdict

for name in ("fake_figures", "fake_study"):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
fake_study = sys.modules["fake_study"]


@pytest.fixture(scope="session")
def study() -> Study:
    return fake_study.study()


@pytest.fixture(scope="session")
def rows() -> Rows:
    return fake_study.rows()


@pytest.fixture(scope="session")
def verdicts() -> list[Verdict]:
    return fake_study.verdicts()


@pytest.fixture(scope="session")
def page(study: Study, rows: Rows, verdicts: list[Verdict], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole report of the fake study."""
    path = tmp_path_factory.mktemp("report") / "page.html"
    return write_report(study, "standard", rows, verdicts, fake_study.PROVENANCE, path)
