from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.report import fake_study

from levinthal.report.stored import line_text, write_stored
from levinthal.report.verdicts import entries
from levinthal.vocabulary import Axis, Figure, Panel

FALL = Figure("fall", "It falls", "Over time.", (Panel(Axis("x"), Axis("y"), ()),))


@pytest.fixture
def result(tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "gallery" / "page.json"
    study, verdicts = fake_study.study(), fake_study.verdicts()
    figures = [(FALL, tmp_path / "svg" / "fall.svg")]
    write_stored(study, "quick", verdicts, {**fake_study.PROVENANCE, "data": ""}, path, figures)
    read: dict[str, Any] = json.loads(path.read_text())
    return read


def test_every_claim_has_its_outcome_and_numbers(result: dict[str, Any]) -> None:
    expected = entries(fake_study.study(), fake_study.verdicts())
    assert [verdict["claim"] for verdict in result["verdicts"]] == [entry.claim.id for entry in expected]
    for verdict, entry in zip(result["verdicts"], expected, strict=True):
        assert verdict["outcome"] == entry.label
        assert verdict["effect"] == line_text(entry.effect)
        assert verdict["seeds"] == entry.seeds


def test_question_chapter_and_preset_are_those_of_the_study(result: dict[str, Any]) -> None:
    study = fake_study.study()
    assert (result["question"], result["chapter"]) == (study.question, study.chapter)
    assert (result["study"], result["preset"]) == (study.name, "quick")


def test_figures_are_found_from_where_the_file_is(result: dict[str, Any]) -> None:
    assert result["figures"] == [{"title": "It falls", "caption": "Over time.", "file": "../svg/fall.svg"}]


def test_an_empty_fact_of_the_provenance_is_left_out(result: dict[str, Any]) -> None:
    assert "data" not in result["provenance"]
    assert result["provenance"]["Seeds"] == fake_study.PROVENANCE["Seeds"]


def test_an_estimate_that_is_not_there_is_an_empty_text() -> None:
    assert line_text(None) == ""
