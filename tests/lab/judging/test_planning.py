from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from scipy import special

from levinthal.lab.judging.arms import Arm, arm_of
from levinthal.lab.judging.planning import (
    Plan,
    larger,
    plan_of,
    seeds_if_withheld,
    seeds_to_close,
    seeds_to_settle,
)
from levinthal.lab.judging.sizes import Sizes
from levinthal.vocabulary import Outcome

SIZES = Sizes(0.0, 1.0, "bits")
NONE = Arm({}, 0, None)


def drawn(rng: np.random.Generator, mean: float, spread: float, n: int) -> Arm:
    return arm_of(dict(enumerate(rng.normal(mean, spread, n).tolist())), SIZES)


@pytest.mark.parametrize("spread", [1.0, 2.0])
@pytest.mark.parametrize("n", [5, 8])
def test_the_named_seeds_settle_about_eight_studies_in_ten(n: int, spread: float) -> None:
    rng = np.random.default_rng(n)
    settled = []
    for truth in (0.0, 0.5, 1.0):
        for _ in range(40):
            first = drawn(rng, truth, spread, n)
            needed = seeds_to_settle(Outcome.INCONCLUSIVE, first, {}, NONE, SIZES)
            if SIZES.is_open(first.interval) and needed is not None:
                again = rng.normal(truth, spread, needed)
                reach = special.stdtrit(needed - 1, 0.995) * again.std(ddof=1) / math.sqrt(needed)
                settled.append(again.mean() - reach > 0 or again.mean() + reach < 1)
    assert len(settled) > 40
    assert np.mean(settled) > 0.7  # measured over 510 studies a cell: see docs/verdicts.md


def test_a_plan_asks_for_more_where_the_spread_is_larger_and_less_where_it_is_better_known() -> None:
    plans = [seeds_to_close(0.5, spread, 8) for spread in (0.5, 1.0, 2.0)]
    assert None not in plans
    assert plans == sorted(plans)
    assert seeds_to_close(0.0, 1.0, 32) < seeds_to_close(0.0, 1.0, 5)
    assert seeds_to_close(0.5, 100.0, 8) is None
    assert seeds_to_close(0.5, 0.0, 8) is None


def test_what_is_decided_needs_no_more_seeds() -> None:
    big = arm_of(dict(enumerate([2.0, 2.1] * 4)), SIZES)
    for outcome in (Outcome.REPLICATES, Outcome.WEAKER, Outcome.DOES_NOT_REPLICATE):
        assert seeds_to_settle(outcome, big, {}, NONE, SIZES) is None
        assert seeds_if_withheld(outcome, big, {}, SIZES) is None


def test_too_few_seeds_ask_for_eight() -> None:
    few = arm_of({0: 2.0, 1: 2.1}, SIZES)
    needed = seeds_to_settle(Outcome.INCONCLUSIVE, few, {}, NONE, SIZES)
    assert needed is not None
    assert needed >= 8


@pytest.mark.parametrize(
    ("values", "least", "most"),
    [
        ((3.4, 3.6, 3.5, 3.9), 8, 8),
        ((2.7, 2.8), 8, 8),
        ((3.0, 3.5), 8, 8),
        ((0.5, 2.5, 3.0, 1.0), 9, 60),
        ((1.0, 5.0, 2.2), 9, 60),
    ],
)
def test_below_five_seeds_an_effect_far_beyond_the_size_asks_for_few(
    values: tuple[float, ...], least: int, most: int
) -> None:
    half = Sizes(0.0, 0.5, "bits")
    needed = seeds_to_settle(Outcome.INCONCLUSIVE, arm_of(dict(enumerate(values)), half), {}, NONE, half)
    assert needed is not None
    assert least <= needed <= most


def test_below_five_seeds_a_hopeless_spread_names_no_number() -> None:
    wild = arm_of({0: -900.0, 1: 901.0}, SIZES)
    assert seeds_to_settle(Outcome.INCONCLUSIVE, wild, {}, NONE, SIZES) is None


def test_a_control_that_is_clean_all_the_same_asks_for_nothing() -> None:
    effect = arm_of(dict(enumerate([20.0, 21.0, 22.0, 20.0, 21.0])), SIZES)
    noisy = arm_of(dict(enumerate([4.0, -3.0, 2.0, -2.5, 5.0])), SIZES)
    assert seeds_to_settle(Outcome.PARTIALLY, effect, {}, noisy, SIZES) is None
    assert seeds_to_settle(Outcome.INCONCLUSIVE, effect, {}, noisy, SIZES) is not None
    assert seeds_if_withheld(Outcome.PARTIALLY, effect, {}, SIZES) == 8


def plan(
    outcome: Outcome, overall: Arm, control: Arm = NONE, excluded: Mapping[str, Arm] | None = None
) -> Plan:
    return plan_of(outcome, overall, {"": overall}, control, excluded or {}, SIZES)


WITHHELD = arm_of(dict(enumerate([1.24, 1.26] * 4)), SIZES)


def test_a_control_whose_excess_is_too_small_names_no_number() -> None:
    assert plan(Outcome.PARTIALLY, WITHHELD) == Plan(
        seeds_if_withheld(Outcome.PARTIALLY, WITHHELD, {}, SIZES)
    )
    control = arm_of(dict(enumerate([0.69, 0.71] * 4)), SIZES)
    assert plan(Outcome.PARTIALLY, WITHHELD, control) == Plan(
        why_none="More seeds like these cannot make it replicate: the effect less that of the control is "
        "0.55 bits, below 1 bits."
    )
    clean = arm_of(dict(enumerate([0.1, -0.1] * 4)), SIZES)
    assert plan(Outcome.PARTIALLY, WITHHELD, clean).seeds is not None


def test_an_excluded_condition_keeps_a_claim_partial_whatever_the_seeds() -> None:
    why = plan(Outcome.PARTIALLY, WITHHELD, excluded={"wide": WITHHELD}).why_none
    assert why.startswith("More seeds like these cannot make it replicate: the control shows the same effect")


def test_failed_seeds_that_take_the_mean_below_the_size_name_no_number() -> None:
    failing = arm_of({**WITHHELD.values, **dict.fromkeys(range(8, 11), math.nan)}, SIZES)
    assert plan(Outcome.PARTIALLY, failing) == Plan(
        why_none="More seeds like these cannot make it replicate: a failed seed counts as zero, and with it "
        "the mean is 0.909 bits, below 1 bits."
    )


@pytest.mark.parametrize("side", ["effect", "control"])
def test_where_more_seeds_fail_than_not_more_seeds_settle_nothing(side: str) -> None:
    fine = drawn(np.random.default_rng(0), 0.5, 1.0, 8)
    broken = arm_of({**fine.values, **dict.fromkeys(range(8, 17), math.nan)}, SIZES)
    arms = (broken, fine) if side == "effect" else (fine, broken)
    found = plan(Outcome.INCONCLUSIVE, *arms)
    assert found.seeds is None
    assert found.why_none.endswith("failed than have an effect.")
    assert ("of the control" in found.why_none) == (side == "control")


def test_seeds_that_fail_beside_the_others_are_counted() -> None:
    fine = drawn(np.random.default_rng(3), 0.5, 1.0, 8)
    failing = arm_of({**fine.values, **dict.fromkeys(range(8, 12), math.nan)}, SIZES)
    alone, beside = (seeds_to_settle(Outcome.INCONCLUSIVE, arm, {}, NONE, SIZES) for arm in (fine, failing))
    assert alone is not None
    assert beside == math.ceil(alone * 12 / 8)


def test_a_claim_that_is_settled_has_no_plan() -> None:
    for outcome in (Outcome.REPLICATES, Outcome.WEAKER, Outcome.DOES_NOT_REPLICATE, Outcome.REPORTED):
        assert plan(outcome, WITHHELD) == Plan()
    assert plan(Outcome.INCONCLUSIVE, NONE) == Plan()


def test_the_larger_of_two_numbers() -> None:
    assert [larger(None, None), larger(3, None), larger(None, 4), larger(3, 4)] == [None, 3, 4, 4]


def test_a_condition_at_zero_is_not_settled_by_seeds() -> None:
    whole = arm_of(dict(enumerate([1.2, 1.21, 1.19, 1.2, 1.21, 1.19, 1.2, 1.2])), SIZES)
    nil = arm_of(dict(enumerate([0.1, -0.1, 0.1, -0.1, 0.05, -0.05, 0.1, -0.1])), SIZES)
    assert seeds_if_withheld(Outcome.PARTIALLY, whole, {"a": whole}, SIZES) is not None
    assert seeds_if_withheld(Outcome.PARTIALLY, whole, {"a": whole, "b": nil}, SIZES) is None
