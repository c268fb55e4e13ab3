"""The corners of the benchmark of verdicts, with fewer studies: the judge keeps its targets there."""

from __future__ import annotations

import math

import pytest
from benchmarks.simulated.cells import Cell
from benchmarks.simulated.judged import CHUNK, Counts, counted
from benchmarks.simulated.targets import Share, share

pytestmark = pytest.mark.slow
STUDIES = 400


def found(cell: Cell, word: str, studies: int = STUDIES, of: str = "studies") -> Share:
    counts = Counts()
    for chunk in range(studies // CHUNK):
        counts.update(counted(cell, CHUNK, chunk))
    return share(word, of)(counts)


def error(limit: float, total: int) -> float:
    """Three Monte-Carlo errors at the limit."""
    return 3 * math.sqrt(limit * (1 - limit) / total)


def assert_at_most(limit: float, share: Share) -> None:
    assert share.value <= limit + error(limit, share.total)


def assert_at_least(limit: float, share: Share) -> None:
    assert share.value >= limit - error(limit, share.total)


@pytest.mark.parametrize("parts", [1, 12])
@pytest.mark.parametrize("noise", ["normal", "t, 3 d.f.", "exponential, tail down", "one in ten fails"])
def test_nothing_replicates_where_there_is_no_effect(noise: str, parts: int) -> None:
    cell = Cell("words", noise, 0.5, 8, 0.0, parts, control=0.0)
    assert_at_most(0.005, found(cell, "replicates", STUDIES // parts))


@pytest.mark.parametrize(
    ("noise", "limit"),
    [
        ("normal", 0.03),
        ("lognormal .5, tail down", 0.03),
        ("Spearman of four points", 0.03),
        ("one in ten not finite", 0.03),
        ("0/1 share", 0.03),
        ("one in ten fails", 0.12),
    ],
)
def test_an_effect_of_exactly_the_smallest_size_seldom_replicates(noise: str, limit: float) -> None:
    assert_at_most(limit, found(Cell("words", noise, 0.5, 8, 1.0), "replicates"))


@pytest.mark.parametrize(("noise", "limit"), [("lognormal 1, tail down", 0.03), ("one in ten fails", 0.12)])
def test_rare_low_seeds_are_allowed_for_where_few_or_none_were_seen(noise: str, limit: float) -> None:
    assert_at_most(limit, found(Cell("words", noise, 0.5, 32, 1.0), "replicates"))


@pytest.mark.parametrize("parts", [1, 4, 12])
def test_twice_the_smallest_size_replicates(parts: int) -> None:
    cell = Cell("words", "normal", 0.5, 8, 2.0, parts, control=0.0)
    assert_at_least(0.9, found(cell, "replicates", STUDIES // parts))


@pytest.mark.parametrize("parts", [4, 12])
def test_a_true_effect_is_not_set_aside_for_a_control_below_the_smallest_size(parts: int) -> None:
    cell = Cell("words", "normal", 0.5, 8, 4.0, parts, control=0.5)
    assert_at_most(0.05, found(cell, "set aside", STUDIES // parts))
    assert_at_least(0.95, found(cell, "replicates", STUDIES // parts))


def test_no_condition_is_set_aside_without_sure_evidence() -> None:
    cell = Cell("words", "normal", 1.0, 5, 4.0, 12, control=0.5)
    assert_at_most(0.05, found(cell, "set aside", 100))


def test_a_control_that_explains_one_condition_of_several_is_noticed() -> None:
    cell = Cell("words", "normal", 1.0, 8, 2.0, 4, control=2.0, in_one=True)
    assert_at_most(0.03, found(cell, "replicates", 200))


@pytest.mark.parametrize(("effect", "control"), [(2.0, 1.0), (2.0, 2.0)])
def test_an_effect_that_the_control_explains_does_not_replicate(effect: float, control: float) -> None:
    assert_at_most(0.03, found(Cell("words", "normal", 0.5, 8, effect, control=control), "replicates"))


def test_the_seeds_that_would_settle_a_claim_do_so_about_as_often_as_is_said() -> None:
    cell = Cell("settle", "normal", 2.0, 8, 1.0)
    settled = found(cell, "settled with added seeds", 100, "asked")
    assert_at_least(0.75, settled)
    assert_at_most(0.95, settled)
