"""`levinthal bound` in each of its uses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Call

COUNTS = ("bound", "--errors", "250", "--samples", "10000")


def test_counts_answer_in_a_sentence_a_table_and_a_page(call: Call, here: Path) -> None:
    said = call(*COUNTS, "--models-tried", "1000000000", "--output", "bound.html")
    assert said.code == 0
    assert said.out.startswith(
        "True error at most 3.653 % with 95 % confidence, even after choosing among a billion"
    )
    assert "Clopper-Pearson                      3.653 %" in said.out
    assert said.out.endswith("Page: bound.html\n")
    assert "choosing among a billion models" in (here / "bound.html").read_text()


def test_a_file_answers_and_says_what_was_read(call: Call, here: Path) -> None:
    (here / "rows.csv").write_text("doc,prediction,label\na,1,1\na,0,1\nb,2,2\nc,0,0\n")
    said = call("bound", "rows.csv", "--clusters", "doc")
    assert said.code == 0
    assert said.out.startswith("True mean loss, averaged within each cluster, at most")
    assert said.out.endswith("Read: 'prediction' and 'label' of rows.csv.\n")
    printed = json.loads(call("bound", "rows.csv", "--json").out)
    assert (printed["samples"], printed["measured"], printed["read"]) == (
        4,
        0.25,
        "'prediction' and 'label' of rows.csv",
    )


def test_rows_that_are_needed(call: Call) -> None:
    assert (
        "38,612 rows put both ends of an interval within +-0.5 points"
        in call("bound", "--within", ".005").out
    )
    assert call("bound", "--within", ".4999").code == 0
    assert "of 100 %" in call("bound", "--within", ".05", "--errors", "10", "--samples", "10").out
    said = call(*COUNTS, "--within", "0.005", "--json")
    assert json.loads(said.out)["samples_needed"] == 3238


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "nothing was measured: give a file, or --errors and --samples, or --within"),
        (("--errors", "5"), "give --samples too"),
        (("--errors", "5", "--samples", "3"), "errors=5 are more than samples=3"),
        (("--errors", "1.5", "--samples", "3"), "--errors: '1.5' is not a whole number"),
        (
            ("--errors", "1", "--samples", "3", "--delta", "0"),
            "--delta is 0: give a share above 0",
        ),
        (("--errors", "1", "--samples", "3", "--delta", "x"), "--delta: 'x' is not a share"),
        (
            ("--errors", "1", "--samples", "3", "--bits-seen", "301"),
            "--bits-seen is 301: give a number",
        ),
        (("--losses", "x"), "--losses names a column, and no file is given"),
        (("rows.csv", "--errors", "3"), "--errors was given beside rows.csv"),
        (("rows.csv", "--weights", "w"), "--weights: weights make rows that are no draws"),
        (("rows.csv",), "rows.csv is not there: name a file of outcomes"),
        (("--within", "0.1", "--output", "b.html"), "--output writes a page of a limit: give one of them"),
        (("--within", "0.1", "--anytime"), "limit of an error rate: leave out --anytime"),
        (("--within", "0.1", "--delta", "0.9"), "delta=0.9"),
        (("--within", "0.1", "--models-tried", f"1{'0' * 350}"), "models_tried=about 10**350"),
        (("--errors", "8", "--samples", "10", "--delta", "1e-300"), "delta=1e-300"),
    ],
)
def test_misuse_is_one_line_and_ends_with_2(call: Call, words: tuple[str, ...], line: str) -> None:
    said = call("bound", *words)
    assert said.code == 2
    assert line in said.err
    assert len(said.err.splitlines()) == 1
    assert said.out == ""
