from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from levinthal.errors import InputError
from levinthal.lab.judging.trends import grouped_spearman, jonckheere, rank_correlation


def wins(groups: list[list[float]]) -> float:
    """J by the book: pairs from two groups that rise, ties count half."""
    pairs = itertools.combinations(groups, 2)
    return sum((b > a) + (a == b) / 2 for low, high in pairs for a in low for b in high)


def p_by_enumeration(groups: list[list[float]]) -> float:
    """Every order of the values, distributed to the groups."""
    sizes = [len(group) for group in groups]
    ends = list(itertools.accumulate(sizes, initial=0))
    values = [value for group in groups for value in group]
    deals = itertools.permutations(values)
    found = [wins([list(deal[a:b]) for a, b in itertools.pairwise(ends)]) for deal in deals]
    return sum(j >= wins(groups) for j in found) / len(found)


def test_jonckheere_by_hand() -> None:
    # groups {1, 3}, {2, 5}, {4, 6}: pairs that rise: 3 of 4, then 4 of 4, then 3 of 4
    trend = jonckheere([[1.0, 3.0], [2.0, 5.0], [4.0, 6.0]])
    assert trend.statistic == 10
    assert trend.effect == pytest.approx(10 / 12)
    # a perfect trend is one of 6! / (2! 2! 2!) = 90 deals
    assert jonckheere([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).p_value == pytest.approx(1 / 90)


@pytest.mark.parametrize(
    "groups",
    [
        [[1.0, 3.0], [2.0, 5.0], [4.0, 6.0]],
        [[1.0, 1.0, 2.0], [1.0, 2.0], [2.0, 3.0]],
        [[3.0], [2.0, 2.0], [1.0, 4.0, 4.0]],
        [[1.0, 1.0], [1.0, 1.0]],
    ],
)
def test_jonckheere_is_the_permutation_test(groups: list[list[float]]) -> None:
    assert jonckheere(groups).statistic == wins(groups)
    assert jonckheere(groups).p_value == pytest.approx(p_by_enumeration(groups))


def test_two_groups_are_the_mann_whitney_test() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=9), rng.normal(0.5, 1, 11)
    exact = stats.mannwhitneyu(b, a, alternative="greater", method="exact")
    trend = jonckheere([a.tolist(), b.tolist()])
    assert (trend.statistic, trend.p_value) == pytest.approx((exact.statistic, exact.pvalue))
    large = [np.round(rng.normal(size=90), 1), np.round(rng.normal(0.3, 1, 80), 1)]
    normal = stats.mannwhitneyu(large[1], large[0], alternative="greater", method="asymptotic")
    trend = jonckheere([group.tolist() for group in large])
    assert trend.method == "normal approximation"
    assert trend.p_value == pytest.approx(normal.pvalue)


def test_the_normal_law_continues_the_exact_one() -> None:
    rng = np.random.default_rng(4)
    small = [np.round(rng.normal(0.2 * g, 1, 5), 1).tolist() for g in range(4)]
    large = [np.round(rng.normal(0.2 * g, 1, 8), 1).tolist() for g in range(4)]
    exact, normal = jonckheere(small), jonckheere(large)
    assert (exact.method, normal.method) == ("exact permutation", "normal approximation")
    shuffled = np.concatenate(large)
    draws = [wins(np.array_split(rng.permutation(shuffled), 4)) for _ in range(800)]
    assert normal.p_value == pytest.approx(np.mean(np.array(draws) >= normal.statistic), abs=0.05)


def test_falling_is_rising_read_backwards() -> None:
    groups = [[5.0, 6.0], [3.0, 4.0], [1.0, 2.0]]
    assert jonckheere(groups, falling=True).p_value == pytest.approx(1 / 90)
    assert jonckheere(groups).p_value == 1.0


def test_a_trend_needs_two_groups() -> None:
    with pytest.raises(InputError, match=r"sizes \[3\]"):
        jonckheere([[1.0, 2.0, 3.0]])
    with pytest.raises(InputError, match=r"sizes \[1, 0\]"):
        jonckheere([[1.0], []])


@given(st.lists(st.lists(st.integers(0, 5).map(float), min_size=1, max_size=3), min_size=2, max_size=3))
def test_no_trend_is_as_likely_either_way(groups: list[list[float]]) -> None:
    rising, falling = jonckheere(groups), jonckheere(groups, falling=True)
    assert rising.effect + falling.effect == pytest.approx(1)
    assert rising.p_value + falling.p_value >= 1 - 1e-12  # the observed J is counted in both tails


def test_simpsons_paradox_is_shown() -> None:
    rng = np.random.default_rng(2)
    x, y, names = [], [], []
    for depth in range(4):
        inside = rng.normal(size=20)
        x += (inside + 6 * depth).tolist()
        y += (-inside + 6 * depth + rng.normal(0, 0.1, 20)).tolist()
        names += [f"depth {depth}"] * 20
    found = grouped_spearman(x, y, names)
    assert found.typical < -0.9
    assert found.across == pytest.approx(1.0)
    assert found.pooled > 0.8
    assert found.paradox
    assert found.pooled == pytest.approx(stats.spearmanr(x, y).statistic)


def test_correlations_that_are_not_there_are_nan() -> None:
    found = grouped_spearman([1.0, 2.0, 1.0, 2.0, 3.0], [1.0, 2.0, 5.0, 5.0, 5.0], ["a", "a", "b", "b", "b"])
    assert all(math.isnan(rho) for rho in (*found.within.values(), found.across, found.typical))
    assert not found.paradox
    with pytest.raises(InputError, match="5, 5 and 1"):
        grouped_spearman([1.0] * 5, [1.0] * 5, ["a"])


def test_values_that_are_missing_do_not_count_in_a_rank_correlation() -> None:
    x, y = np.array([1.0, 2.0, 3.0, 4.0, math.inf]), np.array([1.0, 4.0, math.nan, 9.0, -7.0])
    assert rank_correlation(x, y) == 1
    assert math.isnan(rank_correlation(x[2:], y[2:]))
    assert rank_correlation(x[:2].repeat(2), np.ones(4)) == 0
