from __future__ import annotations

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from levinthal.report.verdicts import (
    HIGH,
    LOW,
    UNJUDGED,
    answer,
    entries,
    glyph,
    rival_and_failed,
    share,
    tally,
    whisker,
)
from levinthal.vocabulary import Estimate, Interval, Outcome, Study, Trust, Verdict


def test_zero_and_one_lie_where_the_page_marks_them() -> None:
    assert share(0.0) == -LOW / (HIGH - LOW)
    assert share(1.0) == pytest.approx(share(0.0) + 1 / (HIGH - LOW))


def test_a_whisker_is_in_multiples_of_the_smallest_effect() -> None:
    placed = whisker(Estimate(0.4, "bits", Interval(0.2, 0.6), trust=Trust.EXACT), 0.2)
    assert placed is not None
    assert (placed.dot, placed.low, placed.high) == pytest.approx((share(2), share(1), share(3)))
    assert not placed.cut_low
    assert not placed.cut_high


def test_what_runs_off_the_axis_is_cut_and_says_so() -> None:
    beyond = whisker(Estimate(9.0, "", Interval(8.0, 10.0), trust=Trust.EXACT), 1.0)
    assert beyond is not None
    assert beyond.dot is None
    assert beyond.cut_high
    assert not beyond.cut_low
    wide = whisker(Estimate(1.0, "", Interval(-math.inf, math.inf), trust=Trust.EXACT), 1.0)
    assert wide is not None
    assert (wide.low, wide.high) == (0, 1)
    assert wide.cut_low
    assert wide.cut_high


def test_no_whisker_without_a_size_or_a_number() -> None:
    assert whisker(Estimate.exact(1.0), None) is None
    assert whisker(Estimate.exact(math.nan), 0.1) is None
    assert whisker(Estimate.exact(1.0), 0.1) is not None


@given(st.floats(-100, 100), st.floats(0, 50), st.floats(0.01, 10))
def test_whiskers_stay_on_the_axis(value: float, half: float, smallest: float) -> None:
    placed = whisker(Estimate(value, "", Interval(value - half, value + half), trust=Trust.EXACT), smallest)
    assert placed is not None
    assert 0 <= placed.low <= placed.high <= 1
    assert placed.dot is None or placed.low <= placed.dot <= placed.high
    assert placed.dot is not None or placed.cut_low or placed.cut_high


def test_every_claim_has_a_row_in_the_studys_order(study: Study, verdicts: list[Verdict]) -> None:
    rows = entries(study, list(reversed(verdicts)))
    assert [row.claim.id for row in rows] == [f"C{i}" for i in range(1, 14)]
    assert [row.label for row in rows] == [str(v.outcome) for v in verdicts]


def test_a_claim_without_a_verdict_says_so(study: Study, verdicts: list[Verdict]) -> None:
    rows = entries(study, verdicts[:3])
    assert [row.label for row in rows[3:]] == [UNJUDGED] * 10
    assert rows[5].effect is None
    assert rows[5].seeds == 0


def test_seeds_that_would_settle_it(study: Study, verdicts: list[Verdict]) -> None:
    by_id = {row.claim.id: row for row in entries(study, verdicts)}
    assert by_id["C7"].settles == "about 44 seeds would settle it"
    assert by_id["C1"].settles == ""


def test_reasons_of_the_verdict_come_before_those_of_the_estimate(
    study: Study, verdicts: list[Verdict]
) -> None:
    first = entries(study, verdicts)[0]
    assert first.reasons[0].startswith("the whole interval")
    assert "its ceiling" in first.reasons[1]


def test_the_tally_counts_in_the_order_of_outcomes(study: Study, verdicts: list[Verdict]) -> None:
    counted = tally(entries(study, verdicts))
    assert counted == [
        ("replicates", "replicates", 5),
        ("partially", "partially", 2),
        ("weaker-than-claimed", "weaker than claimed", 1),
        ("does-not-replicate", "does not replicate", 2),
        ("inconclusive", "inconclusive", 2),
        ("reported", "reported", 1),
    ]


def test_the_answer_is_the_studys_own(study: Study, verdicts: list[Verdict]) -> None:
    assert answer(study, verdicts) == "Faster, yes: 3.3 times at 10 % error. Because of information, no."


def test_every_outcome_has_a_shape_of_its_own() -> None:
    assert len({glyph(word) for word in Outcome}) == len(Outcome)


def test_no_verdicts_no_answer(study: Study) -> None:
    assert answer(study, []) == "No answer yet: no claim has been judged."


def test_an_answer_that_fails_is_a_line(study: Study, verdicts: list[Verdict]) -> None:
    broken = dataclasses.replace(study, answer=lambda found: found["C99"].outcome)
    said = "No answer: the study's own answer failed: KeyError: 'C99' (test_verdicts.py:"
    assert answer(broken, verdicts).startswith(said)


def test_every_outcome_has_a_style(study: Study, verdicts: list[Verdict]) -> None:
    assert {row.slug for row in entries(study, verdicts)} == {str(o).replace(" ", "-") for o in Outcome}


def test_zero_of_the_axis_is_the_null_value() -> None:
    placed = whisker(Estimate(0.7, "", Interval(0.5, 0.9), trust=Trust.EXACT), 0.7, 0.5)
    assert placed is not None
    assert (placed.dot, placed.low, placed.high) == pytest.approx((share(1), share(0), share(2)))
    assert whisker(Estimate.exact(0.7), 0.5, 0.5) is None


def test_a_rival_and_failed_seeds_stand_beside_the_effect(study: Study, verdicts: list[Verdict]) -> None:
    rival = Estimate(0.5, "bits", Interval(0.4, 0.6), trust=Trust.CALIBRATED)
    failed = Estimate(0.375, "of seeds", Interval(0.0852, 0.7551), trust=Trust.CALIBRATED)
    both = dataclasses.replace(verdicts[0], rival=rival, failed=failed)
    assert rival_and_failed(entries(study, [both])[0]) == (
        "rival treatment: 0.50 [0.40, 0.60] bits; failed: 38 % [8.5 %, 76 %] of seeds"
    )
    assert rival_and_failed(entries(study, verdicts)[0]) == ""
    assert "<br><small>rival: 0.5 bits [0.4, 0.6] (calibrated)</small>" in both._repr_html_()
    assert "<br><small>failed: 0.375 of seeds" in both._repr_html_()


def test_an_interval_of_another_level_says_so(study: Study, verdicts: list[Verdict]) -> None:
    later = Estimate(0.5, "bits", Interval(0.4, 0.6, 0.99), trust=Trust.CALIBRATED)
    shown = entries(study, [dataclasses.replace(verdicts[0], effect=later)])[0].effect
    assert shown is not None
    assert shown.interval == "[0.40, 0.60] bits (99 %)"
