"""The pytest plugin, in pytest runs of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.clinic.test_export import conforms

from levinthal.clinic.export import to_sarif
from levinthal.testing.sarif_file import SarifFile

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parent.parent.parent
TEST = """
import torch, levinthal
from torch import nn

torch.manual_seed(0)
labels = torch.arange(128) % 4
inputs = 2 * torch.randn(4, 8)[labels] + torch.randn(128, 8)

def problem(top):
    return levinthal.Problem(
        model=lambda: nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4), top),
        loss=nn.functional.cross_entropy,
        train=(inputs, labels),
        optimizer=lambda model: torch.optim.SGD(model.parameters(), 0.3),
        steps=40,
    )

def test_good(assert_trains):
    assert assert_trains(problem(nn.Identity())).score > 0.8

def test_faulty(assert_trains):
    assert_trains(problem(nn.Softmax(1)))
"""


@pytest.fixture
def plugin(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The words that load the plugin, where the installed package has not done so."""
    loaded = request.config.pluginmanager.has_plugin("levinthal")
    return ("-p", "no:cacheprovider") if loaded else ("-p", "levinthal.testing.plugin")


def test_a_fault_fails_and_the_log_has_it(pytester: pytest.Pytester, plugin: tuple[str, ...]) -> None:
    pytester.makepyfile(test_net=TEST)
    result = pytester.runpytest_subprocess(*plugin, "--levinthal-sarif", "logs/net.sarif")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["E*AssertionError: the training has a fault: DOUBLE_SOFTMAX in loss*"])
    result.stdout.no_fnmatch_line("*trains.py:*")
    log = json.loads((pytester.path / "logs" / "net.sarif").read_text())
    conforms(log, "log")
    (run,) = log["runs"]
    first = run["results"][0]
    place = first["locations"][0]["physicalLocation"]
    line = 1 + TEST.lstrip().splitlines().index("def test_faulty(assert_trains):")
    assert first["ruleId"] == "DOUBLE_SOFTMAX"
    assert first["properties"]["test"] == "test_net.py::test_faulty"
    assert place["artifactLocation"]["uri"] == "test_net.py"
    assert place["region"]["startLine"] == line
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["id"] == "DOUBLE_SOFTMAX"


def test_a_log_without_results_is_written_too(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "net.sarif"
    SarifFile(path, lambda: to_sarif([])).pytest_sessionfinish(SimpleNamespace(config=object()))  # type: ignore[arg-type]
    log = json.loads(path.read_text())
    conforms(log, "log")
    assert log["runs"][0]["results"] == []


@pytest.mark.slow
def test_workers_send_their_results(pytester: pytest.Pytester, plugin: tuple[str, ...]) -> None:
    pytest.importorskip("xdist")
    pytester.makepyfile(test_net=TEST)
    result = pytester.runpytest_subprocess(*plugin, "-n", "2", "--levinthal-sarif", "net.sarif")
    result.assert_outcomes(passed=1, failed=1)
    codes = [r["ruleId"] for r in json.loads((pytester.path / "net.sarif").read_text())["runs"][0]["results"]]
    assert codes.count("DOUBLE_SOFTMAX") == 1


def test_pytest_starts_without_torch() -> None:
    code = "import sys, levinthal.testing.plugin; print({'torch', 'numpy', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_the_package_names_the_plugin_to_pytest() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"levinthal": "levinthal.testing.plugin"}
