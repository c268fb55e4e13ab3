"""Runs that never reach an error within their budget (C3, C4): they bound a ratio, and make none."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from tests.simulated_first_last import STEPS
from tests.studies.skips_and_dynamics.first_last_information.test_claims import evidence, verdict

from levinthal.lab import Rows
from levinthal.studies.skips_and_dynamics.first_last_information.claims.arms import final_error
from levinthal.studies.skips_and_dynamics.first_last_information.claims.depth import bounded_slope
from levinthal.vocabulary import Cell, Estimate, Measurement, Outcome, Row


def reaches(error: float, when: Callable[[Cell], float]) -> Callable[[Cell, float], float]:
    """A log error that falls steadily on the log axis and reaches the error at a step, beyond the budget too.

    Learning rates other than the paper's are a fifth slower.
    """

    def curve(cell: Cell, share: float) -> float:
        steps = when(cell) * (1.0 if cell["rate"] == 1e-3 else 1.2)
        return min(0.9 * (error / 0.9) ** (share * math.log1p(STEPS) / math.log1p(steps)), 1.0)

    return curve


def of_a_shortcut(slow: float, fast: float) -> Callable[[Cell], float]:
    return lambda cell: fast if "shortcut" in str(cell["architecture"]) else slow


def test_an_mlp_just_beyond_the_budget_is_not_twice_as_slow() -> None:
    """A tenth slower: counted as twice the budget, it was the smallest size of C3."""
    planted = {"error": reaches(0.1, of_a_shortcut(slow=130, fast=118)), "noise": 0.002}
    assert verdict("C3m", **planted).outcome is Outcome.INCONCLUSIVE
    found = evidence("C3m", **planted)
    assert all(math.isnan(effect) for one in found.effects.values() for effect in one.values())
    assert any("8 of 8 runs of the MLP never reach the error" in note for note in found.notes)


def test_an_mlp_far_beyond_the_budget_is_slow_enough() -> None:
    found = verdict("C3m", error=reaches(0.1, of_a_shortcut(slow=500, fast=30)), noise=0.002)
    assert found.outcome is Outcome.REPLICATES
    assert found.effect.value == pytest.approx(math.log2(STEPS / 30), abs=0.05)


def test_a_depth_at_which_neither_arm_reaches_the_error_leaves_the_claim_open() -> None:
    """The shortcut does nothing at 20 layers, where both fail: 5 and 10 layers alone replicated."""

    def when(cell: Cell) -> float:
        return 1e6 if cell["depth"] == 20 else of_a_shortcut(slow=500, fast=30)(cell)

    found = verdict("C3m", error=reaches(0.1, when), noise=0.002)
    assert found.outcome is Outcome.INCONCLUSIVE
    said = "D=20 decides nothing: in 8 of 8 seeds neither arm reaches the error."
    assert any(said in reason for reason in found.reasons)


def of_depths(**times: float) -> Callable[[Cell], float]:
    return lambda cell: times.get(f"D{cell['depth']}", 40)


@pytest.mark.parametrize("times", [{"D10": 117, "D20": 128}, {"D10": 140, "D20": 280}])
def test_depths_near_or_beyond_the_budget_leave_the_slope_open(times: dict[str, float]) -> None:
    """The first is a slope of 0.13 that read as 1.03, the second one of 1 that read as 0."""
    found = verdict("C4m", error=reaches(0.2, of_depths(**times)), noise=0.002)
    assert found.outcome is Outcome.INCONCLUSIVE


def test_a_deep_network_far_beyond_the_budget_is_slower() -> None:
    found = verdict("C4m", error=reaches(0.2, of_depths(D10=60, D20=300)), noise=0.002)
    assert found.outcome is Outcome.REPLICATES
    assert found.effect.value == pytest.approx(1, abs=0.05)


def test_a_shallow_network_that_never_gets_there_denies_the_slope() -> None:
    assert bounded_slope({10: math.inf, 20: 30}, 120) == -2
    assert math.isnan(bounded_slope({10: math.inf, 20: math.inf}, 120))
    assert math.isnan(bounded_slope({10: 100, 20: math.inf, 40: 100}, 120))


def test_a_difference_that_slower_training_can_make_is_no_final_one() -> None:
    """The MLP still falls by a log2 ratio of 0.12 in the last part: nearly the smallest size of C7."""

    def slow(cell: Cell, share: float) -> float:
        late = math.log1p(STEPS) * (1 - share) / math.log(2)
        behind = 0.0 if "residual" in str(cell["architecture"]) else 0.25 + 0.12 * late
        return min(0.05 * 2**behind * (1.0 if cell["rate"] == 1e-3 else 1.5), 1.0)

    found = verdict("C7m", error=slow, noise=0.002)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("mlp" in reason and "not final" in reason for reason in found.reasons)


def power_law(exponent: float, slow: Callable[[Cell], float]) -> Callable[[Cell, float], float]:
    """One law of the steps in all arms, some of which need more steps; the paper's learning rate is best."""

    def curve(cell: Cell, share: float) -> float:
        steps = math.expm1(share * math.log1p(STEPS)) / slow(cell)
        return 0.1 * (1 + steps) ** -exponent * (1.0 if cell["rate"] == 1e-3 else 1.3)

    return curve


def plateau(until: Callable[[Cell], float], end: Callable[[Cell], float]) -> Callable[[Cell, float], float]:
    """At 85 % until near a step, and then fast to the end of the arm; the paper's learning rate is best."""

    def curve(cell: Cell, share: float) -> float:
        steps = math.expm1(share * math.log1p(STEPS))
        error = end(cell) + 0.8 / (1 + (steps / until(cell)) ** 4)
        return min(error * (1.0 if cell["rate"] == 1e-3 else 1.3), 1.0)

    return curve


def of_slow_arms(slow: float, fast: float) -> Callable[[Cell], float]:
    """One number for the deepest MLP and for networks without residual sums, one for the others."""

    def number(cell: Cell) -> float:
        is_slow = cell["depth"] == 20 or (cell["depth"] == 10 and "residual" not in str(cell["architecture"]))
        return slow if is_slow else fast

    return number


def of_deepest(slow: float, fast: float) -> Callable[[Cell], float]:
    return lambda cell: slow if cell["depth"] == 20 else fast


def same(number: float) -> Callable[[Cell], float]:
    return lambda cell: number


SLOW = {"C4bm": of_deepest, "C7m": of_slow_arms}


@pytest.mark.parametrize("id_", SLOW)
def test_an_error_that_has_not_begun_to_fall_is_not_final(id_: str) -> None:
    """The slow arms learn at step 250 of 120, to the same 5 %: that replicated, with a log2 ratio of 4."""
    found = verdict(id_, error=plateau(SLOW[id_](250, 4), same(0.05)), noise=0.002)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("still above 20% at step 120" in reason for reason in found.reasons)
    true = verdict(id_, error=plateau(same(4), SLOW[id_](0.1, 0.05)), noise=0.002)
    assert true.outcome is Outcome.REPLICATES


@pytest.mark.parametrize(("id_", "exponent"), [("C4bm", 0.1), ("C7m", 0.07)])
def test_one_power_law_at_two_paces_is_no_difference_at_the_end(id_: str, exponent: float) -> None:
    found = verdict(id_, error=power_law(exponent, SLOW[id_](8, 1)), noise=0.002)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("not final" in reason for reason in found.reasons)


@pytest.mark.parametrize("id_", SLOW)
def test_an_error_that_rises_is_not_final(id_: str) -> None:
    """It rises by a fifth in the second half of some arms, from one and the same error: that replicated."""

    def overfits(cell: Cell, share: float) -> float:
        done = math.expm1(share * math.log1p(STEPS)) / STEPS
        best = 0.05 * max(1.0, (0.05 / max(done, 1e-3)) ** 0.5)
        return best * (1 + SLOW[id_](0.4, 0.0)(cell) * done) * (1.0 if cell["rate"] == 1e-3 else 1.5)

    found = verdict(id_, error=overfits, noise=0.002)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("is not final: it still rises by a factor of 1." in reason for reason in found.reasons)


def test_a_fall_is_read_per_doubling_of_the_steps() -> None:
    """The snapshot nearest to half of 960 steps is 587: a fall of 0.036 from there is 0.05 a doubling."""
    steps = (0, 100, 587, 960)
    rows = Rows.of(
        Row(
            {"architecture": "mlp", "init": "glorot_normal", "depth": 10, "rate": rate},
            Measurement("test_error", Estimate.exact(error), seed, step, "", "batchnorm=recalibrated"),
        )
        for rate in (3e-4, 1e-3, 3e-3)
        for seed in range(8)
        for step, error in zip(steps, (0.9, 0.2, 0.05 * 2**0.036, 0.05), strict=True)
    )
    assert "is not final" in final_error(rows, 0.15).note
    assert not final_error(rows, 0.25).note
