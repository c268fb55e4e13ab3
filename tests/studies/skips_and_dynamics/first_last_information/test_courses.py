"""Courses of training and of layers that look like the sentence (C1, C6, C9, C12, C12b) and are not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import pytest
from tests import simulated_first_last as simulated
from tests.studies.skips_and_dynamics.first_last_information.test_claims import (
    CLAIMS,
    in_every_mode,
    trains,
    verdict,
)

from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.skips_and_dynamics.first_last_information.claims.information import kept_rise
from levinthal.studies.skips_and_dynamics.first_last_information.claims.training import (
    share_gained,
    trend_over_layers,
)
from levinthal.vocabulary import Cell, Estimate, Measurement, Outcome, Row


def jumps(then: float) -> Callable[[Cell, float], float]:
    """Two bits more within the first fifth, and then a steady change."""
    return lambda cell, share: 2 + trains(cell) * (2 * min(1, share / 0.2) + then * max(0, share - 0.2) / 0.8)


def test_a_rise_that_mostly_falls_back_is_none() -> None:
    """The end stands 0.75 bits above the start, after a fall of 1.25: the rise alone replicated."""
    found = verdict("C1", information=in_every_mode(jumps(then=-1.25)))
    assert found.outcome is Outcome.DOES_NOT_REPLICATE
    assert found.effect.value < 0
    assert verdict("C1", information=in_every_mode(jumps(then=0.0))).outcome is Outcome.REPLICATES


def test_a_jump_of_the_first_step_is_no_gradual_rise() -> None:
    """Debiased statistics jump at the first step with frozen weights too; then the course only falls."""
    jump = in_every_mode(lambda cell, share: 2 + trains(cell) * (share > 0) * (1 - share))
    found = verdict("C6", information=jump)
    assert found.outcome is Outcome.DOES_NOT_REPLICATE
    assert found.effect.value < 0


def test_noise_of_a_plateau_takes_little_of_a_rise() -> None:
    draw = np.random.default_rng(0)
    course = np.minimum(np.arange(15) / 5, 1)
    rows = Rows.of(
        Row({}, Measurement("bits", Estimate.exact(value), seed, step))
        for seed in range(50)
        for step, value in enumerate(course + 0.05 * draw.normal(size=15))
    )
    assert np.mean(list(kept_rise(rows).by_seed.values())) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("id_", ["C1", "C1m"])
@pytest.mark.parametrize(("then", "rises"), [(0.5, True), (-0.5, False)])
def test_a_rise_that_is_highest_where_the_run_ends_is_told_to_be_open(
    id_: str, then: float, rises: bool
) -> None:
    """Of a course that falls back by step 2,000, a run of 240 steps replicated, and no note said so."""
    found = verdict(id_, information=in_every_mode(jumps(then)))
    assert ("W=20: still rising when the run ends: whether the rise stays is open." in found.reasons) == rises
    assert "to the end of the updates run here" in CLAIMS[id_].says


def test_where_a_claim_is_read_from_tells_width_and_depth() -> None:
    found = verdict("C1m").reasons
    assert "Read from: batches of 128, 120 steps, 10/20 wide, 10 layers." in found


@pytest.mark.parametrize("id_", ["C2", "C2m", "C9", "C9m", "C11", "C11m", "C11b", "C11bm", "C12b", "C12bm"])
def test_numbers_that_test_no_sentence_are_reported(id_: str) -> None:
    assert CLAIMS[id_].smallest_effect is None


def of_layers(accuracy: Callable[[int], float]) -> Rows:
    return Rows.of(
        Row({}, Measurement("accuracy", Estimate.exact(accuracy(at)), 0, 0, f"hidden{at}"))
        for at in range(1, 11)
    )


def test_wide_ends_are_no_trend_over_layers() -> None:
    flat = of_layers(lambda at: 0.95 if at in (1, 10) else 0.9 + 0.001 * (at % 2))
    rising = of_layers(lambda at: 0.99 if at == 1 else 0.5 + at / 100)
    assert abs(trend_over_layers(flat)[0]) < 0.3
    assert trend_over_layers(rising)[0] == 1


@pytest.mark.parametrize("id_", ["C12", "C12m"])
def test_a_gain_is_a_sentence_of_ours_and_stands_beside_the_similarity_itself(id_: str) -> None:
    """Layers that stay at 0.95 are highly correlated, as the paper says: its sentence was denied."""
    claim = CLAIMS[id_]
    assert (claim.source, claim.quote) == ("ours", "")
    assert "than with shuffled ones" in claim.says
    of_runs = Rows.of(_similarities("full" if id_ == "C12" else "128"))
    found = judge(claim, claim.evidence(of_runs))
    assert found.outcome is Outcome.DOES_NOT_REPLICATE
    expected = "Similarity 0.95 before training, 0.95 after it, 0.95 with shuffled labels."
    assert expected in found.reasons
    assert any(
        reason.startswith("True labels less shuffled ones, after training: ") for reason in found.reasons
    )


def _similarities(batch: str) -> Iterator[Row]:
    draw = np.random.default_rng(0)
    for task in simulated.tasks(simulated.SIZE):
        if task.cell["read"] != "everything" or task.cell["batch"] != batch:
            continue
        for seed, step, layer in product(task.seeds, (0, 120), range(2, 11)):
            similarity = Estimate.exact(0.95 + 0.001 * draw.normal())
            yield Row(task.cell, Measurement("neighbour_cka", similarity, seed, step, f"hidden{layer}"))


def test_similar_layers_can_still_gain_all_that_they_lack() -> None:
    assert share_gained(1.0, 0.95) == 1
    assert math.isnan(share_gained(1.0, 1.0))
