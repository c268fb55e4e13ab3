"""Each verdict is explained in words, and what keeps a claim open is said once."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from levinthal.lab.judging.verdicts import judge
from levinthal.lab.storage.rows import Rows
from levinthal.report.explained import MEANINGS, reasons, ruling, settles
from levinthal.report.page import write_report
from levinthal.report.terminal import verdict_table
from levinthal.vocabulary import Claim, Evidence, Outcome, Study, Verdict

CLAIM = Claim(
    "X", "It rises.", "a book", "rise", "bits", 1.0, "", lambda rows: Evidence({}), why_no_control="none"
)
OPEN = {seed: (-1.0) ** seed * 2 + 0.5 for seed in range(8)}
BEYOND_ZERO = {seed: 0.9 + 0.1 * (-1.0) ** seed * (1 + seed) for seed in range(8)}


def verdict(effects: dict[int, float], **change: object) -> Verdict:
    claim = replace(CLAIM, **change)  # type: ignore[arg-type]
    return judge(claim, Evidence({"": effects}))


def shown(verdicts: list[Verdict]) -> str:
    claims = tuple(v.claim for v in verdicts)
    nothing = {"measure": lambda *_: (), "figures": lambda _: (), "answer": lambda _: "Open."}
    study = Study("s", "c", "?", "a book", 1, {}, claims=claims, **nothing)  # type: ignore[arg-type]
    file = io.StringIO()
    Console(file=file, width=100).print(verdict_table(study, verdicts))
    return " ".join(file.getvalue().split())


def test_every_outcome_has_a_meaning() -> None:
    assert set(MEANINGS) == set(map(str, Outcome))


def test_the_seeds_that_would_settle_a_claim_are_said_once() -> None:
    found = verdict(OPEN)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert settles(found) == f"about {found.seeds_needed} seeds would settle it"
    assert not [reason for reason in reasons(found) if "would settle it" in reason]
    assert ruling(found) == "The interval holds both zero and 1, the smallest effect size."
    assert shown([found]).count("would settle it") == 1


def test_a_claim_that_more_seeds_cannot_settle_says_why_once() -> None:
    found = verdict({**OPEN, **dict.fromkeys(range(8, 20), math.nan)})
    assert settles(found) == "more seeds like these cannot settle it: more seeds failed than have an effect"
    assert shown([found]).count("More seeds like these cannot settle it") == 1


def test_claims_that_are_open_for_one_reason_share_its_line() -> None:
    few = [verdict({0: 1.0, 1: 2.0}, id=name) for name in ("X", "Y")]
    text = shown([*few, verdict(OPEN, id="Z")])
    assert "X, Y: Too few seeds to decide: 2, and 5 are the fewest that can." in text
    assert text.count("Too few seeds to decide") == 1


def test_partially_says_what_it_lies_beyond_and_what_not() -> None:
    found = verdict(BEYOND_ZERO)
    assert found.outcome is Outcome.PARTIALLY
    line = "It lies beyond zero, but not surely beyond 1, the smallest effect size."
    assert reasons(found)[0] == ruling(found) == line
    text = shown([found])
    assert line in text
    assert f"partially: {MEANINGS['partially']}." in text
    assert "replicates:" not in text, "words that do not occur are not explained"


def test_the_page_explains_the_words_that_occur(
    study: Study, verdicts: list[Verdict], tmp_path: Path
) -> None:
    path = write_report(study, "quick", Rows.of([]), verdicts, {}, tmp_path / "page.html")
    for word in {str(v.outcome) for v in verdicts}:
        assert f"<dt>{word}</dt><dd>{MEANINGS[word]}</dd>" in path.read_text()
    assert path.read_text().count("44 seeds would settle it") == 1
