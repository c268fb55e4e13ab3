"""Simulated rows: what is planted is seen, and what is not there is not."""

from __future__ import annotations

import pytest
from tests.studies.trainability.unstable_gradient.made_up import (
    CLAIMS,
    VANISHING,
    accuracies,
    hump,
    speeds,
    verdict,
)

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.trainability.unstable_gradient import study
from levinthal.studies.trainability.unstable_gradient.design import NORMS, TERMS
from levinthal.vocabulary import Estimate, Measurement, Outcome, Row


def test_vanishing_speeds_are_seen():
    rows = list(speeds(VANISHING))
    for claim, lowest in (("U1", 0.65), ("U3", 0.58)):  # of 18 epochs and 3 depths, noise .03
        found = verdict(claim, rows)
        assert found.outcome is Outcome.REPLICATES
        assert found.effect.value == pytest.approx(lowest, abs=0.02)
    assert verdict("U2", rows).outcome is Outcome.WEAKER
    assert verdict("U4", rows).outcome is Outcome.REPLICATES


def test_a_single_epoch_of_equal_speeds_ends_throughout():
    found = verdict("U3", speeds(VANISHING, dip=100))
    assert found.outcome is Outcome.WEAKER
    assert "at epoch 100 with 3 hidden layers" in " ".join(found.reasons)


def test_the_network_of_the_quote_that_is_hardly_slower_is_enough_against_throughout():
    assert verdict("U3", speeds(VANISHING | {"book": 0.5}, two=0.114)).outcome is not Outcome.REPLICATES
    assert verdict("U3", speeds(VANISHING | {"book": 0.7}, two=0.6)).outcome is Outcome.REPLICATES


def test_the_share_of_small_terms_is_reported_and_never_judged():
    cell = {"read": "terms", "start": "unit", "hidden": 4}
    rows = [Row(cell, Measurement(TERMS, Estimate.exact(0.81 + s / 1000), s)) for s in range(8)]
    found = verdict("U8", rows)
    assert found.outcome is Outcome.REPORTED
    assert found.effect.value == pytest.approx(0.81, abs=0.01)


def test_equal_speeds_are_not_taken_for_vanishing():
    rows = list(speeds(dict.fromkeys(VANISHING, 0.0)))
    for claim in ("U1", "U2", "U3", "U4"):
        assert verdict(claim, rows).outcome is Outcome.DOES_NOT_REPLICATE


def test_a_control_that_vanishes_too_leaves_nothing_proved():
    rows = list(speeds(dict.fromkeys(VANISHING, 0.65)))
    assert verdict("U1", rows).outcome is Outcome.INCONCLUSIVE


def test_other_norms_than_the_books_are_told_apart():
    assert verdict("U4", speeds(VANISHING, times=3)).outcome is Outcome.DOES_NOT_REPLICATE
    elsewhere = verdict("U4", speeds(VANISHING, pixels=64))
    assert elsewhere.outcome is Outcome.INCONCLUSIVE
    assert "only a preset on MNIST" in " ".join(elsewhere.reasons)


def test_a_study_without_rows_says_so():
    rows = Rows.of([])
    found = {name: judge(claim, claim.evidence(rows)) for name, claim in CLAIMS.items()}
    assert {one.outcome for one in found.values()} == {Outcome.INCONCLUSIVE}
    assert study.answer(found) == "No runs yet."
    assert list(study.figures(rows)) == []


def test_figures_say_what_the_rows_hold():
    gains = {("book", 2): 0.004, ("book", 4): -0.003}
    share = accuracies(lambda start, hidden, width, rate: 0.9 + gains.get((start, hidden), 0) + hump(rate))
    figures = {figure.id: figure for figure in study.figures(Rows.of([*speeds(VANISHING), *share]))}
    assert set(figures) == {"start", "speeds", "ratios", "published", "accuracy"}
    assert "96 times less gradient" in figures["start"].title
    four = figures["start"].panels[-1].series
    assert four[-1].role == "reference"
    assert four[-1].y == NORMS[4]
    assert four[0].x == ("1", "2", "3", "4")
    assert four[0].y[-1] / four[0].y[0] == pytest.approx(10**1.95, rel=0.1)
    depth = figures["accuracy"].panels[0].series[0]
    assert depth.y == pytest.approx([10, 9.6, 10, 10.3], abs=0.05)
