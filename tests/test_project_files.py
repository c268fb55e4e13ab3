"""What a public project has beside its code: workflows that run the home commands, a citation, templates."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from levinthal.testing.plugin import OPTION

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def test_ci_runs_the_same_commands_as_at_home() -> None:
    text = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
    assert all(f"python3 dev.py {command}" in text for command in ("test", "check", "docs"))


def test_ci_begins_with_the_oldest_python_that_the_project_supports() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    assert f">={jobs['test']['strategy']['matrix']['python'][0]}" == PROJECT["requires-python"]


def test_ci_tries_every_python_from_the_oldest_to_the_newest() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
    minors = [int(python.split(".")[1]) for python in jobs["test"]["strategy"]["matrix"]["python"]]
    assert minors == list(range(minors[0], minors[-1] + 1))


def test_the_form_for_bugs_asks_for_what_the_command_line_prints() -> None:
    form = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text()
    assert "levinthal --version --verbose" in form


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_job_has_steps_that_use_or_run_something(path: Path) -> None:
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        assert job["runs-on"]
        assert all(("uses" in step) != ("run" in step) for step in job["steps"])


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_workflow_may_write_to_the_repository(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}


def test_the_citation_has_the_version_of_the_package() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert str(cited["version"]) == PROJECT["version"]
    assert cited["license"] == PROJECT["license"]


@pytest.mark.parametrize("path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ids=str)
def test_issue_forms_have_distinct_fields(path: Path) -> None:
    form = yaml.safe_load(path.read_text())
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-z]+", name) for name in ids)


def test_every_file_that_contributors_are_sent_to_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`?((?:src|tests|docs|benchmarks)/[\w/.-]+\.\w+)", text))
    assert "tests/clinic/rules/test_updates.py" in named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []


def documented_workflow() -> dict[str, Any]:
    text = (ROOT / "docs" / "ci.md").read_text()
    (block,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    workflow: dict[str, Any] = yaml.safe_load(block)
    return workflow


def test_the_workflow_of_the_docs_uploads_what_the_tests_write() -> None:
    workflow = documented_workflow()
    assert workflow["permissions"]["security-events"] == "write"
    assert workflow[True] == {"push": {"branches": ["main"]}, "pull_request": None}  # YAML reads `on` as true
    (job,) = workflow["jobs"].values()
    assert job["runs-on"]
    assert all(("uses" in step) != ("run" in step) for step in job["steps"])
    tests, upload = job["steps"][-2:]
    assert upload["uses"].startswith("github/codeql-action/upload-sarif@v")
    assert upload["if"] == "always()"
    assert f"{OPTION} {upload['with']['sarif_file']}" in tests["run"]
