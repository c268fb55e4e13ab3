"""Claims on simulated runs: each must hold where its effect was planted, and must not where it was not."""

from __future__ import annotations

import pytest
from tests import simulated_first_last as simulated

from levinthal.lab.judging.verdicts import judge
from levinthal.studies.skips_and_dynamics.first_last_information import study
from levinthal.vocabulary import Cell, Outcome, Verdict

CLAIMS = {claim.id: claim for claim in study.claims}
EVERY_MODE = [(mode, readout) for mode in ("running", "debiased", "batch") for readout in ("before", "after")]


def verdict(name: str, **planted) -> Verdict:
    return judge(CLAIMS[name], CLAIMS[name].evidence(simulated.rows(**planted)))


def trains(cell: Cell) -> float:
    return float(cell["rate"] != 0)


def in_every_mode(number) -> dict:
    return dict.fromkeys(EVERY_MODE, number)


def test_the_claims_are_the_twelve_of_the_paper() -> None:
    assert list(CLAIMS) == [*(f"C{i}" for i in range(1, 12)), "C11b", "C12"]
    assert all(claim.control for claim in study.claims if claim.smallest_effect is not None)


def test_rising_information_is_seen_in_every_mode() -> None:
    found = verdict("C1", information=in_every_mode(lambda cell, share: 1 + trains(cell) * share))
    assert found.outcome is Outcome.REPLICATES


def test_rising_information_that_frozen_weights_show_too_is_set_aside() -> None:
    artefact = {("running", readout): lambda cell, share: 1 + share for readout in ("before", "after")}
    found = verdict("C1", information=artefact)
    assert found.outcome is not Outcome.REPLICATES
    assert any("Excluded" in reason for reason in found.reasons)


def test_flat_information_does_not_rise() -> None:
    assert verdict("C1").outcome is Outcome.DOES_NOT_REPLICATE


def head_start(cell: Cell, share: float) -> float:
    return 2 + trains(cell) * ("shortcut" in str(cell["architecture"])) * (1 - share)


def test_a_head_start_that_falls_is_seen_only_where_it_is_read() -> None:
    everywhere = verdict("C2", information=in_every_mode(head_start))
    assert everywhere.outcome is Outcome.REPLICATES
    after = {
        ("running", "after"): head_start,
        ("batch", "after"): head_start,
        ("debiased", "after"): head_start,
    }
    found = verdict("C2", information=after)
    assert found.outcome is Outcome.PARTIALLY
    assert verdict("C2").outcome is Outcome.DOES_NOT_REPLICATE


def faster_with_a_shortcut(cell: Cell, share: float) -> float:
    speed = 2.5 if "shortcut" in str(cell["architecture"]) else 1.0
    return 0.9 * 0.5 ** (4 * speed * share)


def best_in_the_middle(error):
    """The same error, with the middle of the grid the best rate."""
    return lambda cell, share: min(error(cell, share) * (1.0 if cell["rate"] == 1e-3 else 1.3), 1.0)


def test_a_faster_shortcut_replicates_and_an_equal_one_does_not() -> None:
    assert verdict("C3", error=best_in_the_middle(faster_with_a_shortcut)).outcome is Outcome.REPLICATES
    equal = verdict("C3", error=best_in_the_middle(simulated.falling_error))
    assert equal.outcome is Outcome.DOES_NOT_REPLICATE


def test_a_winner_on_the_grids_edge_leaves_the_comparison_open() -> None:
    found = verdict(
        "C3",
        error=lambda cell, share: faster_with_a_shortcut(cell, share) * 10 ** (-20 * float(cell["rate"])),
    )
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("edge" in reason for reason in found.reasons)


def slower_when_deep(cell: Cell, share: float) -> float:
    return 0.9 * 0.5 ** (6 * share * min(1.0, (5 / float(cell["depth"])) ** 0.5))


def test_depth_that_slows_from_five_layers_on() -> None:
    assert verdict("C4", error=best_in_the_middle(slower_when_deep)).outcome is Outcome.REPLICATES
    assert (
        verdict("C4", error=best_in_the_middle(simulated.falling_error)).outcome is Outcome.DOES_NOT_REPLICATE
    )


def test_depth_that_slows_just_as_much_below_five_layers_says_nothing_about_five() -> None:
    steady = best_in_the_middle(
        lambda cell, share: 0.9 * 0.5 ** (4 * share * (3 / float(cell["depth"])) ** 0.5)
    )
    assert verdict("C4", error=steady).outcome is not Outcome.REPLICATES


def test_information_lost_with_depth() -> None:
    deep = in_every_mode(lambda cell, share: 9 - float(cell["depth"]) ** 0.5)
    assert verdict("C5", information=deep).outcome is Outcome.REPLICATES
    assert verdict("C5").outcome is Outcome.DOES_NOT_REPLICATE


def test_a_peak_is_seen_and_a_rise_is_not_one() -> None:
    peaked = in_every_mode(lambda cell, share: 2 + 4 * trains(cell) * share * (1 - share))
    assert verdict("C6", information=peaked).outcome is Outcome.REPLICATES
    rising = in_every_mode(lambda cell, share: 2 + share)
    assert verdict("C6", information=rising).outcome is Outcome.DOES_NOT_REPLICATE


def better_with_residuals(cell: Cell, share: float) -> float:
    return simulated.falling_error(cell, share) * (0.6 if "residual" in str(cell["architecture"]) else 1.0)


def test_residuals_that_end_better_or_the_same() -> None:
    assert verdict("C7", error=best_in_the_middle(better_with_residuals)).outcome is Outcome.REPLICATES
    same = verdict("C7", error=best_in_the_middle(simulated.falling_error))
    assert same.outcome is Outcome.DOES_NOT_REPLICATE
    assert any("in either direction" in reason for reason in same.reasons)


@pytest.mark.parametrize("sign", [1, -1])
def test_information_at_the_start_and_speed(sign: int) -> None:
    order = ["glorot_normal", "he_normal", "orthogonal", "identity_like"]

    def lead(cell: Cell) -> float:
        return order.index(str(cell["init"])) + 4.0 * (cell["slope"] != 1.0)

    found = verdict(
        "C11",
        information=in_every_mode(lambda cell, share: 1 + lead(cell) / 4),
        error=lambda cell, share: 0.9 * 0.5 ** (share * (4 + sign * lead(cell) / 4)),
    )
    assert found.outcome is (Outcome.REPLICATES if sign > 0 else Outcome.DOES_NOT_REPLICATE)


def test_time_alone_explains_what_goes_with_speed() -> None:
    """Information that falls with time correlates with a falling speed; so does time itself."""
    found = verdict("C8", information=in_every_mode(lambda cell, share: 3 - share))
    assert found.outcome is not Outcome.REPLICATES


def test_no_runs_are_no_verdict() -> None:
    empty = simulated.Rows.of([], factors=simulated.tasks(simulated.SIZE)[0].cell)
    for claim in study.claims:
        found = judge(claim, claim.evidence(empty))
        assert found.outcome is Outcome.INCONCLUSIVE
        assert found.seeds == 0
