"""Made-up accuracies: the effect of depth apart from learning rates, their grid and unfinished arms."""

from __future__ import annotations

import numpy as np
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
from levinthal.vocabulary import Outcome


def test_depth_that_hurts_sigmoids_alone_is_seen():
    gains = {("book", 2): 0.004, ("book", 4): -0.003}
    rows = list(
        accuracies(lambda start, hidden, width, rate: 0.9 + gains.get((start, hidden), 0) + hump(rate))
    )
    for claim in ("U5", "U5b", "U6", "U6b"):
        assert verdict(claim, rows).outcome is Outcome.REPLICATES
    assert verdict("U6", rows).effect.value == pytest.approx(0.7, abs=0.05)
    assert (
        "Updates run here: 3,570, which is 2.38 % of the 150,000 of the book." in verdict("U6", rows).reasons
    )


@pytest.mark.parametrize("unfinished", [("book", 2), ("orthogonal", 4)])
def test_an_arm_whose_error_still_falls_decides_nothing(unfinished):
    gains = {("book", 2): 0.004, ("book", 4): -0.003}

    def found(images):
        rows = accuracies(
            lambda start, hidden, width, rate: 0.9 + gains.get((start, hidden), 0) + hump(rate),
            images=images,
            falls=lambda *arm: 0.02 if arm == unfinished else 0.0,
        )
        return {name: verdict(name, kept) for kept in [list(rows)] for name in ("U6", "U6b")}

    short = found(1190)
    assert {one.outcome for one in short.values()} == {Outcome.INCONCLUSIVE}
    assert all("its error still falls by a factor of 1.2" in " ".join(one.reasons) for one in short.values())
    # with the book's updates its own accuracies stand, whatever they were before
    assert {one.outcome for one in found(50_000).values()} == {Outcome.REPLICATES}


@pytest.mark.parametrize(("gained", "word"), [(0.006, Outcome.INCONCLUSIVE), (0.001, Outcome.REPLICATES)])
def test_an_arm_that_gains_what_is_asked_for_is_not_finished(gained, word):
    """Four layers are .5 points behind; the error still falls by less than a tenth."""
    rows = list(
        accuracies(
            lambda start, hidden, width, rate: 0.94 - 0.005 * ((start, hidden) == ("book", 4)) + hump(rate),
            falls=lambda *arm: gained if arm == ("book", 4) else 0.0,
        )
    )
    assert {verdict(name, rows).outcome for name in ("U6", "U6b")} == {word}


@pytest.mark.parametrize(
    ("least", "word"),
    [(-0.006, Outcome.DOES_NOT_REPLICATE), (0, Outcome.INCONCLUSIVE), (0.006, Outcome.REPLICATES)],
)
def test_equal_accuracies_between_two_learning_rates_are_no_effect_of_depth(least, word):
    def found(least):
        def share(start, hidden, width, rate):
            if start != "book":
                return 0.9 + hump(rate)
            best = 0.1 if hidden == 2 else 0.173
            return 0.96 - least * (hidden != 2) - 0.06 * np.log10(rate / best) ** 2

        rows = list(accuracies(share))
        return {verdict(name, rows).outcome for name in ("U5b", "U6b")}

    assert found(least) == {word}


@pytest.mark.parametrize("fails", [0.08, 0.9])
def test_a_learning_rate_that_trains_one_depth_no_more_does_not_deny_the_book_s_accuracies(fails):
    """At rate 1 one and four layers fail; the parabola through it leaves their best error without a bound."""
    best = {1: 0.0352, 2: 0.031, 3: 0.0343, 4: 0.0347}

    def share(start, hidden, width, rate):
        if start != "book":
            return 0.97 - 0.01 * abs(np.log10(rate / 0.3))
        above = {0.03: 0.006, 0.1: 0.001, 0.3: 0.0, 1: 0.004}[rate]
        return 1 - (fails if rate == 1 and hidden in (1, 4) else best[hidden] + above)

    rows = Rows.of(accuracies(share, images=50_000))
    found = {name: judge(claim, claim.evidence(rows)) for name, claim in CLAIMS.items()}
    assert {found[name].outcome for name in ("U5b", "U6b")} == {Outcome.INCONCLUSIVE}
    assert "only a finer grid can tell" in " ".join(found["U6b"].reasons)


def test_the_answer_gives_the_bound_of_what_depth_costs():
    def found(loss):
        rows = Rows.of(
            (
                *speeds(VANISHING),
                *accuracies(lambda start, hidden, width, rate: 0.9 - loss * (hidden == 4) + hump(rate)),
            )
        )
        return study.answer({name: judge(claim, claim.evidence(rows)) for name, claim in CLAIMS.items()})

    assert "four layers loses at least 0.5" in found(0.005)
    assert "four layers loses at most 0.1" in found(0.001)
    assert "four layers gains at least 0.5" in found(-0.005)


def test_digits_have_too_few_test_images():
    gains = {("book", 2): 0.004, ("book", 4): -0.003}
    rows = list(accuracies(lambda start, hidden, width, rate: 0.9 + gains.get((start, hidden), 0), pixels=64))
    for claim in ("U5", "U5b", "U6", "U6b"):
        found = verdict(claim, rows)
        assert found.outcome is Outcome.INCONCLUSIVE
        assert "on digits 0.2 points are about one test image" in " ".join(found.reasons)


def test_an_arm_at_chance_decides_nothing():
    rows = accuracies(lambda start, hidden, width, rate: 0.1 if hidden == 4 and start == "book" else 0.9)
    found = verdict("U6", rows)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "its median accuracy is 10%, near chance" in " ".join(found.reasons)


def test_depth_without_an_effect_is_not():
    rows = list(accuracies(lambda start, hidden, width, rate: 0.9 + hump(rate)))
    for claim in ("U5", "U5b", "U6", "U6b"):
        assert verdict(claim, rows).outcome is Outcome.DOES_NOT_REPLICATE


def test_parameters_in_width_that_do_as_much_are_shown_beside_the_second_layer():
    gain = {(1, 42): 0.006, (2, 30): 0.006}
    rows = list(
        accuracies(lambda start, hidden, width, rate: 0.9 + gain.get((hidden, width), 0) + hump(rate))
    )
    assert verdict("U5", rows).outcome is Outcome.REPLICATES
    (rival,) = CLAIMS["U5"].evidence(Rows.of(rows)).rival.values()
    assert np.mean(list(rival.values())) == pytest.approx(0.6, abs=0.05)


def test_a_rate_that_suits_one_depth_is_told_apart_from_depth():
    def share(start, hidden, width, rate):  # four layers want a rate ten times as large
        return 0.9 - 0.02 * abs(np.log10(rate / (0.1 if hidden < 4 else 0.3)))

    rows = list(accuracies(share))
    assert verdict("U6", rows).effect.value == pytest.approx(2 * np.log10(3), abs=0.05)
    assert verdict("U6b", rows).outcome is Outcome.DOES_NOT_REPLICATE


def test_a_best_rate_on_the_edge_decides_nothing():
    rows = accuracies(lambda start, hidden, width, rate: 0.9 - 0.01 * hidden + 0.01 * rate)
    found = verdict("U6b", rows)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "edge" in found.reasons[0]


@pytest.mark.parametrize(
    ("unfinished", "errors"),
    [
        ((1, 2, 3, 4), "none is finished"),
        ((3, 4), "5.0, 5.0 % (one, two alone)"),
        ((), "5.0, 5.0, 5.0, 5.0 %"),
    ],
)
def test_the_title_says_which_depths_are_finished(unfinished, errors):
    rows = accuracies(
        lambda *arm: 0.95 + hump(arm[-1]), falls=lambda start, hidden: 0.1 * (hidden in unfinished)
    )
    (figure,) = study.figures(Rows.of(rows))
    words = f"{errors} at the book's learning rate; {errors} at the best"
    assert figure.title == f"Test error of 1 to 4 hidden layers: {words}"
