"""A claim stands beside the sentence that it tests, its null value, and why it has no control."""

from __future__ import annotations

import html
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.report import fake_study

from levinthal.report import write_report
from levinthal.report.markdown import write_markdown
from levinthal.report.stored import write_stored
from levinthal.report.terminal import verdict_table
from levinthal.report.verdicts import entries, level_of
from levinthal.vocabulary import Estimate, Interval, Trust, Verdict

QUOTE = "“It <rises> with depth.” (a book, p. 5)"
BLOCKS = "The same verdict in 2 of 3 blocks of 8 seeds; else partially."


@pytest.fixture
def judged() -> list[Verdict]:
    first, second, *others = fake_study.verdicts()
    claim = replace(
        first.claim, quote="It <rises> with depth.", source="a book, p. 5", null=0.5, unit="of runs",
        control="", why_no_control="it is an identity",
    )  # fmt: skip
    words = (first.outcome, first.outcome, second.outcome)
    return [replace(first, claim=claim, blocks=words), second, *others]


def page_of(judged: list[Verdict], tmp_path: Path) -> str:
    claims = tuple(verdict.claim for verdict in judged)
    study = fake_study.study(claims=claims, figures=lambda rows: ())
    path = write_report(study, "standard", fake_study.rows(), judged, {}, tmp_path / "p.html")
    return html.unescape(path.read_text())


def test_the_page_has_them_in_the_row(judged: list[Verdict], tmp_path: Path) -> None:
    text = page_of(judged, tmp_path)
    assert text.count(f'<span class="origin">{QUOTE}') == 1
    own = '<span class="origin">In words of this study (Hodas & Stinis 2018'
    assert text.count(own) == len(judged) - 1
    assert text.count("null value: 0.5 of runs") == 1
    assert "<dt>Control arm</dt><dd>none: it is an identity</dd>" in text
    assert f'<span class="stability">{BLOCKS}</span>' in text
    assert 'class="mark-of-claim"' not in text


def test_markdown_and_json_have_them(judged: list[Verdict], tmp_path: Path) -> None:
    study = fake_study.study(claims=tuple(verdict.claim for verdict in judged))
    text = write_markdown(study, judged, {}, tmp_path / "p.md").read_text()
    quoted = QUOTE.replace("<", "\\<")
    said = f"Source: {quoted}. Control: none: it is an identity. Null value: 0.5 of runs."
    assert text.count(said) == 1
    assert text.count("Source: in words of this study (") == len(judged) - 1
    assert BLOCKS in text
    first, second, *_ = json.loads(
        write_stored(study, "standard", judged, {}, tmp_path / "p.json").read_text()
    )["verdicts"]
    assert (first["quote"], first["origin"]) == ("It <rises> with depth.", QUOTE)
    assert (first["null"], first["control_arm"]) == ("0.5 of runs", "none: it is an identity")
    assert (second["quote"], second["null"], second["stability"]) == ("", "", "")


@pytest.mark.parametrize("width", [70, 100])
def test_the_terminal_has_the_blocks(judged: list[Verdict], width: int) -> None:
    out = StringIO()
    Console(file=out, width=width).print(verdict_table(fake_study.study(), judged))
    assert BLOCKS in " ".join(out.getvalue().split())


def test_the_head_has_the_level_of_its_rows(tmp_path: Path) -> None:
    first, *others = fake_study.verdicts()
    strict = Estimate(0.5, "bits", Interval(0.4, 0.6, 0.99), trust=Trust.CALIBRATED)
    later = replace(first, effect=strict, control=None, parts={})
    study = fake_study.study()
    assert level_of(entries(study, [later])) == "99 %"
    assert level_of(entries(study, others)) == "95 %"
    assert level_of(entries(study, [later, *others])) == ""
    heads = {
        "Effect [99\u00a0%]": [later],
        "Effect [95\u00a0%]": others,
        "Effect [interval]": [later, *others],
    }
    for head, rows in heads.items():
        assert head in page_of(rows, tmp_path)
