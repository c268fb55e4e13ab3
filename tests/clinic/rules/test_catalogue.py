"""The catalogue: collected from the rules, in causal order, and each kind in one place."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import string
import subprocess
import sys
from pathlib import Path

import pytest
from tests.clinic.conftest import undeclared

from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import FindingKind
from levinthal.clinic.rules.catalogue import CATALOGUE, MODULES, RULES
from levinthal.clinic.treatment.remedies import REMEDIES

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[3]
KINDS = [pytest.param(kind, id=code) for code, kind in CATALOGUE.items()]
NUMBER_WORDS = re.compile(
    r"\b(two|three|four|five|ten|half(?! precision)|third|quarter|fifth|tenth|twice|thrice"
    r"|hundred|thousand)\w*"
)
TOY = """
from levinthal.clinic.findings.finding import found
from levinthal.clinic.findings.kind import Area, FindingKind, rule
from levinthal.vocabulary import Severity

FEWEST = 12_345
TOY_FINDING = FindingKind(
    code="TOY_FINDING", means="a toy is on the desk", remedy="put it away", severity=Severity.WARNING,
    area=Area.DATA, order=215, evidence="{fewest} toys or more", thresholds={"fewest": FEWEST},
    source="made up", explained_by=("NON_FINITE_INPUT",), only_by_hand="a desk is no Problem",
)


@rule(TOY_FINDING)
def toys(chart):
    yield found(TOY_FINDING, "desk", 0, {"toys": FEWEST})
"""
ASKED = """
import json
from torch import nn
from levinthal.clinic.export import to_sarif
from levinthal.clinic.presentation.reference import page
from levinthal.clinic.presentation.signs import SIGNS, read_signs
from levinthal.clinic.presentation.terminal import formatted
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.clinic.rules.diagnosis import diagnose

findings = diagnose(TrainingSetup.of(nn.Linear(2, 2), ()), History())
print(json.dumps({
    "catalogue": list(CATALOGUE), "evidence": CATALOGUE["TOY_FINDING"].evidence_text,
    "explains": CATALOGUE["NON_FINITE_INPUT"].explains, "data": SIGNS["Data"],
    "page": page({"runs": 684, "codes": ["INPUT_SCALE"], "warned": {}}),
    "found": [(f.code, f.confidence) for f in findings],
    "sign": [s.codes for s in read_signs(History(), None, findings) if s.name == "Data"],
    "text": formatted(findings),
    "sarif": [r["id"] for r in to_sarif(findings)["runs"][0]["tool"]["driver"]["rules"]],
}))
"""


def test_a_new_finding_is_one_new_file(tmp_path: Path) -> None:
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src" / "levinthal", tmp_path / "levinthal", ignore=skipped)
    (tmp_path / "levinthal" / "clinic" / "rules" / "toy.py").write_text(TOY)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", ASKED],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    place = list(CATALOGUE).index("INPUT_SCALE") + 1
    assert seen["catalogue"] == [*list(CATALOGUE)[:place], "TOY_FINDING", *list(CATALOGUE)[place:]]
    assert seen["sarif"] == seen["catalogue"]
    assert seen["evidence"] == "12,345 toys or more"
    assert seen["explains"] == [*CATALOGUE["NON_FINITE_INPUT"].explains, "TOY_FINDING"]
    assert "TOY_FINDING" in seen["data"]
    assert seen["sign"] == [["TOY_FINDING"]]
    assert ["TOY_FINDING", None] in seen["found"]
    assert "a toy is on the desk" in seen["text"]
    row = next(line for line in seen["page"].splitlines() if line.startswith("| `TOY_FINDING`"))
    parts = ("a toy is on the desk", "12,345 toys or more", "made up", "put it away", "| – | –, – |")
    assert all(part in row for part in parts)
    measured = next(line for line in seen["page"].splitlines() if line.startswith("| `INPUT_SCALE`"))
    assert "| 0 (at most 0.5%) |" in measured


def test_order_severities_remedies_and_causes_are_those_that_the_results_were_measured_with() -> None:
    before = json.loads((HERE / "catalogue_2026_11.json").read_text())
    now = {
        code: {"severity": kind.severity.value, "remedy": kind.remedy, "explains": list(kind.explains)}
        for code, kind in CATALOGUE.items()
        if code in before
    }
    assert list(now.items()) == list(before.items())


def test_causes_come_before_what_they_explain() -> None:
    places = {code: place for place, code in enumerate(CATALOGUE)}
    for code, kind in CATALOGUE.items():
        assert all(places[symptom] > places[code] for symptom in kind.explains), code
    assert len({kind.order for kind in CATALOGUE.values()}) == len(CATALOGUE)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_says_what_it_means_and_what_to_do(kind: FindingKind) -> None:
    assert kind.means
    assert kind.remedy
    assert kind.source
    assert kind.code not in kind.explains
    assert len(set(kind.explains)) == len(kind.explains)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_declared_once_beside_a_rule_that_reports_it(kind: FindingKind) -> None:
    reports = [rule for rule in RULES if kind.code in {each.code for each in vars(rule)["finds"]}]
    assert reports
    texts = [Path(str(module.__file__)).read_text() for module in MODULES]
    declared = [text for text in texts if f"\n{kind.code} = FindingKind(" in text]
    assert len(declared) == 1
    assert any(f"\ndef {rule.__name__}(" in declared[0] for rule in reports)


@pytest.mark.parametrize("kind", KINDS)
def test_every_number_of_the_evidence_text_is_a_threshold(kind: FindingKind) -> None:
    parts = list(string.Formatter().parse(kind.evidence))
    prose = " ".join(text for text, *_ in parts)
    assert not re.search(r"\d", prose), prose
    assert not NUMBER_WORDS.search(prose), prose
    assert {name for _, name, *_ in parts if name} == set(kind.thresholds)
    assert kind.evidence_text


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_has_a_remedy_to_try_or_says_why_none(kind: FindingKind) -> None:
    assert (kind.code in REMEDIES) != bool(kind.only_by_hand)


def test_remedies_are_of_kinds_that_are_there() -> None:
    assert set(REMEDIES) <= set(CATALOGUE)


def test_the_findings_are_listed_on_one_page() -> None:
    watch = (ROOT / "docs" / "watch.md").read_text()
    assert not [line for line in watch.splitlines() if line.startswith("| `")]
    assert "(findings.md)" in watch


def test_every_threshold_is_a_named_constant() -> None:
    for module in MODULES:
        for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text())):
            if isinstance(node, ast.keyword) and node.arg == "thresholds":
                assert isinstance(node.value, ast.Dict)
                for value in node.value.values:
                    assert any(isinstance(part, ast.Name) for part in ast.walk(value)), ast.unparse(value)


def test_a_rule_that_reports_a_kind_it_does_not_declare_is_caught() -> None:
    reporting = next(rule for rule in RULES if len(vars(rule)["finds"]) == 1)
    (declared,) = vars(reporting)["finds"]
    other = next(kind for code, kind in CATALOGUE.items() if code != declared.code)
    assert undeclared(reporting, [found(declared, "here", 0, {})]) == []
    said = f"{reporting.__name__} reports {other.code}"
    assert undeclared(reporting, [found(other, "here", 0, {})]) == [said]
