"""The claims at initial weights, on made-up rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from tests.studies.trainability.gradient_scale.made_up import DEPTH, Change, changed, row, simulated, verdicts

from levinthal.studies.trainability.gradient_scale import study
from levinthal.vocabulary import Outcome, Row


def test_planted_effects_are_seen() -> None:
    found = verdicts(simulated(True))
    judged = {name: verdict.outcome for name, verdict in found.items()}
    assert judged == dict.fromkeys(("G1", "G2", "G2b", "G3", "G4", "G4b", "G5", "G7"), Outcome.REPLICATES) | {
        "G6": Outcome.REPORTED,
    }
    assert "grows by 19% a layer" in study.answer(found)


def test_nil_effects_are_not() -> None:
    found = verdicts(simulated(False))
    held = {verdict.outcome for name, verdict in found.items() if name != "G6"}
    assert not held & {Outcome.REPLICATES, Outcome.PARTIALLY}
    assert found["G1"].outcome is found["G3"].outcome is Outcome.DOES_NOT_REPLICATE


def test_orthogonal_weights_that_do_as_well_as_skips_are_told_and_take_nothing_away() -> None:
    def flat(r: Row) -> Row:
        prefix = str(r.cell.get("network", "")).startswith("orthogonal")
        m = r.measurement
        if prefix and m.name == "gradient_scale":
            return row(r.cell, m.name, 1.0 + 0.01 * m.seed, m.seed, m.layer)
        return r

    found = changed(flat, "G3")["G3"]
    assert found.outcome is Outcome.REPLICATES
    assert found.rival is not None
    assert found.rival.value == pytest.approx(0.25 * DEPTH * math.log10(2), abs=0.1)


def test_skips_that_lower_gsc_where_nothing_grows_decide_nothing() -> None:
    """A number that falls with any skip is not one that tames gradients."""
    log2 = scaled(("residual layer norm, ReLU",), lambda between, seed: (-0.25 + 0.001 * seed) * between)
    assert changed(log2, "G3")["G3"].outcome is Outcome.INCONCLUSIVE


def scaled(networks: tuple[str, ...], log2: Callable[[int, int], float]) -> Change:
    """GSC of some networks by the layers between there and the output, and by the seed."""

    def change(r: Row) -> Row:
        m = r.measurement
        if m.name != "gradient_scale" or r.cell.get("network") not in networks:
            return r
        return row(r.cell, m.name, 2 ** log2(DEPTH - int(m.layer), m.seed), m.seed, m.layer)

    return change


def test_selu_explodes_and_by_less_than_batch_norm() -> None:
    found = changed(
        scaled(("SELU",), lambda between, seed: (0.055 + 0.002 * (seed % 3)) * between), "G2", "G2b"
    )
    assert (found["G2"].outcome, found["G2b"].outcome) == (Outcome.REPLICATES, Outcome.WEAKER)


@pytest.mark.parametrize(
    "log2",
    [
        lambda between, seed: 0.25 * min(between, 25) + 0.01 * seed,  # it grows near the output alone
        lambda between, seed: 1.5 * math.log2(1 + between) + 0.01 * seed,  # a power of the depth
    ],
)
def test_growth_that_levels_off_is_not_exponential(log2: Callable[[int, int], float]) -> None:
    """A straight line through all depths rises by 0.19 and by 0.12 a layer: more than tenfold in fifty."""
    found = changed(scaled(("batch norm, ReLU", "batch norm, tanh"), log2), "G1")["G1"]
    assert found.outcome not in (Outcome.REPLICATES, Outcome.PARTIALLY)


def test_gradients_that_explode_without_batch_norm_too_still_persist_with_it() -> None:
    found = changed(scaled(("ReLU", "tanh"), lambda between, seed: (0.25 + 0.002 * seed) * between), "G1")[
        "G1"
    ]
    assert found.outcome is Outcome.REPLICATES
    assert any("Without batch norm it is 0.25" in reason for reason in found.reasons)


def test_a_rate_that_does_not_depend_on_the_batch_is_seen() -> None:
    def flat(r: Row) -> Row:
        rate = {"batch norm, ReLU": 0.6, "batch norm, linear": 0.16}.get(str(r.cell.get("network")))
        m = r.measurement
        if m.name != "rate" or rate is None:
            return r
        return row(r.cell, m.name, rate + 1e-3 * ((m.seed + int(r.cell["batch"]) // 8) % 3 - 1), m.seed)

    found = changed(flat, "G4", "G4b")
    assert found["G4"].effect is not None
    assert found["G4"].effect.value > 0.8  # near the law at most batches
    assert found["G4b"].outcome is Outcome.DOES_NOT_REPLICATE
