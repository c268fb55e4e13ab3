"""Seeds that settle a share: against the intervals themselves, seed by seed."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from levinthal.lab.judging.share_plans import agreeing_seeds, seeds_of_share
from levinthal.lab.judging.shares import share_interval
from levinthal.lab.judging.verdicts import judge
from levinthal.vocabulary import Claim, Evidence, Outcome, Verdict

CLAIM = Claim(
    "X", "it happens", "a book", "it happened", "", 0.7, "", lambda rows: Evidence({}), null=0.5, binary=True
)
NEXT = 0.99
"""The level of the next analysis."""


def judged(yes: int, total: int, **change: float) -> Verdict:
    effects = dict(enumerate([1.0] * yes + [0.0] * (total - yes)))
    return judge(dataclasses.replace(CLAIM, **change), Evidence({"": effects}))  # type: ignore[arg-type]


@pytest.mark.parametrize("share", [0.05, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_agreeing_seeds_have_a_closed_form(share: float) -> None:
    count = agreeing_seeds(share)
    assert count == math.floor(math.log(0.005) / math.log(share)) + 1
    assert share_interval(count, count, level=NEXT).low > share
    assert count == 1 or share_interval(count - 1, count - 1, level=NEXT).low <= share
    assert share_interval(0, count, level=NEXT).high < 1 - share


@pytest.mark.parametrize(("yes", "total", "needed"), [(3, 3, 8), (5, 5, 8), (0, 3, 8), (1, 1, 5)])
def test_a_binary_claim_whose_seeds_agree_names_a_number(yes: int, total: int, needed: int) -> None:
    verdict = judged(yes, total)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert verdict.seeds_needed is not None
    assert verdict.seeds_needed >= needed
    if yes == total > 1:
        again = judged(verdict.seeds_needed, verdict.seeds_needed)
        assert again.outcome is not Outcome.INCONCLUSIVE
        assert verdict.seeds_needed == agreeing_seeds(0.5)


@pytest.mark.parametrize(("yes", "total"), [(4, 6), (7, 10), (5, 8)])
def test_the_named_seeds_settle_a_share_about_as_often_as_the_plan_aims_at(yes: int, total: int) -> None:
    """True shares as likely as the seeds seen make them; the seeds seen are kept."""
    rng = np.random.default_rng(total)
    needed = seeds_of_share(yes, total, 0.5, 0.7, ends=(0.5, 0.7))
    assert needed is not None
    shares = rng.uniform(0.5, 0.7, 40_000)
    likely = shares[rng.binomial(total, shares) == yes]
    counts, times = np.unique(yes + rng.binomial(needed - total, likely), return_counts=True)
    intervals = [share_interval(int(count), needed, level=NEXT) for count in counts]
    settled = [interval.low > 0.5 or interval.high < 0.7 for interval in intervals]
    assert times[settled].sum() / times.sum() == pytest.approx(0.65, abs=0.05)


def test_a_wider_distance_from_null_to_size_needs_fewer_seeds() -> None:
    plans = [seeds_of_share(5, 8, 0.5, size, ends=(0.5, size)) for size in (0.6, 0.7, 0.9)]
    assert None not in plans
    assert plans == sorted(plans, reverse=True)
    assert seeds_of_share(5, 8, 0.5, 0.51, ends=(0.5, 0.51)) is None
    assert seeds_of_share(3, 3, 0.999, 0.9999, ends=(0.999, 0.9999)) is None


def test_a_share_that_no_number_of_seeds_settles_says_so() -> None:
    verdict = judged(5, 8, smallest_effect=0.51)
    assert (verdict.outcome, verdict.seeds_needed) == (Outcome.INCONCLUSIVE, None)
    assert verdict.plan == "Not even 1000 seeds would probably settle it."
