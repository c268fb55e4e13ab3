"""The pytest plugin: the fixture `assert_trains`, and `--levinthal-sarif FILE`.

pytest imports this module whenever it starts, so torch is imported by the first test that trains, not here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from levinthal.errors import LevinthalError
from levinthal.testing.sarif_file import RESULTS, SarifFile, of_test
from levinthal.written_files import writable
from levinthal.written_files.kinds import FINDINGS

if TYPE_CHECKING:
    from levinthal.clinic.examination import Examination
    from levinthal.testing.trains import Outcome
    from levinthal.vocabulary import Problem

OPTION = "--levinthal-sarif"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option for the SARIF log."""
    parser.getgroup("levinthal").addoption(
        OPTION,
        type=Path,
        metavar="FILE",
        help="Write what the tests with the fixture `assert_trains` find as one SARIF 2.1.0 log.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect results where a file for them is named."""
    if path := config.getoption(OPTION):
        try:
            writable(path, FINDINGS)
        except LevinthalError as error:
            raise pytest.UsageError(f"{OPTION}: {error}") from error
        config.pluginmanager.register(SarifFile(path, lambda: _export().to_sarif([])), "levinthal-sarif")


@pytest.fixture
def assert_trains(request: pytest.FixtureRequest) -> Callable[..., Examination]:
    """`levinthal.testing.assert_trains`, whose findings also go to the file of `--levinthal-sarif`."""
    trains = importlib.import_module("levinthal.testing.trains")

    def asserted(problem: Problem, **words: Any) -> Examination:
        __tracebackhide__ = True
        outcome: Outcome = trains.outcome_of(problem, **words)
        if request.config.getoption(OPTION):
            request.node.stash.setdefault(RESULTS, []).extend(_results(request.node, outcome))
        if not outcome.passes:
            raise AssertionError(str(outcome))
        return outcome.examination

    return asserted


def _results(test: pytest.Item, outcome: Outcome) -> list[dict[str, Any]]:
    """The findings as results of SARIF that point to the line of the test."""
    line = (test.location[1] or 0) + 1
    log = _export().to_sarif(outcome.findings, artifact=test.path, line=line, answer=outcome.answer)
    return of_test(log, test.nodeid)


def _export() -> Any:
    return importlib.import_module("levinthal.clinic.export")
