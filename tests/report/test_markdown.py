from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.report import fake_study

from levinthal.report.markdown import write_markdown
from levinthal.report.verdicts import entries
from levinthal.vocabulary import Axis, Figure, Panel


def written(tmp_path: Path, **more) -> str:
    path = tmp_path / "gallery" / "page.md"
    assert (
        write_markdown(fake_study.study(), fake_study.verdicts(), fake_study.PROVENANCE, path, **more) == path
    )
    return path.read_text()


def test_every_claim_is_a_row_with_its_numbers_and_trust(tmp_path: Path) -> None:
    text = written(tmp_path)
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    expected = entries(fake_study.study(), fake_study.verdicts())
    assert len(rows) == len(expected)
    for row, entry in zip(rows, expected, strict=True):
        assert row.startswith(f"| {entry.claim.id} |")
        assert entry.label in row
        if entry.effect:
            assert f"{entry.effect.value} {entry.effect.interval}".rstrip() in row
            assert entry.effect.trust in row


def test_every_reason_and_every_fact_of_the_provenance_is_there(tmp_path: Path) -> None:
    text = written(tmp_path)
    for verdict in fake_study.verdicts():
        assert all(f"- {reason}" in text for reason in verdict.reasons)
    assert all(f"- {key}: {value}" in text for key, value in fake_study.PROVENANCE.items())


def test_figures_are_linked_from_where_the_page_is(tmp_path: Path) -> None:
    figure = Figure("fall", "It falls", "Over time.", (Panel(Axis("x"), Axis("y"), ()),))
    text = written(tmp_path, figures=[(figure, tmp_path / "svg" / "fall.svg")])
    assert "![It falls](../svg/fall.svg)" in text
    assert "Over time." in text


def test_an_upright_bar_does_not_end_its_cell(tmp_path: Path) -> None:
    claim = fake_study.claims()[0]
    study = fake_study.study(claims=(dataclasses.replace(claim, says="|a| < |b|"),))
    path = write_markdown(study, [], {}, tmp_path / "page.md")
    assert "\\|a\\| < \\|b\\|" in path.read_text()


def test_terms_and_the_reason_of_a_size_are_there_where_the_study_gives_them(tmp_path: Path) -> None:
    assert "## Terms" not in written(tmp_path)
    study, (first, *others) = fake_study.study(terms={"CKA": "a similarity"}), fake_study.verdicts()
    first = dataclasses.replace(first, claim=dataclasses.replace(first.claim, why_smallest="a tenth"))
    text = write_markdown(study, [first, *others], {}, tmp_path / "page.md").read_text()
    assert "- **CKA**: a similarity" in text
    assert " Smallest effect size: a tenth." in text
