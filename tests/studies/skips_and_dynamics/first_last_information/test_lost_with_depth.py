"""Information lost with depth (C5, C5b): of all depths and from 5 layers on, in seeds with every depth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.studies.skips_and_dynamics.first_last_information.test_claims import (
    CLAIMS,
    best_in_the_middle,
    in_every_mode,
    verdict,
)

from levinthal.lab import Rows
from levinthal.lab.analysis import Effect
from levinthal.lab.analysis.curves import last
from levinthal.lab.judging.verdicts import judge
from levinthal.studies.skips_and_dynamics.first_last_information.claims.keys import PLAIN
from levinthal.studies.skips_and_dynamics.first_last_information.claims.lost_with_depth import (
    at_one_end,
    least_loss,
)
from levinthal.vocabulary import Cell, Estimate, Evidence, Measurement, Outcome, Row, Verdict


def test_information_lost_with_depth() -> None:
    deep = in_every_mode(lambda cell, share: 9 - float(cell["depth"]) ** 0.5)
    assert verdict("C5m", information=deep).outcome is Outcome.REPLICATES
    assert verdict("C5bm", information=deep).outcome is Outcome.REPLICATES
    assert verdict("C5m").outcome is Outcome.DOES_NOT_REPLICATE


def test_information_that_is_low_because_a_deep_network_has_learnt_less() -> None:
    """Information that follows the error alone: less at the end when deep, the same at the same error."""

    def slower(cell: Cell, share: float) -> float:
        return 0.9 * 0.5 ** (6 * share * (3 / float(cell["depth"])) ** 0.5)

    def progress(cell: Cell, share: float) -> float:
        return 9 - 10 * slower(cell, share)

    planted = {
        "error": best_in_the_middle(slower),
        "information": in_every_mode(progress),
    }
    assert verdict("C5m", **planted).effect.value > 0.25
    assert verdict("C5bm", **planted).outcome is Outcome.DOES_NOT_REPLICATE


def number_after(found: Verdict, words: str) -> float:
    """The bits that a note tells."""
    return next(float(reason.split()[-2]) for reason in found.reasons if reason.startswith(words))


def at_depths(**bits: float) -> dict:
    return in_every_mode(lambda cell, share: bits.get(f"D{cell['depth']}", 4))


@pytest.mark.parametrize("id_", ["C5m", "C5bm"])
def test_a_loss_between_three_and_five_layers_alone_is_no_loss_with_depth(id_: str) -> None:
    """From 5 layers on information rises: the slope over all depths was 0.42 bits, and replicated."""
    found = verdict(id_, information=at_depths(D3=5, D5=3, D10=3.2, D20=3.5))
    assert found.outcome is Outcome.DOES_NOT_REPLICATE
    assert found.effect.value < 0


@pytest.mark.parametrize("id_", ["C5m", "C5bm"])
def test_a_loss_between_five_and_ten_layers_alone_is_no_loss_with_depth(id_: str) -> None:
    """From 10 layers on information rises: the smaller loss was 0.75 bits, and replicated."""
    found = verdict(id_, information=at_depths(D3=5.5, D5=5, D10=3, D20=3.5))
    assert found.outcome is Outcome.DOES_NOT_REPLICATE
    assert found.effect.value < 0


@pytest.mark.parametrize("id_", ["C5m", "C5bm"])
def test_a_loss_between_ten_and_twenty_layers_alone_is_no_loss_with_depth(id_: str) -> None:
    """Up to 10 layers information rises: the smallest of three losses was 0.5 bits, and replicated."""
    found = verdict(id_, information=at_depths(D3=4, D5=4.3, D10=4.6, D20=2.4))
    assert found.outcome is Outcome.DOES_NOT_REPLICATE
    assert found.effect.value < 0


@pytest.mark.parametrize("id_", ["C5m", "C5bm"])
@pytest.mark.parametrize(
    ("own", "moving", "outcome"),
    [(0.08, 1.0, Outcome.WEAKER), (0.6, 0.0, Outcome.REPLICATES)],
)
def test_moving_averages_make_and_hide_no_loss(id_: str, own: float, moving: float, outcome: Outcome) -> None:
    """Unsettled, they lose information with depth, or have none: the mean of the modes was judged."""

    def loses(bits: float):
        return lambda cell, share: 9 - bits * math.log2(float(cell["depth"]))

    found = verdict(id_, information={("batch", "before"): loses(own), ("running", "before"): loses(moving)})
    assert found.outcome is outcome
    assert found.effect.value == pytest.approx(own, abs=0.05)
    assert number_after(found, "The loss with running statistics") == pytest.approx(moving, abs=0.05)


def test_depths_that_never_reach_the_error_are_not_left_out_in_silence() -> None:
    """Two depths of four were left, and their loss of 2.7 bits replicated."""

    def fails(cell: Cell, share: float) -> float:
        return 0.9 * (0.125 if cell["depth"] <= 5 else 0.8) ** share

    found = verdict("C5bm", error=fails, information=at_depths(D3=5, D5=3, D10=3.2, D20=3.5))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert found.effect is None
    for depth in (10, 20):
        assert any(f"D={depth}: 8 of 8 runs never reach 20 % error." in reason for reason in found.reasons)


def test_the_loss_before_training_stands_beside_the_one_after() -> None:
    found = verdict("C5m", information=at_depths(D3=5, D5=4.5, D10=4, D20=3.5))
    assert found.outcome is Outcome.REPLICATES
    assert number_after(found, "The loss before training") == pytest.approx(0.5, abs=0.05)


DEPTHS = (3, 5, 10, 20)


def of_seeds(bits: dict[int, float], seeds: int, spread: float, draws: int) -> Effect:
    """The loss that is read of runs whose bits are those of their depth, and noise of each run."""
    draw = np.random.default_rng(draws)
    rows = Rows.of(
        Row(
            {"architecture": "mlp", "depth": depth, **PLAIN},
            Measurement(
                "mutual_information",
                Estimate.exact(bits[depth] + spread * draw.normal(), "bits"),
                seed,
                0,
                "",
                "batchnorm=batch readout=before estimator=ksg",
            ),
        )
        for depth in DEPTHS
        for seed in range(seeds)
    )
    return least_loss(rows, at_one_end(last, "batch"))


def outcomes(bits: dict[int, float], seeds: int, spread: float) -> list[Outcome]:
    """The verdicts on C5m of 12 such studies."""
    found = (of_seeds(bits, seeds, spread, draws).by_seed for draws in range(12))
    return [judge(CLAIMS["C5m"], Evidence({"": one})).outcome for one in found]


@pytest.mark.parametrize("seeds", [8, 24])
def test_the_spread_over_seeds_denies_no_loss_that_counts(seeds: int) -> None:
    """0.3 bits in every range: the smallest of four in each seed was less, by 0.75 of the spread."""
    found = outcomes({depth: 4 - 0.3 * math.log2(depth / 3) for depth in DEPTHS}, seeds, 0.3)
    assert found.count(Outcome.DOES_NOT_REPLICATE) <= 1
    assert found.count(Outcome.REPLICATES) + found.count(Outcome.PARTIALLY) >= (9 if seeds == 24 else 0)


@pytest.mark.parametrize("bits", [{3: 4, 5: 3.5, 10: 3, 20: 3}, {3: 4, 5: 4.2, 10: 4.6, 20: 3.2}])
def test_the_spread_over_seeds_makes_no_loss(bits: dict[int, float]) -> None:
    """No loss from 10 layers on; a rise up to 10 layers."""
    found = outcomes(bits, 24, 0.15)
    assert not {Outcome.REPLICATES, Outcome.PARTIALLY} & set(found)


@pytest.mark.parametrize(("seeds", "spread"), [(8, 0.3), (24, 0.5)])
def test_where_the_ranges_tie_the_seeds_are_not_lifted_together(seeds: int, spread: float) -> None:
    """A range that the other seeds choose is the one in which a seed is highest itself, if all tie."""
    found = [
        of_seeds(dict.fromkeys(DEPTHS, 4.0), seeds, spread, draws).by_seed.values() for draws in range(40)
    ]
    verdicts = [judge(CLAIMS["C5m"], Evidence({"": dict(enumerate(one))})).outcome for one in found]
    assert sum(one in (Outcome.REPLICATES, Outcome.PARTIALLY) for one in verdicts) <= 1


def test_all_seeds_have_one_range() -> None:
    """Nothing is lost up to 10 layers: what 20 layers lose is in no seed's number."""
    found, more = (of_seeds({3: 4, 5: 4, 10: 4, 20: last}, 8, 0.3, 0).by_seed for last in (1, -9))
    assert found == pytest.approx(more)
    assert of_seeds(dict.fromkeys(DEPTHS, 4.0), 1, 0.1, 0).by_seed.keys() == {0}
