"""What the page, the terminal, Markdown and JSON say of claims that moved, beside each claim."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.report import fake_study

from levinthal.lab.judging.changes import Change
from levinthal.report import write_report
from levinthal.report.markdown import write_markdown
from levinthal.report.record import Record, marks, ordinal
from levinthal.report.stored import write_stored
from levinthal.report.terminal import verdict_table
from levinthal.vocabulary import Basis

CHANGE = Change("claim changed after the run", ("smallest effect size: 0.7 before, 0.55 now",))
WORDS = "Claim changed after the run: smallest effect size: 0.7 before, 0.55 now."
NOTICE = "claim C9 dropped after the run: “It <falls>.”"


@pytest.fixture
def record() -> Record:
    first = fake_study.study().claims[0].id
    return Record("frozen before the first run", {first: CHANGE}, (NOTICE,))


def test_the_page_has_the_change_in_the_row_and_the_notice_at_the_top(record: Record, tmp_path: Path) -> None:
    study, verdicts = fake_study.study(), fake_study.verdicts()
    part = {"progress": "3 of 4 runs are there (75 %)", "part": "4 of the preset's 8 runs, by --seeds 2"}
    path = write_report(
        study, "standard", fake_study.rows(), verdicts, {}, tmp_path / "p.html", record=record, **part
    )
    text = path.read_text()
    assert text.count(WORDS) == 1
    assert "Claim C9 dropped after the run: “It &lt;falls&gt;.”</strong>" in text
    hero = text.index('<section class="hero"')
    for words in (NOTICE.split(":")[0][1:], "3 of 4 runs are there (75 %)", "4 of the preset&#39;s 8 runs"):
        assert text.index(words) < hero
    assert hero < text.index(WORDS)


@pytest.mark.parametrize("width", [70, 100])
def test_the_terminal_has_it_below_the_claim(record: Record, width: int) -> None:
    out = StringIO()
    console = Console(file=out, width=width)
    console.print(verdict_table(fake_study.study(), fake_study.verdicts(), record=record))
    assert WORDS in " ".join(out.getvalue().split())


def test_markdown_and_json_have_it(record: Record, tmp_path: Path) -> None:
    study, verdicts = fake_study.study(), fake_study.verdicts()
    text = write_markdown(study, verdicts, {}, tmp_path / "p.md", record=record).read_text()
    assert text.count(f"**{WORDS}**") == 1
    stored = json.loads(
        write_stored(study, "standard", verdicts, {}, tmp_path / "p.json", record=record).read_text()
    )
    assert stored["claims"] == {
        "state": "frozen before the first run",
        "notices": [NOTICE],
        "file": "",
    }
    first, *others = stored["verdicts"]
    assert (first["change"], first["differences"]) == (CHANGE.label, list(CHANGE.differences))
    assert not any(one["change"] or one["differences"] for one in others)


def test_what_is_known_of_a_claim_is_said_in_its_order() -> None:
    (verdict, *_) = fake_study.verdicts()
    claim = replace(verdict.claim, basis=Basis.PILOT, smallest_effect=0.1)
    again = replace(verdict, claim=claim, analyses=3)
    assert marks(claim, again, Record(changes={claim.id: CHANGE})) == (
        "claim changed after the run: smallest effect size: 0.7 before, 0.55 now",
        "its test or its smallest effect size was chosen after a pilot run",
        "third analysis: intervals at 99 %",
    )
    assert marks(replace(claim, smallest_effect=None), None, Record()) == ()
    assert marks(replace(claim, basis=Basis.SOURCE), verdict, Record()) == ()


def test_ordinals() -> None:
    numbers = (1, 2, 10, 11, 12, 13, 21, 22, 23, 24, 101, 111, 112)
    assert [ordinal(n) for n in numbers] == [
        "first", "second", "tenth", "11th", "12th", "13th", "21st", "22nd", "23rd", "24th", "101st",
        "111th", "112th",
    ]  # fmt: skip
