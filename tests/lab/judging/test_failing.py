from __future__ import annotations

import math

import pytest

from levinthal.lab.judging.arms import Arm, arm_of
from levinthal.lab.judging.failing import (
    count_failed,
    failed_share,
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
    share = failed_share(of(1.0, 1.1, 0.9, 1.0, 1.2, math.nan, math.inf, -math.inf))
    assert share is not None
    assert share.interval is not None
    assert share.value == 3 / 8
    assert (share.interval.low, share.interval.high) == pytest.approx((0.0852, 0.7551), abs=1e-4)
    assert failed_share(of(1.0, 2.0)) is None


@pytest.mark.parametrize("n", [8, 12, 32])
def test_the_word_survives_unseen_seeds_exactly_from_the_closed_form_on(n: int) -> None:
    least = 1 / 0.05 ** (1 / n)
    assert survives_unseen(n, around(least + 1e-3, n), SIZES)
    assert not survives_unseen(n, around(least - 1e-3, n), SIZES)


def test_seven_seeds_are_too_few_and_eight_are_not() -> None:
    assert withhold(Outcome.REPLICATES, around(9.0, 8), SIZES) == (Outcome.REPLICATES, ())
    outcome, why = withhold(Outcome.REPLICATES, around(9.0, 7), SIZES)
    assert outcome is Outcome.PARTIALLY
    assert why == (
        "It lies beyond 1 bits, but 7 seeds are too few to replicate. "
        "8 seeds without a failure would be enough.",
    )


def test_the_reason_names_the_unseen_share_and_the_way_out() -> None:
    outcome, why = withhold(Outcome.REPLICATES, around(1.25, 8), SIZES)
    assert outcome is Outcome.PARTIALLY
    enough = math.ceil(math.log(0.01) / math.log(1 / 1.25))  # the next analysis is at 99 %
    assert why == (
        "It lies beyond 1 bits, but up to 31 % of seeds may fail; with those at zero the mean would not. "
        f"{enough} seeds without a failure would be enough.",
    )
    assert seeds_to_replicate(around(1.25, 8), SIZES) == enough
    assert survives_unseen(enough, around(1.25, 8), SIZES.at(0.99))


def test_a_mean_at_the_smallest_size_never_survives() -> None:
    exactly = of(*[1.0] * 8)
    assert seeds_to_replicate(exactly, SIZES) is None
    assert "More than 1000 seeds" in withhold(Outcome.REPLICATES, exactly, SIZES)[1][0]


def test_nothing_is_withheld_where_nothing_is_random() -> None:
    certain = Sizes(0.0, 1.0, "bits", deterministic=True)
    assert withhold(Outcome.REPLICATES, of(*[1.0] * 5), certain) == (Outcome.REPLICATES, ())


def test_seeds_that_did_fail_widen_the_share_that_may() -> None:
    clean, one = around(1.5, 16), of(*around(1.5, 16).values.values(), math.nan)
    assert survives_unseen(16, clean, SIZES)
    assert one.failed == 1
    assert 1 - 0.05 ** (1 / 16) < 0.2 < 0.27
    assert survives_unseen(16, one, SIZES)
    assert not survives_unseen(16, of(*around(1.3, 16).values.values(), math.nan), SIZES)


def test_a_failed_seed_has_the_null_value_where_it_is_counted_against() -> None:
    shifted = Sizes(0.5, 1.5, "bits")
    held = arm_of(dict(enumerate([2.5, 2.6, 2.4, 2.5, 2.5, 2.6, math.nan])), shifted)
    plain = arm_of(dict(enumerate([2.0, 2.1, 1.9, 2.0, 2.0, 2.1, math.nan])), SIZES)
    assert (
        count_failed(Outcome.REPLICATES, held, shifted)[0]
        is count_failed(Outcome.REPLICATES, plain, SIZES)[0]
    )
