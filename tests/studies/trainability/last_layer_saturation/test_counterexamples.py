"""Made-up networks in which a sentence of the paper is false: the claim does not hold."""

from __future__ import annotations

import numpy as np
import pytest
from tests.simulated_saturation import CLAIMS, STEPS, verdict

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.trainability.last_layer_saturation.claims.readings import saturated_lag, stays
from levinthal.vocabulary import Estimate, Measurement, Outcome, Row

HELD = (Outcome.REPLICATES, Outcome.PARTIALLY)


def test_a_lower_layer_that_falls_as_far_denies_that_the_top_one_does_alone():
    def mean(start, hidden, labels, layer, step):
        return 0.05 if layer in (2, hidden) and step >= 10 else 0.5

    found = verdict("L1", mean=mean)
    assert found.outcome not in HELD
    assert found.control.value == pytest.approx(0.45, abs=0.01)


def test_a_dip_at_one_reading_is_no_saturation():
    def mean(start, hidden, labels, layer, step):
        return 0.05 if (layer, labels, step) == (hidden, "true", 10) else 0.5

    assert verdict("L1", mean=mean).outcome is Outcome.DOES_NOT_REPLICATE
    assert verdict("L2", mean=mean).effect is None


def saturated(until, after):
    """A top layer that is near 0 with true labels, and `after(hidden)` from an update on."""

    def mean(start, hidden, labels, layer, step):
        if layer < hidden or step < 10:
            return 0.5
        return after(hidden) if labels == "true" and step >= until else 0.02

    return mean


def rise_of(until, after):
    """What L2 reports of `saturated(until, after)`."""
    return verdict("L2", mean=saturated(until, after)).effect.value


def test_the_last_reading_alone_is_no_desaturation():
    assert rise_of(3000, lambda _: 0.4) == pytest.approx(0, abs=0.002)
    assert rise_of(2000, lambda _: 0.4) == pytest.approx(0.3 * 0.8**2, abs=0.002)


def sparse(escapes):
    """A top layer near 0 that ends with a mean of .11 and a spread of .15 in networks of such depths."""

    def learnt(hidden, labels, step):
        return hidden in escapes and labels == "true" and step >= 2000

    def mean(start, hidden, labels, layer, step):
        if layer < hidden or step < 10:
            return 0.5
        return 0.11 if learnt(hidden, labels, step) else 0.01

    def sd(unit, start, hidden, labels, layer, step):
        if layer < hidden or step < 10 or unit != "sigmoid":
            return 0.3
        return 0.15 if learnt(hidden, labels, step) else 0.0005

    return {"mean": mean, "sd": sd}


def test_a_layer_of_few_active_units_has_left_saturation():
    assert verdict("L2", **sparse({4, 5})).effect.value == pytest.approx(0.15, abs=0.005)
    assert verdict("L3", **sparse({4, 5})).outcome is Outcome.DOES_NOT_REPLICATE
    assert verdict("L3", **sparse({4})).outcome is Outcome.REPLICATES
    assert verdict("L3", **sparse({5})).outcome is Outcome.INCONCLUSIVE


def test_jitter_without_a_trend_is_no_desaturation(monkeypatch):
    steps = np.unique(np.round(np.expm1(np.linspace(0, np.log1p(3000), 24))).astype(int)).tolist()
    monkeypatch.setattr("tests.simulated_saturation.STEPS", tuple(steps))
    draw = np.random.default_rng(1)

    def mean(start, hidden, labels, layer, step):
        return 0.5 if layer < hidden or step < 10 else 0.02

    def sd(unit, start, hidden, labels, layer, step):
        return 0.3 if layer < hidden or step < 10 or unit != "sigmoid" else draw.uniform(0, 0.01)

    found = verdict("L2", mean=mean, sd=sd)
    assert abs(found.effect.value) < 0.003  # the last reading less the lowest would be .005


def test_seeds_that_rise_far_do_not_count_for_those_that_do_not_rise():
    """The spread of 9 of 20 seeds does not rise, that of 11 rises by .4: 9 of 20 stay."""
    rows = []
    for seed in range(20):
        risen = 0.4 if seed >= 9 else 0.0
        for step, low in zip(STEPS, (False, True, True, True, False, False), strict=True):
            for name, number in (
                ("mean", 0.02 if low else 0.1),
                ("image_sd", 0.001 if low else 0.001 + risen),
            ):
                value = Estimate.exact(0.5 if step == 0 else number)
                rows.append(Row({"steps": 3000}, Measurement(name, value, seed, step, "4")))
    found = stays(Rows.of(rows), 4)
    assert np.mean(list(found.values())) == pytest.approx(9 / 20, abs=0.001)


def test_five_layers_that_stay_say_nothing_beside_four_that_rise_little():
    mean = saturated(2000, lambda hidden: 0.10 if hidden == 4 else 0.03)
    found = verdict("L3", mean=mean)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "five layers cannot be compared" in " ".join(found.reasons)
    assert verdict("L2", mean=mean).effect.value < 0.05
    whole = saturated(2000, lambda hidden: 0.30 if hidden == 4 else 0.03)
    assert verdict("L3", mean=whole).outcome is Outcome.REPLICATES


def test_equal_errors_between_two_learning_rates_are_no_gain():
    between = {"fan_in_uniform": 0.173, "normalised_uniform": 0.1}

    def error(unit, start, rate):
        return 0.04 * 2 ** (3 * np.log10(rate / between[start]) ** 2)

    found = verdict("L8", error=error)
    assert found.effect.value == pytest.approx(0.16, abs=0.03)
    assert found.outcome is Outcome.REPORTED


def test_an_arm_that_diverges_just_below_a_learning_rate_of_the_grid_is_no_gain(monkeypatch):
    """One error law, with 0.02 log2 ratio between the best of a fine grid: no size can be judged."""
    monkeypatch.setattr("tests.simulated_saturation.RATES", (0.01, 0.03, 0.1, 0.3, 1))
    stable = {"fan_in_uniform": 0.28, "normalised_uniform": 0.32}

    def error(unit, start, rate):
        return 0.9 if rate > stable[start] else 0.02 * (rate / 0.3) ** -0.4

    found = verdict("L8", error=error)
    assert found.effect.value == pytest.approx(0.4 * np.log2(3), abs=0.05)
    assert found.outcome is Outcome.REPORTED


def test_a_fall_that_the_learning_rate_alone_decides_is_not_put_down_to_the_initialisation():
    """Each initialisation trains best at another learning rate, and the top layer falls with the rate."""
    best = {"fan_in_uniform": 0.3, "normalised_uniform": 0.03}
    below = {0.01: 0.05, 0.03: 0.1, 0.3: 0.45, 1: 0.48}
    rates = (0.01, 0.03, 0.1, 0.3, 1)
    draw = np.random.default_rng(0)
    rows = []
    for start, rate in best.items():
        cell = {"activation": "sigmoid", "start": start, "hidden": 4, "labels": "true", "steps": 3000}
        for seed in range(8):
            for one in rates:
                low = 0.5 - below.get(one, 0.3) + draw.normal(0, 1e-3)
                words = f"rate={one:g}"
                for step, mean in ((0, 0.5), (100, low), (3000, low)):
                    for layer in ("3", "4"):
                        value = Estimate.exact(mean if layer == "4" else 0.5)
                        rows.append(Row(cell, Measurement("mean", value, seed, step, layer, words)))
                error = Estimate.exact(0.04 + 0.05 * abs(np.log10(one / rate)))
                rows.append(Row(cell, Measurement("error", error, seed, 3000, "", words)))
    found = judge(CLAIMS["L4"], CLAIMS["L4"].evidence(Rows.of(rows)))
    assert found.outcome is Outcome.DOES_NOT_REPLICATE
    assert [part.value for part in found.parts.values()] == pytest.approx([0, 0], abs=2e-3)


def saturating(when):
    """Levels of tanh, standard initialisation: layer l is beyond 0.9 from update when[l] on."""

    def level(start, layer, step):
        return 0.95 if start == "fan_in_uniform" and step >= when.get(layer, np.inf) else 0.5

    return level


def test_layers_that_saturate_in_another_order_are_not_taken_for_one_after_another():
    found = verdict("L5", level=saturating({1: 10, 4: 100, 2: 3000, 3: 3000}))
    assert found.outcome is not Outcome.REPLICATES
    assert found.parts["layer 4 over 3"].value < 0
    whole = verdict("L5", level=saturating({1: 10, 2: 100, 3: 1000, 4: 3000}))
    assert whole.outcome is Outcome.REPLICATES


def test_a_layer_of_the_control_that_never_saturates_shows_no_order():
    """Its time would be a bound, and the condition would be excluded for an order that nobody saw."""
    when = {1: 10, 2: 100, 3: 1000, 4: 3000}

    def level(start, layer, step):
        return 0.95 if step >= when.get(layer, np.inf) and (start == "fan_in_uniform" or layer == 1) else 0.5

    found = verdict("L5", level=level)
    assert found.outcome is Outcome.REPLICATES
    assert found.control.value == 0
    same = verdict("L5", level=lambda start, layer, step: level("fan_in_uniform", layer, step))
    assert same.outcome is Outcome.INCONCLUSIVE  # a control that shows the order still counts


def test_a_layer_of_the_control_beyond_the_level_before_training_shows_no_order():
    """Layer 2 had a lag behind layer 1, counted from the first update, and the condition was excluded."""

    def level(start, layer, step):
        if start == "normalised_uniform":
            return 0.95 if layer == 1 or step >= 100 else 0.5
        return 0.95 if step >= (10, 100, 1000, 3000)[min(layer, 4) - 1] else 0.5

    found = verdict("L5", level=level)
    assert found.control.value == 0
    assert found.outcome is Outcome.REPLICATES
    assert not any("excluded" in reason for reason in found.reasons)


@pytest.mark.parametrize("when", [{1: 10}, {1: 10, 2: 100, 3: 1000}, {1: 0}, {1: 0, 2: 10, 3: 100, 4: 1000}])
def test_a_layer_that_never_saturates_or_does_before_training_shows_no_order(when):
    assert verdict("L5", level=saturating(when)).outcome is Outcome.INCONCLUSIVE


def test_a_layer_beyond_its_level_before_training_has_no_lag():
    levels = {"1": (0.95, 0.95, 0.95), "2": (0.1, 0.1, 0.95), "3": (0.1, 0.95, 0.95)}
    rows = Rows.of(
        Row({"steps": 100}, Measurement("p98", Estimate.exact(level), 0, step, layer))
        for layer, trace in levels.items()
        for step, level in zip((0, 10, 100), trace, strict=True)
    )
    assert np.isnan(saturated_lag(rows, 2, 1)[0])
    assert saturated_lag(rows, 3, 2)[0] == pytest.approx(-np.log2(10))


def test_a_variance_that_rises_and_falls_is_not_preserved():
    by_layer = {1: 0.4, 2: 0.8, 3: 0.2, 4: 0.4, 5: 0.4}

    def spread(start, layer):
        return by_layer[layer] if start == "normalised_uniform" else 0.4 * 0.577**layer

    found = verdict("L6", spread=spread)
    assert found.outcome is Outcome.DOES_NOT_REPLICATE
    assert found.effect.value == pytest.approx(1 - (2 + 4 + 2) / 3, abs=0.03)


def test_one_singular_value_that_is_far_from_the_paper_s_is_enough_against_it():
    values = {"fan_in_uniform": 0.5, "normalised_uniform": 0.66, "orthogonal": 0.97}
    found = verdict("L7", singular=values.__getitem__)
    assert found.outcome not in HELD
    assert found.effect.value == pytest.approx(1 - 0.14 / 0.15, abs=0.02)
