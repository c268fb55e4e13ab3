"""Simulated rows: what is planted is seen, and what is not there is not."""

from __future__ import annotations

import numpy as np
import pytest
from tests.simulated_saturation import CLAIMS, RATES, STEPS, nothing, paper, simulated, verdicts

from levinthal.lab import Rows
from levinthal.studies.trainability.last_layer_saturation import study
from levinthal.studies.trainability.last_layer_saturation.claims.readings import (
    fall,
    lag,
    rise,
    saturated_lag,
    saturates,
    stays,
)
from levinthal.vocabulary import Estimate, Measurement, Outcome, Row

SEEN = (Outcome.REPLICATES, Outcome.PARTIALLY)


def test_what_the_paper_says_is_seen():
    found = verdicts(paper())
    assert found["L2"].effect.value == pytest.approx(0.3 * 0.8**2 - 0.3 * 0.1**2, abs=0.002)
    assert {found.pop(name).outcome for name in ("L1b", "L2", "L8")} == {Outcome.REPORTED}
    assert {one.outcome for one in found.values()} == {Outcome.REPLICATES}
    assert found["L1"].effect.value == pytest.approx(0.45, abs=0.01)
    assert "Of the control's four layers 0 saturate" in " ".join(found["L5"].reasons)
    assert found["L5"].effect.value == pytest.approx(np.log2(300) / 3, abs=0.01)
    assert found["L3"].effect.value == pytest.approx(1, abs=0.1)  # noise of .001, of .02
    assert found["L6"].effect.value == pytest.approx(1 + 2 * np.log2(0.98), abs=0.02)
    assert found["L7"].effect.value == pytest.approx(1 - 0.03 / 0.15, abs=0.02)
    assert "falls from 0.5 to 0.05" in study.answer(verdicts(paper()))
    assert "0.83 normalised and 0.49 standard" in " ".join(found["L7"].reasons)


def test_where_there_is_nothing_nothing_is_seen():
    found = verdicts(nothing())
    assert all(found[name].outcome not in SEEN for name in CLAIMS)
    assert all(found[f"L{n}"].outcome is Outcome.DOES_NOT_REPLICATE for n in (1, 4, 7))
    # no layer ever saturates, and all initialisations preserve the variance: nothing to say
    assert all(found[f"L{n}"].outcome is Outcome.INCONCLUSIVE for n in (3, 5, 6))


def test_a_layer_that_still_falls_when_the_run_ends_decides_nothing():
    def mean(start, hidden, labels, layer, step):
        return 0.5 if layer < hidden else 0.5 - 0.4 * step / STEPS[-1]

    rows = simulated(mean, lambda *_: 0.5, lambda *_: 0.05, lambda *_: 0.3, lambda _: 0.8)
    found = verdicts(rows)
    assert found["L2"].effect is None
    assert found["L3"].outcome is Outcome.INCONCLUSIVE


def test_a_layer_that_never_saturates_cannot_leave_saturation():
    def mean(start, hidden, labels, layer, step):
        true = {0: 0.5, 10: 0.5, 100: 0.43, 1000: 0.43, 2000: 0.53, 3000: 0.53}[step]
        return true if (layer, labels) == (hidden, "true") else 0.5

    def error(unit, start, rate):
        return 0.04 + 0.05 * abs(np.log10(rate / 0.1))

    rows = list(simulated(mean, lambda *_: 0.5, error, lambda *_: 0.3, lambda _: 0.8))
    assert verdicts(rows)["L2"].effect is None
    assert verdicts(rows)["L3"].outcome is Outcome.INCONCLUSIVE


def test_networks_that_no_rate_trains_decide_nothing():
    def error(unit, start, rate):
        return 0.9 if unit == "sigmoid" else 0.04 + 0.05 * abs(np.log10(rate / 0.1))

    rows = simulated(lambda *_: 0.05, lambda *_: 0.5, error, lambda *_: 0.3, lambda _: 0.8)
    found = verdicts(rows)
    assert {found[name].outcome for name in ("L1", "L3", "L4")} == {Outcome.INCONCLUSIVE}
    assert "No learning rate of the grid trains 4 hidden layers of sigmoid" in " ".join(found["L1"].reasons)
    assert found["L1b"].effect.value == pytest.approx(0.45, abs=0.01)


def test_five_layers_that_desaturate_as_four_do_are_seen():
    def mean(start, hidden, labels, layer, step):
        if layer < hidden or step < 10 or start == "normalised_uniform":
            return 0.5
        return 0.4 if step >= 2000 else 0.05

    def error(unit, start, rate):
        return 0.04 + 0.05 * abs(np.log10(rate / 0.1))

    rows = simulated(mean, lambda *_: 0.5, error, lambda *_: 0.3, lambda _: 0.8)
    assert verdicts(rows)["L3"].outcome is Outcome.DOES_NOT_REPLICATE


def test_a_training_too_short_for_four_layers_says_nothing_of_five():
    def mean(start, hidden, labels, layer, step):
        return 0.5 if layer < hidden or step < 10 else 0.05

    def error(unit, start, rate):
        return 0.04 + 0.05 * abs(np.log10(rate / 0.1))

    rows = simulated(mean, lambda *_: 0.5, error, lambda *_: 0.3, lambda _: 0.8)
    assert verdicts(rows)["L3"].outcome is Outcome.INCONCLUSIVE


def test_a_best_rate_on_the_edge_decides_nothing():
    rows = simulated(
        lambda *_: 0.5,
        lambda *_: 0.5,
        lambda unit, start, rate: 0.1 - 0.1 * rate,
        lambda *_: 0.3,
        lambda _: 0.8,
    )
    found = verdicts(rows)
    assert found["L1"].outcome is Outcome.INCONCLUSIVE
    assert "on the edge of the grid" in " ".join(found["L8"].reasons)


def test_when_a_layer_saturates():
    steps = np.array([0, 5, 50])
    assert saturates((steps, np.array([0.2, 0.95, 0.5]))) == 5
    assert saturates((steps, np.array([0.95, 0.95, 0.95]))) == 1
    assert saturates((steps, np.array([0.2, 0.3, 0.5]))) == 100


def test_fall_rise_and_lag_of_one_trace():
    cell = {"steps": 2000}
    means = {0: 0.6, 100: 0.2, 1600: 0.1, 2000: 0.3}
    rows = [Row(cell, Measurement("mean", Estimate.exact(v), 3, s, "4")) for s, v in means.items()]
    rows += [Row(cell, Measurement("image_sd", Estimate.exact(v / 2), 3, s, "4")) for s, v in means.items()]
    for layer, first in (("1", 100), ("4", 1600)):
        levels = ((s, 0.95 if s >= first else 0.1) for s in means)
        rows += [Row(cell, Measurement("p98", Estimate.exact(v), 3, s, layer)) for s, v in levels]
    assert fall(Rows.of(rows), 4) == {3: pytest.approx(0.3)}
    assert rise(Rows.of(rows), 4) == {3: pytest.approx(0.05 - 0.1)}  # (.05, .15) less (.1, .05)
    assert lag(Rows.of(rows)) == {3: pytest.approx(4)}
    never = [Row(cell, Measurement("p98", Estimate.exact(0.1), 3, s, n)) for s in means for n in ("1", "4")]
    assert lag(Rows.of(never)) == {3: 0}
    assert np.isnan(saturated_lag(Rows.of(never), 4, 1)[3])
    assert np.isnan(stays(Rows.of(rows), 4)[3])  # it falls to 0.2 within 1,500 updates: not saturated


def test_a_study_without_rows_says_so():
    found = verdicts([])
    assert {one.outcome for one in found.values()} == {Outcome.INCONCLUSIVE}
    assert study.answer(found) == "No runs yet."
    assert list(study.figures(Rows.of([]))) == []


def test_figures_say_what_the_rows_hold():
    figures = {figure.id: figure for figure in study.figures(Rows.of(paper()))}
    assert set(figures) == {"sigmoid-means", "sigmoid-spreads", "tanh-levels", "spread", "errors"}
    means = figures["sigmoid-means"]
    assert "falls to 0.05 within 1,500 updates" in means.title
    assert len(means.panels) == len(RATES) + 3
    assert means.panels[0].series[3].y[-1] == pytest.approx(0.4, abs=0.01)
    assert "0.58 (standard initialisation)" in figures["spread"].title
    assert "300.0 times as late (standard initialisation)" in figures["tanh-levels"].title
    assert figures["errors"].panels[1].title == "tanh"


def test_captions_count_the_seeds_that_are_drawn():
    """Networks that are not trained have 32 draws, which no figure of training shows."""
    rows = list(paper())
    more = {"activation": "tanh", "start": "orthogonal", "hidden": 4, "labels": "true", "steps": 0}
    draws = [
        Row(more, Measurement("p98", Estimate.exact(0.5), seed, 0, "1", "rate=0.1")) for seed in range(32)
    ]
    captions = {figure.id: figure.caption for figure in study.figures(Rows.of(rows + draws))}
    assert all("over up to 20 seeds" in captions[name] for name in ("sigmoid-means", "errors"))
    assert all("over 20 seeds" in captions[name] for name in ("sigmoid-spreads", "tanh-levels"))
