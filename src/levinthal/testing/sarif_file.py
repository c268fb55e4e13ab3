"""The findings of all tests of a pytest run as one SARIF log, also from the workers of pytest-xdist."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from levinthal.written_files import write_whole
from levinthal.written_files.kinds import FINDINGS

RESULTS = pytest.StashKey[list[dict[str, Any]]]()
"""In the stash of a test: the results of its SARIF logs."""
NAME = "levinthal_results"


class SarifFile:
    """Collects the results of the tests and writes them when the test run ends.

    A code host takes one run of a tool from a file, so all results are of one run.

    Args:
        path: The file to write.
        empty: Makes a log without results.
    """

    def __init__(self, path: Path, empty: Any) -> None:
        self.path, self._empty = path, empty
        self.results: list[dict[str, Any]] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the results travel with the report of the test, which xdist sends to its controller."""
        report = yield
        if call.when == "call" and RESULTS in item.stash:
            report.__dict__[NAME] = item.stash[RESULTS]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the results from the report."""
        self.results.extend(getattr(report, NAME, ()))

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the file, also without results: an alert is closed by a log that does not have it."""
        if not hasattr(session.config, "workerinput"):
            log = self._empty()
            log["runs"][0]["results"] = self.results
            write_whole(self.path, json.dumps(log, indent=2, allow_nan=False), FINDINGS)


def of_test(log: dict[str, Any], test: str) -> list[dict[str, Any]]:
    """The results of a log, each with the name of the test that found it.

    >>> result = {"message": {"text": "No."}, "partialFingerprints": {}, "properties": {}}
    >>> (found,) = of_test({"runs": [{"results": [result]}]}, "test_a.py::test_b")
    >>> found["message"], found["partialFingerprints"]
    ({'text': 'test_a.py::test_b: No.'}, {'test/v1': 'test_a.py::test_b'})
    """
    results: list[dict[str, Any]] = log["runs"][0]["results"]
    label = test.replace("{", "{{").replace("}", "}}")
    return [
        result
        | {
            "message": {"text": f"{label}: {result['message']['text']}"},
            "partialFingerprints": result["partialFingerprints"] | {"test/v1": test},
            "properties": result["properties"] | {"test": test},
        }
        for result in results
    ]
