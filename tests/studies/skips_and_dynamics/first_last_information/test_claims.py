"""Claims on simulated runs: each must hold where its effect was planted, and must not where it was not."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from tests import simulated_first_last as simulated

from levinthal.lab import Rows
from levinthal.lab.analysis import Effect
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.skips_and_dynamics.first_last_information import study
from levinthal.studies.skips_and_dynamics.first_last_information.claims.information import (
    held_out_peak,
    kept_rise,
    within_budget,
)
from levinthal.vocabulary import Cell, Estimate, Evidence, Measurement, Outcome, Row, Verdict

CLAIMS = {claim.id: claim for claim in study.claims}
EVERY_MODE = [(mode, readout) for mode in ("running", "debiased", "batch") for readout in ("before", "after")]


def evidence(name: str, **planted) -> Evidence:
    """From the cells of the claim's kind of batch; those of C11 are many, and no other claim needs them."""

    def needed(cell: Cell) -> bool:
        of_c11 = cell["slope"] != 1 or cell["init"] in ("he_normal", "identity_like")
        kind = (cell["batch"] == "full") == (not name.endswith("m"))
        return kind and (name.startswith("C11") or not of_c11)

    return CLAIMS[name].evidence(simulated.rows(of=planted.pop("of", needed), **planted))


def verdict(name: str, **planted) -> Verdict:
    return judge(CLAIMS[name], evidence(name, **planted))


def trains(cell: Cell) -> float:
    return float(cell["rate"] != 0)


def in_every_mode(number) -> dict:
    return dict.fromkeys(EVERY_MODE, number)


def test_every_claim_of_the_paper_is_judged_for_each_kind_of_batch() -> None:
    full = ["C1", "C2", "C3", "C4", "C4b", "C5", "C5b", "C6", "C7", "C8", "C9", "C11", "C11b", "C12", "C12b"]
    assert list(CLAIMS) == sorted(
        [*full, *(f"{id_}m" for id_ in full), "C8b", "C10", "C10b"],
        key=lambda id_: (int(id_.strip("Cbm")), "b" in id_, "m" in id_),
    )


def test_every_claim_stands_beside_its_sentence_and_its_control() -> None:
    for claim in study.claims:
        assert claim.quote or claim.source == "ours"
        assert claim.smallest_effect is None or claim.control or claim.why_no_control
        assert not claim.control.startswith("orthogonal")


@pytest.mark.parametrize("id_", ["C1", "C1m"])
def test_rising_information_is_seen_in_every_mode(id_: str) -> None:
    found = verdict(id_, information=in_every_mode(lambda cell, share: 1 + trains(cell) * share))
    assert found.outcome is Outcome.REPLICATES


def test_rising_information_that_frozen_weights_show_too_is_no_rise() -> None:
    artefact = {("running", readout): lambda cell, share: 1 + share for readout in ("before", "after")}
    assert verdict("C1", information=artefact).outcome is not Outcome.REPLICATES


def test_flat_information_does_not_rise_nor_a_rise_too_small_to_count() -> None:
    assert verdict("C1").outcome is Outcome.DOES_NOT_REPLICATE
    steady = in_every_mode(lambda cell, share: 1 + 0.1 * trains(cell) * share)
    assert verdict("C1", information=steady).outcome is Outcome.WEAKER


def test_the_other_kind_of_batch_does_not_touch_a_claim() -> None:
    full_alone = in_every_mode(lambda cell, share: 1 + trains(cell) * share * (cell["batch"] == "full"))
    planted = {"information": full_alone, "of": lambda cell: cell["read"] in ("everything", "readings")}
    assert verdict("C1", **planted).outcome is Outcome.REPLICATES
    assert verdict("C1m", **planted).outcome is Outcome.DOES_NOT_REPLICATE


def head_start(cell: Cell, share: float) -> float:
    return 2 + trains(cell) * ("shortcut" in str(cell["architecture"])) * (1 - share)


def test_a_head_start_that_falls_is_read_after_the_sum_alone() -> None:
    after = {(mode, "after"): head_start for mode in ("running", "debiased", "batch")}
    assert verdict("C2", information=after).effect.value == pytest.approx(1, abs=0.05)
    before = {(mode, "before"): head_start for mode in ("running", "debiased", "batch")}
    assert verdict("C2", information=before).effect.value == pytest.approx(0, abs=0.05)


@pytest.mark.parametrize("id_", ["C2", "C2m"])
def test_a_fall_of_the_scale_alone_is_no_fall_of_information(id_: str) -> None:
    """The last layer is only scaled: the KSG score falls by 1.2 bits, z-scored by 0.6. It replicated."""

    def scaled(by: float) -> Callable[[Cell, float], float]:
        return lambda cell, share: (
            3 + ("shortcut" in str(cell["architecture"])) * (1 - by * share * trains(cell))
        )

    after = {("batch", "after"): scaled(1.2), ("zscored", "after"): scaled(0.6)}
    found = verdict(id_, information=after)
    assert found.outcome is Outcome.REPORTED
    assert found.effect.value == pytest.approx(0.6, abs=0.05)
    for name in ("KSG", "z-scored KSG"):
        assert any(reason.startswith(f"{name} at first") for reason in found.reasons)


def faster_with_a_shortcut(cell: Cell, share: float) -> float:
    speed = 2.5 if "shortcut" in str(cell["architecture"]) else 1.0
    return 0.9 * 0.5 ** (4 * speed * share)


def best_in_the_middle(error):
    """The same error, with the middle of the grid the best rate."""
    return lambda cell, share: min(error(cell, share) * (1.0 if cell["rate"] == 1e-3 else 1.3), 1.0)


def test_a_faster_shortcut_replicates_and_an_equal_one_does_not() -> None:
    assert verdict("C3m", error=best_in_the_middle(faster_with_a_shortcut)).outcome is Outcome.REPLICATES
    equal = verdict("C3m", error=best_in_the_middle(simulated.falling_error))
    assert equal.outcome is Outcome.DOES_NOT_REPLICATE


def test_a_shortcut_that_is_fast_by_its_large_logits_alone_proves_nothing() -> None:
    def fast(cell: Cell, share: float) -> float:
        quick = "shortcut" in str(cell["architecture"]) or "large_logits" in str(cell["init"])
        return 0.9 * 0.5 ** (4 * (2.5 if quick else 1.0) * share)

    found = verdict("C3m", error=best_in_the_middle(fast))
    assert found.outcome not in (Outcome.REPLICATES, Outcome.PARTIALLY)


def test_a_winner_on_the_grids_edge_leaves_the_comparison_open() -> None:
    found = verdict(
        "C3m",
        error=lambda cell, share: faster_with_a_shortcut(cell, share) * 10 ** (-20 * float(cell["rate"])),
    )
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("edge" in reason for reason in found.reasons)


def slower_when_deep(cell: Cell, share: float) -> float:
    return 0.9 * 0.5 ** (6 * share * min(1.0, (5 / float(cell["depth"])) ** 0.5))


def test_depth_that_slows_from_ten_layers_on() -> None:
    assert verdict("C4m", error=best_in_the_middle(slower_when_deep)).outcome is Outcome.REPLICATES
    steady = verdict("C4m", error=best_in_the_middle(simulated.falling_error))
    assert steady.outcome is Outcome.DOES_NOT_REPLICATE


def test_the_slope_of_shallow_networks_shares_no_network_with_the_effect() -> None:
    def only_between_five_and_ten(cell: Cell, share: float) -> float:
        return 0.9 * 0.5 ** (4 * share * (1.0 if cell["depth"] <= 5 else 0.7))

    found = evidence("C4m", error=best_in_the_middle(only_between_five_and_ten))
    assert not found.control
    assert all(abs(np.mean([*one.values()])) < 0.15 for one in found.effects.values())
    assert any(note.startswith("The same up to 5 layers, in other networks: ") for note in found.notes)


def ends_worse_when_deep(cell: Cell, share: float) -> float:
    return simulated.final_error(cell, share) * max(1.0, float(cell["depth"]) / 10)


def test_an_error_that_ends_worse_when_deep() -> None:
    assert verdict("C4bm", error=best_in_the_middle(ends_worse_when_deep)).outcome is Outcome.REPLICATES


@pytest.mark.parametrize("id_", ["C4bm", "C7m"])
def test_an_error_that_still_falls_is_not_final(id_: str) -> None:
    found = verdict(id_, error=best_in_the_middle(simulated.falling_error))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("not final" in reason for reason in found.reasons)


def test_a_slope_of_shallow_networks_voids_no_claim_on_deep_ones() -> None:
    def slower(cell: Cell, share: float) -> float:
        return 0.9 * 0.5 ** (10 * share * (3 / float(cell["depth"])) ** 0.5)

    found = verdict("C4m", error=best_in_the_middle(slower))
    assert found.control is None
    assert any("up to 5 layers, in other networks: 0." in reason for reason in found.reasons)
    assert found.outcome is Outcome.REPLICATES


def test_a_peak_is_seen_and_a_rise_leaves_it_open() -> None:
    peaked = in_every_mode(lambda cell, share: 2 + 4 * trains(cell) * share * (1 - share))
    assert verdict("C6", information=peaked).outcome is Outcome.REPLICATES
    rising = verdict("C6", information=in_every_mode(lambda cell, share: 2 + trains(cell) * share))
    assert rising.outcome is Outcome.INCONCLUSIVE
    assert any("till rising when the run ends" in reason for reason in rising.reasons)
    falling = verdict("C6", information=in_every_mode(lambda cell, share: 2 - trains(cell) * share))
    assert falling.outcome is Outcome.DOES_NOT_REPLICATE
    assert falling.effect.value < 0


def test_noise_makes_no_peak() -> None:
    """The step of the peak is that of the other seeds: noise of one seed does not lift its own peak."""
    found = verdict("C6", noise=0.2)
    assert found.outcome is not Outcome.REPLICATES
    assert found.effect is None or found.effect.interval.low < 0.05


@pytest.mark.parametrize("of", [kept_rise, held_out_peak])
def test_a_run_that_ends_before_the_peak_can_show_says_nothing(of: Callable[[Rows], Effect]) -> None:
    steps = np.arange(41)
    rows = Rows.of(
        Row({"architecture": "residual"}, Measurement("bits", Estimate.exact(step), seed, step))
        for step in steps
        for seed in range(8)
    )
    found = within_budget(of)(rows)
    assert all(math.isnan(value) for value in found.by_seed.values())
    assert "40 steps ends before step 120" in found.note


def test_running_statistics_that_settle_make_no_peak() -> None:
    """They rise, frozen or not; a decline of the weights' own made a peak of 0.8 bits of it."""

    def settling(cell: Cell, share: float) -> float:
        return 2 + 1.2 * min(1, share / 0.6) - 1.2 * trains(cell) * max(0, share - 0.6) / 0.4

    small = in_every_mode(lambda cell, share: 3 + 0.06 * trains(cell) * 4 * share * (1 - share))
    found = verdict("C6", information=small | {("running", "before"): settling})
    assert found.effect.value < 0.1
    assert found.outcome in (Outcome.WEAKER, Outcome.DOES_NOT_REPLICATE)


def better_with_residuals(cell: Cell, share: float) -> float:
    return simulated.final_error(cell, share) * (0.6 if "residual" in str(cell["architecture"]) else 1.0)


def test_residuals_that_end_better_or_the_same() -> None:
    better = verdict("C7m", error=best_in_the_middle(better_with_residuals), noise=0.005)
    assert better.outcome is Outcome.REPLICATES
    same = verdict("C7m", error=best_in_the_middle(simulated.final_error), noise=0.005)
    assert same.outcome is Outcome.DOES_NOT_REPLICATE


def test_no_runs_are_no_verdict() -> None:
    empty = simulated.Rows.of([], factors=simulated.tasks(simulated.SIZE)[0].cell)
    for claim in study.claims:
        found = judge(claim, claim.evidence(empty))
        assert found.outcome is Outcome.INCONCLUSIVE
        assert found.seeds == 0
