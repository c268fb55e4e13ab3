"""Claims on made-up runs: each is seen where it was planted, and is not where it was not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.trainability.layer_rescaling import study
from levinthal.studies.trainability.layer_rescaling.claims.speeds import drift as drift_of
from levinthal.studies.trainability.layer_rescaling.design import RATES
from levinthal.vocabulary import Estimate, Evidence, Measurement, Outcome, Row, Verdict

CLAIMS = {claim.id: claim for claim in study.claims}
STEPS = (0, 1, 10, 100)
Loss = Callable[[str, int], float]


def simulated(loss: Loss, drift: float = 0.0, noise: float = 0.05, edge: str = "") -> Rows:
    """Rows with this final loss at the middle rate, four times as much at all others."""
    return Rows.of(_rows(loss, drift, noise, edge))


def _rows(loss: Loss, drift: float, noise: float, edge: str) -> Iterator[Row]:
    draw = np.random.default_rng(0)
    for rule, rates in RATES.items():
        winner = rates[-1] if rule == edge else rates[len(rates) // 2]
        for hidden, rate, seed, step in (
            (h, r, s, t) for h in (1, 3, 5) for r in rates for s in range(10) for t in STEPS
        ):
            final = loss(rule, hidden) * (1 if rate == winner else 4) * np.exp(noise * draw.standard_normal())
            value, words = 2.3 if step == 0 else final, f"rate={rate:g}"
            cell = {"rule": rule, "hidden": hidden}
            yield Row(cell, Measurement("training_loss", Estimate.exact(value), seed, step, "", words))
            apart = drift * np.log10(1 + step) + abs(noise * draw.standard_normal())
            yield Row(cell, Measurement("imbalance", Estimate.exact(apart), seed, step, "", words))
            if step == 0:
                yield Row(cell, Measurement("batch_imbalance", Estimate.exact(noise), seed, 0, "", words))


def verdict(name: str, loss: Loss, **more) -> Verdict:
    rows = simulated(loss, **more)
    return judge(CLAIMS[name], CLAIMS[name].evidence(rows))


def losses(**by_rule: float) -> Loss:
    return lambda rule, hidden: by_rule.get(rule, 1.0) if hidden > 1 else 0.1


@pytest.mark.parametrize("name", ["R2", "R2b"])
@pytest.mark.parametrize("loss", [1.5, 1.0, 0.78])
def test_the_factor_of_constants_is_reported(name: str, loss: float) -> None:
    """A learning rate between two of the grid may change a loss by more than any size to be judged by."""
    found = verdict(name, losses(fixed=loss, adam=0.05))
    assert found.outcome is Outcome.REPORTED
    assert found.effect is not None
    assert found.effect.value == pytest.approx(np.log2(loss), abs=0.06)


def test_a_remedy_that_works_is_shown_beside_and_changes_no_verdict() -> None:
    for adam in (0.05, 1.0):
        found = verdict("R2", losses(fixed=1.5, adam=adam))
        assert found.outcome is Outcome.REPORTED
        assert found.control is None
        assert found.rival is not None
        assert found.rival.value == pytest.approx(np.log2(adam), abs=0.06)


def test_a_depth_in_which_constants_work_is_seen_though_the_mean_hides_it() -> None:
    def loss(rule: str, hidden: int) -> float:
        return {3: 2.0, 5: 0.5}.get(hidden, 1.0) if rule == "fixed" else 1.0

    found = verdict("R2", loss)
    assert found.effect is not None
    assert found.effect.value == pytest.approx(0, abs=0.06)
    assert any("0.5 (5 hidden layers)" in reason for reason in found.reasons)


def test_a_best_rate_on_the_edge_is_said_and_decides_nothing() -> None:
    for name, outcome in (("R2", Outcome.REPORTED), ("R4", Outcome.INCONCLUSIVE)):
        found = verdict(name, losses(adam=0.05, fixed=0.3), edge="fixed")
        assert found.outcome is outcome
        assert any("edge" in reason for reason in found.reasons)


def test_a_depth_whose_noise_is_far_below_its_drift_is_not_left_out() -> None:
    """The MNIST page left out four layers: noise of .15 [.03, .39] beside a drift of 1.4."""
    drifts = {seed: 1.4 + 0.03 * (seed % 3 - 1) for seed in range(8)}
    noise = dict(enumerate((0.05, 0.06, 0.08, 0.1, 0.1, 0.12, 0.2, 0.49)))
    quiet = {seed: 0.03 + 0.002 * seed for seed in range(8)}
    parts = ("2 hidden layers", "4 hidden layers")
    found = judge(
        CLAIMS["R3"], Evidence(dict.fromkeys(parts, drifts), dict(zip(parts, (quiet, noise), strict=True)))
    )
    assert found.outcome is Outcome.REPLICATES
    assert not any("xcluded" in reason for reason in found.reasons)
    alone = judge(CLAIMS["R3"], Evidence({"": noise}))
    assert alone.effect is not None
    assert alone.effect.interval is not None
    assert 0 < alone.effect.interval.low < 0.3 < alone.effect.interval.high


def flat(*depths: int) -> Loss:
    """No rule trains networks of these depths; at others constants double the loss."""
    return lambda rule, hidden: 2.28 if hidden in depths else 2.0 if rule == "fixed" else 1.0


def test_depths_at_which_no_rule_trains_say_nothing() -> None:
    for name in ("R2", "R2b"):
        found = verdict(name, flat(3, 5), noise=0.002)
        assert found.outcome is Outcome.INCONCLUSIVE
        assert any("5 hidden layers: left out, no rule trains" in reason for reason in found.reasons)
    assert verdict("R4", flat(3, 5), noise=0.002).outcome is Outcome.INCONCLUSIVE
    some = verdict("R2", flat(3), noise=0.002)
    assert some.effect is not None
    assert some.effect.value == pytest.approx(1, abs=0.01)
    assert verdict("R2b", flat(3), noise=0.002).effect is not None


def test_a_depth_that_both_arms_train_says_nothing() -> None:
    """Constants double a loss of 0.013 nats at three layers, and take it from 2.3 to 1.4 at five."""
    deep, three = {"plain": 2.3, "fixed": 1.4}, {"fixed": 0.03}
    found = verdict("R2", lambda rule, h: deep.get(rule, 0.2) if h == 5 else three.get(rule, 0.013))
    assert found.effect is not None
    assert found.effect.value == pytest.approx(np.log2(1.4 / 2.3), abs=0.06)
    assert any("3 hidden layers: left out, constants and plain" in reason for reason in found.reasons)


def test_a_loss_that_falls_to_chance_level_alone_is_no_training() -> None:
    rows = [
        replace(row, measurement=replace(row.measurement, estimate=Estimate.exact(3.5)))
        if row.measurement.step == 0
        else row
        for row in simulated(flat(3, 5), noise=0.002)
    ]
    found = judge(CLAIMS["R2b"], CLAIMS["R2b"].evidence(Rows.of(rows)))
    assert found.outcome is Outcome.INCONCLUSIVE


def test_a_mean_over_depths_is_named_as_one() -> None:
    """Constants cut the loss by 16 % in the deepest networks, and multiply it by four at three layers."""

    def loss(rule: str, hidden: int) -> float:
        return {3: 4.0, 5: 0.84}.get(hidden, 1.0) * 0.5 if rule == "fixed" else 0.5

    deepest = verdict("R2b", loss, noise=0.02).effect
    assert deepest is not None
    assert deepest.value == pytest.approx(np.log2(0.84), abs=0.06)
    found = verdict("R2", loss, noise=0.02)
    assert "on the mean over the depths" in found.claim.says
    assert any("0.84 (5 hidden layers)" in reason for reason in found.reasons)


@pytest.mark.parametrize("tracked", [1.0, 1.5])
def test_updated_factors_that_only_surpass_constants_do_not_help(tracked: float) -> None:
    """Constants triple the loss, and factors updated at every step leave it as it is, or raise it by half."""
    assert verdict("R4", losses(fixed=3.0, tracked=tracked)).outcome is Outcome.DOES_NOT_REPLICATE
    assert verdict("R4", losses(fixed=3.0, tracked=0.2)).outcome is Outcome.REPLICATES


def test_tracking_that_helps_deep_networks_only_is_seen() -> None:
    assert verdict("R4", losses(tracked=0.2)).outcome is Outcome.REPLICATES
    assert verdict("R4", losses()).outcome is Outcome.DOES_NOT_REPLICATE


def test_tracking_that_helps_shallow_networks_as_much_is_no_matter_of_vanishing() -> None:
    found = verdict("R4", lambda rule, hidden: 0.2 if rule == "tracked" else 1.0)
    assert found.outcome is Outcome.INCONCLUSIVE


def test_drift_is_told_from_the_noise_of_a_batch() -> None:
    assert verdict("R3", losses(), drift=1.0).outcome is Outcome.REPLICATES
    assert verdict("R3", losses(), drift=0.0).outcome is Outcome.DOES_NOT_REPLICATE


def test_speeds_that_drift_in_the_deepest_networks_alone_are_not_said_to_drift_in_all() -> None:
    """The fastest layer is faster than the slowest by noise alone: no depth could have failed."""
    rows = (
        replace(row, measurement=replace(row.measurement, estimate=Estimate.exact(0.05)))
        if row.cell["hidden"] == 3 and row.measurement.name == "imbalance"
        else row
        for row in simulated(losses(), drift=1.0)
    )
    found = judge(CLAIMS["R3"], CLAIMS["R3"].evidence(Rows.of(rows)))
    assert found.outcome is Outcome.PARTIALLY


def test_the_later_half_of_the_run_is_counted_in_steps() -> None:
    """Evaluations are evenly spaced in the logarithm of the step: half of them are not half of the run."""
    curve = {0: 0.0, 10: 1.0, 100: 2.0, 600: 3.0, 1200: 4.0}
    rows = (Row({"hidden": 3}, Measurement("imbalance", Estimate.exact(v), 0, at)) for at, v in curve.items())
    assert drift_of(Rows.of(rows)) == {0: 3.5}


@pytest.mark.parametrize(("share", "outcome"), [(1.0, "replicates"), (0.95, "does not replicate")])
def test_downhill_or_not(share: float, outcome: str) -> None:
    rows = Rows.of(
        Row(
            {"rule": "directions", "hidden": 3},
            Measurement("downhill", Estimate.exact(value), seed, condition=f"factors={name}"),
        )
        for seed in range(10)
        for name, value in (("equalising", share), ("random", share), ("shuffled", 0.4 + 0.03 * seed))
    )
    assert judge(CLAIMS["R1"], CLAIMS["R1"].evidence(rows)).outcome.value == outcome


def test_figures_and_answer_say_what_the_rows_hold() -> None:
    rows = simulated(losses(adam=0.05, fixed=0.5, tracked=0.25), drift=1.0, noise=1e-3)
    rates, training, drift = study.figures(rows)
    assert [panel.title for panel in rates.panels] == ["1 hidden layer", "3 hidden layers", "5 hidden layers"]
    assert len(rates.panels[0].series) == len(training.panels[0].series) == 5
    assert rates.title.startswith("At their best learning rates, 5 hidden layers: Adam 0.05")
    assert drift.title.startswith("Speeds equalised at initialisation are 1")
    found = {name: judge(claim, claim.evidence(rows)) for name, claim in CLAIMS.items()}
    assert study.answer(found) == (
        "Constants multiply the loss by 0.5 (3 hidden layers), 0.5 (5 hidden layers); "
        "factors updated at every step multiply the lower loss of plain gradient descent and constants by "
        "0.5 (3 hidden layers), 0.5 (5 hidden layers)."
    )


def test_a_half_finished_study_is_drawn_as_far_as_it_goes() -> None:
    whole = list(simulated(losses(adam=0.05), drift=1.0))
    cells = list({str(row.cell): row.cell for row in whole}.values())
    for count in (1, 4, 8):
        rows = Rows.of([row for row in whole if row.cell in cells[:count]])
        assert all(figure.panels for figure in study.figures(rows))
        found = {name: judge(claim, claim.evidence(rows)) for name, claim in CLAIMS.items()}
        assert study.answer(found)


def test_no_runs_are_no_verdict() -> None:
    rows = Rows.of([], factors=("rule", "hidden", "rate", "factors"))
    found = {name: judge(claim, claim.evidence(rows)) for name, claim in CLAIMS.items()}
    assert {one.outcome for one in found.values()} == {Outcome.INCONCLUSIVE}
    assert list(study.figures(rows)) == []
    assert study.answer(found) == "Not measured yet."
