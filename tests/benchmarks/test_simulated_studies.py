"""The benchmark of verdicts knows its truth; its stored page follows from its stored counts."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from benchmarks.simulated import noises
from benchmarks.simulated.cells import TRUTHS, Cell, all_cells
from benchmarks.simulated.judged import CHUNK, counted, first_word, settled
from benchmarks.simulated.noises import LAWS, SHARE, four_points
from benchmarks.simulated.page import page
from benchmarks.simulated.store import Store, measure, missing
from benchmarks.simulated.studies import claim_of, controls, drawn, effects, evidence_of, truth_of
from benchmarks.simulated.targets import targets

from levinthal.lab.judging.expected import FALSE_DENIALS, FALSE_REPLICATES, SKEWED
from levinthal.lab.judging.verdicts import judge
from levinthal.vocabulary import Outcome

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
MANY = (200_000,)


@pytest.mark.parametrize("name", LAWS)
def test_a_law_has_mean_0_and_standard_deviation_1(name: str) -> None:
    sample = LAWS[name](np.random.default_rng(0), MANY)
    assert abs(np.nanmean(sample)) < 5 / np.sqrt(len(sample))
    # The fourth moment of t with 3 degrees of freedom is infinite: its standard deviation converges slowly.
    assert np.nanstd(sample) == pytest.approx(1, rel=0.15 if name == "t, 3 d.f." else 0.05)


@pytest.mark.parametrize(
    ("name", "low", "values"),
    [
        ("two values, 50/50", 0.5, (-1, 1)),
        ("one in ten fails", 0.1, (-3, 1 / 3)),
        ("one in ten succeeds wildly", 0.9, (-1 / 3, 3)),
    ],
)
def test_a_law_of_two_values_has_those_values_that_often(
    name: str, low: float, values: tuple[float, float]
) -> None:
    sample = LAWS[name](np.random.default_rng(1), MANY)
    assert np.unique(sample) == pytest.approx(values)
    assert np.mean(sample < 0) == pytest.approx(low, abs=0.005)


def test_one_in_ten_has_no_finite_effect_and_three_quarters_are_zero() -> None:
    rng = np.random.default_rng(2)
    assert np.isnan(LAWS["one in ten not finite"](rng, MANY)).mean() == pytest.approx(0.1, abs=0.005)
    zero = LAWS["zero-inflated"](rng, MANY)
    assert np.mean(zero == zero.min()) == pytest.approx(noises.ZERO, abs=0.005)


def test_the_rank_correlations_of_four_points_are_those_of_all_rankings() -> None:
    values, weights = four_points()
    assert len(values) == 24
    assert weights.sum() == pytest.approx(1)
    assert values[0] == 1 == values.max()
    assert values[-1] == -1 == values.min()
    assert weights[0] == weights.max()


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("noise", ["normal", "two values, 50/50", "Spearman of four points", SHARE])
def test_the_mean_over_many_seeds_is_the_truth(noise: str, truth: float) -> None:
    cell = Cell("words", noise, 0.5, 50_000, truth)
    (study,) = effects(np.random.default_rng(3), cell, 1, cell.seeds)
    assert study.mean() == pytest.approx(truth_of(cell), abs=0.01)
    assert truth_of(cell) == (0.5 + 0.2 * truth if noise == SHARE else truth)


def test_conditions_share_what_is_said_and_the_uneven_one_is_nil() -> None:
    cell = Cell("words", "normal", 0.5, 50_000, 3.0, parts=4, shared=0.5, uneven=True)
    (study,) = effects(np.random.default_rng(4), cell, 1, cell.seeds)
    assert study.mean(1) == pytest.approx([0, 3, 3, 3], abs=0.02)
    assert study.std(1) == pytest.approx([0.5] * 4, rel=0.02)
    assert np.corrcoef(study)[0, 1] == pytest.approx(0.5, abs=0.02)
    assert truth_of(cell) == 2.25


def test_a_positive_control_has_the_stated_mean_and_no_negative_seed() -> None:
    cell = Cell("words", "normal", 0.5, 50_000, 4.5, control=0.5, positive=True)
    control = controls(np.random.default_rng(5), cell, 1, cell.seeds)
    assert control is not None
    assert control.min() > 0
    assert (control.mean(), control.std()) == (pytest.approx(0.5, abs=0.01), pytest.approx(0.25, abs=0.01))


def test_a_control_in_one_condition_is_nil_in_the_others() -> None:
    cell = Cell("words", "normal", 0.5, 50_000, 2.0, parts=4, control=2.0, in_one=True)
    control = controls(np.random.default_rng(7), cell, 1, cell.seeds)
    assert control is not None
    assert control.mean((0, 2)) == pytest.approx([2, 0, 0, 0], abs=0.02)
    plain = controls(np.random.default_rng(7), dataclasses.replace(cell, in_one=False), 1, cell.seeds)
    assert plain is not None
    assert plain.mean((0, 2)) == pytest.approx([2] * 4, abs=0.02)


def test_evidence_has_the_first_seeds_of_every_condition_and_of_the_control() -> None:
    cell = Cell("words", "normal", 0.5, 8, 1.0, parts=4, control=0.0)
    evidence = next(drawn(np.random.default_rng(6), cell, 1))
    assert [len(seeds) for seeds in evidence.effects.values()] == [8] * 4
    assert evidence.control.keys() == evidence.effects.keys()
    short = evidence_of(np.ones((4, 8)), seeds=5)
    assert [len(seeds) for seeds in short.effects.values()] == [5] * 4


def test_every_cell_has_its_own_name_and_generator() -> None:
    cells = all_cells()
    assert len({cell.key for cell in cells}) == len({cell.number for cell in cells}) == len(cells)


def test_every_target_has_cells_of_the_design() -> None:
    design = set(all_cells())
    for target in targets():
        assert target.groups, target.says
        assert {cell for group in target.groups for cell in group} <= design


def test_the_words_of_a_cell_add_up_and_an_effect_far_beyond_replicates() -> None:
    counts = counted(Cell("words", "normal", 0.25, 12, 4.0), 4, 0)
    assert counts["replicates"] == counts["studies"] == counts["intervals"] == 4
    assert sum(counts[word] for word in Outcome) == 4


def test_a_page_counts_claims_and_pages() -> None:
    counts = counted(Cell("page", "normal", 0.25, 12, 4.0, parts=12), 2, 0)
    assert (counts["held"], counts["a page with held"], counts["denied"]) == (24, 2, 0)


def test_the_first_word_is_the_first_that_decides() -> None:
    open_, held = Outcome.INCONCLUSIVE, Outcome.REPLICATES
    assert first_word([open_, held, Outcome.WEAKER]) is held
    assert first_word([open_, open_]) is open_


@pytest.mark.parametrize(
    ("values", "expected"), [((-3.0, 3.0), False), ((1.9, 2.1), True), ((-0.1, 0.1), True)]
)
def test_a_claim_is_settled_where_the_interval_holds_not_both_sizes(
    values: tuple[float, float], expected: bool
) -> None:
    claim = claim_of(Cell("words", "normal", 1.0, 8, 1.0))
    assert settled(judge(claim, evidence_of(np.array([[*values] * 4])))) is expected


def test_a_run_that_goes_on_has_the_counts_of_a_run_in_one_piece(tmp_path: Path) -> None:
    cell = Cell("words", "normal", 0.5, 5, 0.0)
    whole, halves = Store(tmp_path / "whole.json"), Store(tmp_path / "halves.json")
    measure([cell], whole, 2 * CHUNK, 1, print)
    measure([cell], halves, CHUNK, 1, print)
    measure([cell], Store(halves.path), 2 * CHUNK, 1, print)
    assert Store(halves.path).of(cell) == whole.of(cell)
    assert whole.of(cell)["studies"] == 2 * CHUNK
    assert missing(cell, whole.of(cell), 2 * CHUNK) == []


def test_the_stored_page_follows_from_the_stored_counts() -> None:
    stored = (RESULTS / "verdicts.md").read_text()
    again = page(Store(RESULTS / "verdicts-before.json").of, Store(RESULTS / "verdicts.json").of, "")
    assert tables_of(stored) == tables_of(again)


def tables_of(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("|")]


def test_the_rates_of_a_page_are_not_below_those_measured() -> None:
    store = Store(RESULTS / "verdicts.json")
    exactly = [c for c in all_cells() if c.is_borderline and c.spread == 0.5 and c.seeds >= 8]
    for cell in exactly:
        counts = Counter(store.of(cell))
        rates = (counts["replicates"], counts["weaker than claimed"] + counts["does not replicate"])
        limits = (FALSE_REPLICATES, FALSE_DENIALS) if cell.noise == "normal" else (SKEWED, SKEWED)
        if cell.noise == "normal" or "lognormal" in cell.noise or "exponential" in cell.noise:
            for hits, limit in zip(rates, limits, strict=True):
                error = (limit * (1 - limit) / counts["studies"]) ** 0.5
                assert hits / counts["studies"] <= limit + 2 * error, cell.key
