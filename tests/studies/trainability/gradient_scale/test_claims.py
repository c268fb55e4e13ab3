"""The claims at initial weights, on made-up rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from tests.studies.trainability.gradient_scale.made_up import DEPTH, Change, changed, row, simulated, verdicts

from levinthal.lab import Rows
from levinthal.studies.trainability.gradient_scale import study
from levinthal.studies.trainability.gradient_scale.claims.growth import exponential, slower_half
from levinthal.vocabulary import Cell, Outcome, Row


def test_planted_effects_are_seen() -> None:
    found = verdicts(simulated(True))
    judged = {name: verdict.outcome for name, verdict in found.items()}
    assert judged == dict.fromkeys(
        ("G1", "G2", "G2b", "G3", "G3b", "G4", "G4b", "G7"), Outcome.REPLICATES
    ) | dict.fromkeys(("G5", "G6"), Outcome.REPORTED)
    assert "grows by 19% a layer" in study.answer(found)


def test_nil_effects_are_not() -> None:
    found = verdicts(simulated(False))
    held = {verdict.outcome for name, verdict in found.items() if name not in ("G5", "G6")}
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
        lambda between: 0.25 * min(between, 25),  # it grows near the output alone
        lambda between: math.log2(1 + between),  # a power of the depth
        lambda between: 2 * math.log2(1 + between),
        lambda between: 3 * math.log2(1 + between),
    ],
)
def test_growth_that_levels_off_is_not_exponential(log2: Callable[[int], float]) -> None:
    """The last one grows by 0.1 a layer in its slower half: more than tenfold in fifty."""
    networks = ("batch norm, ReLU", "batch norm, tanh", "SELU")
    found = changed(scaled(networks, lambda between, seed: log2(between) + 0.01 * seed), "G1", "G2")
    assert {verdict.outcome for verdict in found.values()} == {Outcome.DOES_NOT_REPLICATE}


def test_growth_that_differs_a_little_between_the_halves_is_exponential() -> None:
    """0.050 a layer near the input and 0.061 near the output, as with SELU."""
    net = scaled(("SELU",), lambda between, seed: (0.061 + 0.001 * (seed % 3)) * between)
    slow = scaled(("SELU",), lambda between, seed: 0.275 + (0.050 + 0.001 * (seed % 3)) * between)
    found = changed(lambda r: net(r) if int(r.measurement.layer or 0) > DEPTH / 2 else slow(r), "G2")["G2"]
    assert found.outcome is Outcome.REPLICATES
    assert found.effect is not None
    assert found.effect.value == pytest.approx(0.04, abs=0.005)


def test_a_half_without_a_number_leaves_the_seed_without_one() -> None:
    cell: Cell = {"network": "SELU", "depth": 4}
    for gone in (0, 4):
        sizes = {layer: 0.0 if layer == gone else 2.0 ** (4 - layer) for layer in range(5)}
        rows = Rows.of(row(cell, "gradient_scale", size, 0, str(layer)) for layer, size in sizes.items())
        assert math.isnan(slower_half(rows)[0])
        assert math.isnan(exponential(rows)[0])


def test_growth_of_one_network_with_batch_norm_does_not_hide_that_of_the_other() -> None:
    """With tanh it is twofold in fifty layers: 0.14 a layer on the mean with ReLU, more than tenfold."""
    tanh = scaled(("batch norm, tanh",), lambda between, seed: (0.02 + 0.001 * (seed % 3)) * between)
    found = changed(tanh, "G1")["G1"]
    assert found.outcome is Outcome.WEAKER
    assert any(reason.startswith("One by one it is 0.2") for reason in found.reasons)


def test_halves_that_differ_by_chance_alone_take_nothing_from_the_growth() -> None:
    """Exact growth of 0.04 a layer; each half of each seed has noise. It was 0.029 on the mean."""
    draw = np.random.default_rng(0).normal(size=(40, 2))

    def found(first: int) -> float:
        def log2(between: int, seed: int) -> float:
            near_output, near_input = 0.04 + 0.0067 * draw[first + seed]
            return near_output * min(between, 25) + near_input * max(between - 25, 0)

        effect = changed(scaled(("SELU",), log2), "G2")["G2"].effect
        assert effect is not None
        return effect.value

    assert np.mean([found(first) for first in (0, 8, 16, 24, 32)]) == pytest.approx(0.04, abs=0.005)


def test_skips_must_tame_both_networks() -> None:
    """They lower GSC 2,500-fold with ReLU and 53-fold with tanh: a hundredth on the mean of logarithms."""

    def lowered(tanh: float, name: str = "G3b", relu: float = 3.4) -> Outcome:
        tamed = {"ReLU": (relu, 0.05), "tanh": (tanh, 0.03)}

        def change(r: Row) -> Row:
            m, network = r.measurement, str(r.cell.get("network"))
            if m.name != "gradient_scale" or not network.startswith("residual batch norm"):
                return r
            mean, spread = tamed[network.removeprefix("residual batch norm, ")]
            whole = DEPTH * math.log10(2) / 4  # as planted without skips
            log10 = whole - mean + spread * (m.seed % 3 - 1)
            return row(r.cell, m.name, 10 ** (log10 * (1 - int(m.layer) / DEPTH)), m.seed, m.layer)

        return changed(change, name)[name].outcome

    assert lowered(1.72) is Outcome.WEAKER
    assert lowered(3.4) is Outcome.REPLICATES
    assert lowered(1.7, "G3", relu=1.7) is Outcome.REPLICATES  # 50-fold: significantly lower
    assert lowered(0.6, "G3") is Outcome.WEAKER


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
