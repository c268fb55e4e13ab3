from __future__ import annotations

import math

import pytest
from scipy import special

from levinthal.lab.judging.arms import Arm, arm_of
from levinthal.lab.judging.failing import (
    count_failed,
    counted_mean,
    failed_share,
    least_mean,
    seeds_to_replicate,
    survives_unseen,
    withhold,
)
from levinthal.lab.judging.sizes import Sizes
from levinthal.vocabulary import Outcome

SIZES = Sizes(0.0, 1.0, "bits")


def of(*values: float) -> Arm:
    return arm_of(dict(enumerate(values)), SIZES)


def around(mean: float, n: int) -> Arm:
    return of(*(mean + 0.01 * (-1) ** i for i in range(n)))


def test_the_share_of_failed_seeds_has_an_exact_interval() -> None:
    share = failed_share(of(1.0, 1.1, 0.9, 1.0, 1.2, math.nan, math.inf, -math.inf), SIZES)
    assert share is not None
    assert share.interval is not None
    assert share.value == 3 / 8
    assert (share.interval.low, share.interval.high) == pytest.approx((0.0852, 0.7551), abs=1e-4)
    assert failed_share(of(1.0, 2.0), SIZES) is None


@pytest.mark.parametrize("n", [8, 12, 32])
def test_the_word_survives_unseen_seeds_exactly_from_the_closed_form_on(n: int) -> None:
    least = 1 / 0.025 ** (1 / n)
    assert survives_unseen(of(*[least + 1e-4] * n), SIZES)
    assert not survives_unseen(of(*[least - 1e-4] * n), SIZES)
    assert least_mean(of(*[least] * n), SIZES) == pytest.approx(1.0, abs=1e-5)
    assert not survives_unseen(around(least - 0.01, n), SIZES)


def test_seeds_below_the_null_value_may_be_more_frequent_than_seen() -> None:
    """One seed of 32 is at -1: up to 16.2 % of all seeds may be (Clopper and Pearson)."""
    share = special.betaincinv(2, 31, 0.975)
    assert share == pytest.approx(0.1622, abs=1e-4)
    one_low = of(*[2.0] * 31, -1.0)
    assert least_mean(one_low, SIZES) == pytest.approx(2 * (1 - share) - share, abs=0.01)
    held = of(*[1.2] * 31, -0.5)
    assert SIZES.outcome(held.interval) is Outcome.REPLICATES
    assert withhold(Outcome.REPLICATES, held, SIZES)[0] is Outcome.PARTIALLY
    assert withhold(Outcome.REPLICATES, of(*[1.2] * 32), SIZES)[0] is Outcome.REPLICATES


def test_a_failed_seed_is_one_at_the_null_value() -> None:
    assert least_mean(of(2.0, 2.1, 1.9, math.nan), SIZES) == least_mean(of(2.0, 2.1, 1.9, 0.0), SIZES)


def test_the_bound_is_in_multiples_of_what_counts_beyond_the_null_value() -> None:
    shifted = Sizes(0.5, 2.5, "bits")
    moved = arm_of({seed: 0.5 + 2 * value for seed, value in enumerate((2.0, 1.0, 3.0))}, shifted)
    assert least_mean(moved, shifted) == least_mean(of(2.0, 1.0, 3.0), SIZES)


def test_seven_seeds_are_too_few_and_eight_are_not() -> None:
    assert withhold(Outcome.REPLICATES, around(9.0, 8), SIZES) == (Outcome.REPLICATES, ())
    outcome, why = withhold(Outcome.REPLICATES, around(9.0, 7), SIZES)
    assert outcome is Outcome.PARTIALLY
    assert why == ("It lies beyond 1 bits, but 7 seeds are too few to replicate.",)


def test_the_reason_names_the_smallest_mean_and_the_seeds_needed_have_a_closed_form() -> None:
    agreeing = of(*[1.25] * 8)
    outcome, why = withhold(Outcome.REPLICATES, agreeing, SIZES)
    assert outcome is Outcome.PARTIALLY
    enough = math.ceil(math.log(0.005) / math.log(1 / 1.25))  # the next analysis is at 99 %
    assert round(1.25 * 0.025 ** (1 / 8), 3) == 0.788
    assert why == (
        "It lies beyond 1 bits, but its mean may be only 0.788 bits if failing or low seeds are more "
        "frequent than here.",
    )
    assert seeds_to_replicate(agreeing, SIZES) == enough
    assert survives_unseen(agreeing, SIZES.at(0.99), enough)
    assert not survives_unseen(agreeing, SIZES.at(0.99), enough - 1)


def test_a_mean_at_the_smallest_size_never_survives() -> None:
    exactly = of(*[1.0] * 8)
    assert seeds_to_replicate(exactly, SIZES) is None
    assert withhold(Outcome.REPLICATES, exactly, SIZES)[0] is Outcome.PARTIALLY


def test_nothing_is_withheld_where_nothing_is_random() -> None:
    certain = Sizes(0.0, 1.0, "bits", deterministic=True)
    assert withhold(Outcome.REPLICATES, of(*[1.0] * 5), certain) == (Outcome.REPLICATES, ())


def test_a_seed_that_did_fail_lowers_the_bound() -> None:
    clean, one = around(1.5, 16), of(*around(1.5, 16).values.values(), math.nan)
    assert one.failed == 1
    assert survives_unseen(clean, SIZES)
    share = special.betaincinv(2, 16, 0.975)  # of 17 seeds one failed
    assert least_mean(one, SIZES) == pytest.approx(1.5 * (1 - share), abs=0.02)
    assert survives_unseen(one, SIZES)
    assert not survives_unseen(of(*around(1.35, 16).values.values(), math.nan), SIZES)


def test_a_failed_seed_has_the_null_value_where_it_is_counted_against() -> None:
    shifted = Sizes(0.5, 1.5, "bits")
    held = arm_of(dict(enumerate([2.5, 2.6, 2.4, 2.5, 2.5, 2.6, math.nan])), shifted)
    plain = arm_of(dict(enumerate([2.0, 2.1, 1.9, 2.0, 2.0, 2.1, math.nan])), SIZES)
    assert (
        count_failed(Outcome.REPLICATES, held, shifted)[0]
        is count_failed(Outcome.REPLICATES, plain, SIZES)[0]
    )


def test_the_named_seeds_survive_the_failed_ones_among_them() -> None:
    """In the proportions seen, Student's interval with failed seeds at the null value must reach the size."""
    one_of_nine = of(*[1.8] * 8, math.nan)
    enough = seeds_to_replicate(one_of_nine, SIZES)
    assert enough is not None
    times = math.ceil(enough / 9)
    repeated = of(*[1.8] * (8 * times), *[math.nan] * times)
    stricter = SIZES.at(0.99)
    assert count_failed(Outcome.REPLICATES, repeated, stricter)[0] is Outcome.REPLICATES
    assert survives_unseen(repeated, stricter)
    assert seeds_to_replicate(of(*[1.1] * 8, math.nan), SIZES) is None, "0.98 with the failed seed"
    assert counted_mean(of(*[1.125] * 8, math.nan), SIZES) == 1.0


def test_no_more_seeds_are_named_than_the_most() -> None:
    tight = Sizes(0.0, 0.9948, "")
    assert seeds_to_replicate(of(*[1.0] * 10), tight) is None


def test_the_share_of_failed_seeds_has_the_level_of_the_analysis() -> None:
    share = failed_share(of(1.0, 1.1, math.nan), SIZES.at(0.99))
    assert share is not None
    assert share.interval is not None
    assert share.interval.level == 0.99


def test_failed_seeds_of_a_small_effect_leave_the_size_excluded() -> None:
    """Counted at twice what counts they would read 'weaker than claimed': the verdict does change."""
    small = of(*[0.1, -0.1] * 50, *[math.nan] * 10)
    outcome, why = count_failed(Outcome.DOES_NOT_REPLICATE, small, SIZES)
    assert outcome is Outcome.DOES_NOT_REPLICATE
    assert why[-1] == "Counted against the verdict, they leave the smallest effect size excluded."
