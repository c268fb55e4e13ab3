"""C3 on made-up networks: the depth of its rival, and the number of each depth."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest
from tests import simulated_first_last as simulated
from tests.studies.skips_and_dynamics.first_last_information.test_claims import (
    CLAIMS,
    best_in_the_middle,
    evidence,
    verdict,
)

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.skips_and_dynamics.first_last_information import study
from levinthal.studies.skips_and_dynamics.first_last_information.claims.races import race
from levinthal.studies.skips_and_dynamics.first_last_information.claims.speed import plain
from levinthal.vocabulary import Cell, Outcome, Verdict

AT_REST = r"Control, D=\d+: in \d of 8 seeds it never reaches the error\. They have no number"
"""How the note on a control begins whose error rests above the level."""


def answer(faster: Verdict) -> str:
    """The answer of the page, from a verdict on C3m."""
    return study.answer({"C3m": faster, "C11m": verdict("C11m"), "C2": verdict("C2")})


def test_a_rival_that_is_as_fast_voids_nothing() -> None:
    def fast(cell: Cell, share: float) -> float:
        quick = "shortcut" in str(cell["architecture"]) or cell["init"] == "orthogonal"
        return 0.9 * 0.5 ** (4 * (2.5 if quick else 1.0) * share)

    found = evidence("C3m", error=best_in_the_middle(fast))
    assert {part for part, seeds in found.rival.items() if seeds} == {"D=10"}
    assert judge(CLAIMS["C3m"], found).outcome is Outcome.REPLICATES


def times_as_fast(**by: float) -> Callable[[Cell, float], float]:
    """A shortcut that is some times as fast at a depth, and orthogonal weights that are so at 10 layers."""

    def fast(cell: Cell, share: float) -> float:
        quick = "shortcut" in str(cell["architecture"]) or cell["init"] == "orthogonal"
        steps = 60 / (by[f"D{cell['depth']}"] if quick and cell["depth"] >= 5 else 1)
        return 0.9 * (0.1 / 0.9) ** (share * math.log1p(simulated.STEPS) / math.log1p(steps))

    return best_in_the_middle(fast)


def test_a_rival_stands_beside_the_depth_that_both_ran_in() -> None:
    """Equal to the shortcut at 10 layers: it was set against the mean over depths, and was 0.7 short."""
    found = verdict("C3m", error=times_as_fast(D5=2, D10=2, D20=8), noise=0.002)
    [rival] = [reason for reason in found.reasons if "rival" in reason]
    assert "D=10" in rival
    assert "in D=10 only; the effect there less the rival's, seed by seed, is 0.00" in rival.replace(
        "−0", "0"
    )
    assert "with orthogonal initialisation, at 10 layers alone, 2.0 times" in answer(found)


def test_the_speed_at_each_depth_stands_beside_the_mean_over_them() -> None:
    found = verdict("C3m", error=times_as_fast(D5=1.2, D10=1.4, D20=18), noise=0.002)
    assert found.effect.value == pytest.approx(np.log2([1.2, 1.4, 18]).mean(), abs=0.2)
    [note] = [reason for reason in found.reasons if reason.startswith("At the best learning rates the mean")]
    numbers = [float(word) for word in note.replace(",", "").split() if word.replace(".", "", 1).isdigit()]
    assert numbers == pytest.approx(np.log2([1.2, 1.4, 18]), abs=0.3)
    assert "on the mean over those depths" in CLAIMS["C3m"].says


def steps_of(mlp: dict[str, float], shortcut: dict[str, float]) -> Callable[[Cell, float], float]:
    """Errors that reach 10 % after some steps at each depth: a fifth later off the best rate."""

    def curve(cell: Cell, share: float) -> float:
        arm = shortcut if "shortcut" in str(cell["architecture"]) else mlp
        steps = arm[f"D{cell['depth']}"] * (1.0 if cell["rate"] == 1e-3 else 1.2)
        falls = (0.1 / 0.9) ** (share * math.log1p(simulated.STEPS) / math.log1p(steps))
        return min(0.9 * falls, 1.0)

    return curve


MLP = {"D3": 20.0, "D5": 40.0, "D10": 60.0, "D20": 80.0}


def test_a_shortcut_that_never_reaches_the_error_supports_nothing() -> None:
    """At 20 layers it never does; the mean over depths counted its budget, and replicated."""
    slow = {"D3": 20.0, "D5": 40 / 6.0, "D10": 10.0, "D20": 5000.0}
    found = verdict("C3m", error=steps_of(MLP, slow), noise=0.002)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("runs of the shortcut never reach the error" in reason for reason in found.reasons)


def test_a_shortcut_that_never_reaches_the_error_denies_where_it_decides() -> None:
    slow = {"D3": 20.0, "D5": 40.0, "D10": 60.0, "D20": 5000.0}
    found = verdict("C3m", error=steps_of(MLP, slow), noise=0.002)
    assert found.outcome is Outcome.DOES_NOT_REPLICATE
    assert any("enough for a denial: the true ratio is smaller" in reason for reason in found.reasons)
    assert "reach 10 % error at most " in answer(found)


def test_a_lower_bound_does_not_deny() -> None:
    """The MLP of 20 layers needs 5,000 steps: the true mean is (.4 + .5 + 6.6) / 3, its bound below 1."""
    mlp = MLP | {"D20": 5000.0}
    fast = {"D3": 20.0, "D5": 30.0, "D10": 42.0, "D20": 50.0}
    found = verdict("C3m", error=steps_of(mlp, fast), noise=0.002)
    assert found.outcome is Outcome.INCONCLUSIVE


def resting(mlp: float, shortcut: float, times: float) -> Callable[[Cell, float], float]:
    """Both arms fall to errors at which they rest; the shortcut does so some times as fast."""

    def curve(cell: Cell, share: float) -> float:
        is_fast = "shortcut" in str(cell["architecture"])
        floor, pace = (shortcut, times) if is_fast else (mlp, 1.0)
        steps = math.expm1(share * math.log1p(simulated.STEPS))
        off = 0.0 if cell["rate"] == 1e-3 else 0.02
        return floor + off + (0.9 - floor - off) * math.exp(-steps * pace / (simulated.STEPS / 20))

    return curve


@pytest.mark.parametrize(("mlp", "shortcut", "times"), [(0.104, 0.095, 1.1), (0.095, 0.104, 3.0)])
def test_an_error_that_rests_just_above_the_level_says_nothing_of_speed(
    mlp: float, shortcut: float, times: float
) -> None:
    """One arm ends at 10.4 %, the other at 9.5 %: the first replicated, the second did not replicate."""
    found = verdict("C3m", error=resting(mlp, shortcut, times), noise=0.0003)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("their median error falls by less than a fifteenth" in reason for reason in found.reasons)


def test_a_control_that_rests_just_above_the_level_is_no_slow_one() -> None:
    """Large logits are as fast as the shortcut and rest at 10.4 %: they counted as three times slower."""

    def curve(cell: Cell, share: float) -> float:
        is_logits = cell["init"] == "glorot_normal_large_logits"
        like_shortcut = {**cell, "architecture": "shortcut"}
        fast = resting(0.03, 0.104 if is_logits else 0.03, 4.0)
        return fast(like_shortcut if is_logits else cell, share)

    found = verdict("C3m", error=curve, noise=0.0003)
    assert found.outcome is not Outcome.REPLICATES
    assert any(re.match(AT_REST, reason) for reason in found.reasons)


def test_runs_that_arrive_late_are_not_at_rest_because_the_others_are() -> None:
    """Six of eight networks rest at 7 %, and two still fall: the two were called at rest above 10 %."""

    def is_asked(cell: Cell) -> bool:
        return cell["samples"] == 60_000 and cell["architecture"] in ("mlp", "shortcut")

    def of_two_late(mlp: float, pace: float) -> Rows:
        """Networks whose MLP falls to an error at a pace."""
        slow = resting(mlp, 0.03, 4 / pace)
        return simulated.rows(
            error=lambda cell, share: at_pace(slow, cell, share, pace), noise=0.0003, of=is_asked
        )

    six = [row for row in of_two_late(0.07, 1.0) if row.measurement.seed >= 2]
    two = [row for row in of_two_late(0.03, 0.1) if row.measurement.seed < 2]
    both = Rows.of([*six, *two]).where(depth=20, init="glorot_normal")
    found = race(plain("mlp"), plain("shortcut"), 0.1)(both)
    assert sum(map(found.is_lower_bound, found.seeds)) == 2
    assert found.resting == frozenset()


def at_pace(curve: Callable[[Cell, float], float], cell: Cell, share: float, pace: float) -> float:
    """A curve of the steps, slower by a factor."""
    steps = math.expm1(share * math.log1p(simulated.STEPS)) * pace
    return curve(cell, math.log1p(steps) / math.log1p(simulated.STEPS))


def falling(cell: Cell, share: float, floor: float, pace: float) -> float:
    """An error that falls from 90 % to a floor; 1 is 12 steps to a third of the way, more or less."""
    steps = math.expm1(share * math.log1p(simulated.STEPS))
    return floor + (0.9 - floor) * math.exp(-steps * pace / 12)


def test_an_arm_that_arrives_at_no_rate_rests_at_its_best_rate_too() -> None:
    """The MLP rests at 10.4 % at its best rate and still falls at the middle one, where it was asked."""

    def curve(cell: Cell, share: float) -> float:
        if "shortcut" in str(cell["architecture"]):
            return falling(cell, share, 0.03, 1.3 if cell["rate"] == 3e-3 else 0.5)
        return falling(cell, share, 0.104, 1.0 if cell["rate"] == 3e-3 else 0.17)

    found = verdict("C3m", error=curve, noise=0.003)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("their median error falls by less than a fifteenth" in reason for reason in found.reasons)


def test_a_control_at_rest_has_no_number_where_the_mlp_never_arrives_either() -> None:
    """It counted as no gain: large logits were as fast as the shortcut, and rested at 10.4 %."""

    def curve(cell: Cell, share: float) -> float:
        off = 0.0 if cell["rate"] == 1e-3 else 0.01
        if "shortcut" in str(cell["architecture"]):
            return falling(cell, share, 0.03 + off, 1.5)
        if cell["init"] == "glorot_normal_large_logits":
            return falling(cell, share, 0.104 + off, 1.5)
        return falling(cell, share, 0.03 + off, 0.15 if cell["depth"] == 20 else 0.6)

    found = verdict("C3m", error=curve, noise=0.003)
    assert found.outcome is not Outcome.REPLICATES
    assert any(re.match(AT_REST, reason) for reason in found.reasons)


def with_two_of(two: Callable[[Cell, float], float], others: Callable[[Cell, float], float]) -> Rows:
    """The rows that C3m reads: the first two seeds have one curve, the others another."""

    def is_asked(cell: Cell) -> bool:
        return cell["samples"] == 60_000 and cell["slope"] == 1

    first, rest = (simulated.rows(error=curve, noise=0.001, of=is_asked) for curve in (two, others))
    found = [row for row in first if row.measurement.seed < 2]
    return Rows.of([*found, *(row for row in rest if row.measurement.seed >= 2)])


def clear(cell: Cell, share: float) -> float:
    """A shortcut that is five times as fast, best at the middle of the grid."""
    off = 0.0 if cell["rate"] == 1e-3 else 0.01
    return falling(cell, share, 0.03 + off, 3.0 if "shortcut" in str(cell["architecture"]) else 0.6)


def late(cell: Cell, share: float, at_rest: int) -> float:
    """The same, with an MLP that rests above the error at a depth, and still falls at 20 layers."""
    off = 0.0 if cell["rate"] == 1e-3 else 0.01
    if cell["architecture"] == "mlp" and cell["depth"] in (at_rest, 20):
        return falling(cell, share, *((0.104 + off, 3.0) if cell["depth"] == at_rest else (0.03 + off, 0.15)))
    return clear(cell, share)


def test_the_answer_is_no_bound_where_the_seeds_with_bounds_have_no_number() -> None:
    """The MLP of two seeds rests at 10 layers, and is late at 20: at 20 its bound counts, in no mean."""
    rows = with_two_of(lambda cell, share: late(cell, share, at_rest=10), clear)
    found = judge(CLAIMS["C3m"], CLAIMS["C3m"].evidence(rows))
    assert any(reason.startswith("2 of 8 seeds failed") for reason in found.reasons)
    [note] = [reason for reason in found.reasons if reason.startswith("D=20: 2 of 8 runs of the MLP")]
    assert note.endswith(
        "At this depth 2 of them count as if they did at the last step, which is enough for the claim."
    )
    assert "reach 10 % error at" not in answer(found)


def test_the_answer_is_a_bound_where_a_seed_with_one_counts() -> None:
    rows = with_two_of(lambda cell, share: late(cell, share, at_rest=0), clear)
    found = judge(CLAIMS["C3m"], CLAIMS["C3m"].evidence(rows))
    assert any(
        "which is enough for the claim: the true ratio is larger." in reason for reason in found.reasons
    )
    assert "reach 10 % error at least " in answer(found)


def test_a_control_says_where_it_is_a_lower_bound() -> None:
    """Large logits reach the error, and the MLP of 20 layers never does."""

    def curve(cell: Cell, share: float) -> float:
        is_slow = cell["depth"] == 20 and cell["architecture"] == "mlp" and cell["init"] == "glorot_normal"
        return falling(cell, share, 0.03, 0.15) if is_slow else clear(cell, share)

    found = verdict("C3m", error=curve, noise=0.001)
    said = "Control, D=20: in 8 of 8 seeds the MLP never reaches the error, and the control does."
    assert [reason for reason in found.reasons if reason.startswith(said)]
