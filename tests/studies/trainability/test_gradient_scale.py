from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pytest

from levinthal.data import digits
from levinthal.lab import Rows
from levinthal.lab.judging.verdicts import judge
from levinthal.networks.plain import Stage, plain
from levinthal.probes.depth_scale import batchnorm_rate
from levinthal.studies import find
from levinthal.studies.trainability.gradient_scale import study
from levinthal.studies.trainability.gradient_scale.claims.errors import (
    Trained,
    by_seed,
    predicted,
    trained,
    with_nlc,
)
from levinthal.studies.trainability.gradient_scale.design import NETWORKS, RATES, WIDTH, design
from levinthal.vocabulary import Cell, Estimate, Measurement, Outcome, Row, Task, Verdict

SEEDS = range(8)


def verdicts(rows: Rows) -> dict[str, Verdict]:
    return {claim.id: judge(claim, claim.evidence(rows)) for claim in study.claims}


def row(cell: Cell, name: str, value: float, seed: int, layer: str = "", condition: str = "") -> Row:
    return Row(cell, Measurement(name, Estimate.exact(value), seed, 0, layer, condition))


def simulated(planted: bool) -> Rows:
    """Every cell of the quick preset with noise; the claims' effects planted, or nowhere."""
    found = list[Row]()
    for task in study.presets["quick"].tasks:
        for seed in task.seeds:
            rng = np.random.default_rng([seed, *repr(dict(task.cell)).encode()])
            found += list(drawn(task.cell, seed, rng, planted))
    return Rows.of(found)


def drawn(cell: Cell, seed: int, rng: np.random.Generator, planted: bool) -> Iterator[Row]:
    network = str(cell.get("network", ""))
    norm, skips = "batch norm" in network, "residual" in network
    if cell["arm"] == "scale":
        explodes = planted and (norm or network == "SELU") and not skips
        yield row(cell, "growth", 0.25 * explodes + 0.005 * rng.normal(), seed)
        decades = 3.5 * explodes + 0.1 * rng.normal()
        yield row(cell, "gradient_scale", 10**decades, seed, "0")
    elif cell["arm"] == "batch":
        law = "linear" if "linear" in network else "relu"
        exact = math.log2(float(batchnorm_rate(law, int(cell["batch"]))))
        yield row(cell, "rate", exact * (norm and planted) + 0.01 * exact * rng.normal(), seed)
    else:
        nlc = float(np.exp(2 * rng.normal()))
        log2_error = (math.log(nlc) if planted else rng.normal()) + 0.05 * rng.normal()
        error = 0.1 * 2**log2_error
        yield row(cell, "nonlinearity", nlc, seed)
        for rate in RATES:
            worse = 1 + 0.1 * abs(math.log10(rate) + 2)
            for name in ("validation", "test"):
                yield row(cell, f"{name}_error", error * worse, seed, "", f"rate={rate:g}")


def test_planted_effects_are_seen() -> None:
    found = verdicts(simulated(True))
    judged = {name: verdict.outcome for name, verdict in found.items()}
    assert judged == dict.fromkeys(("G1", "G2", "G2b", "G3", "G4", "G5", "G7"), Outcome.REPLICATES) | {
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

    found = verdicts(Rows.of(map(flat, simulated(True))))["G3"]
    assert found.outcome is Outcome.REPLICATES
    assert found.rival is not None
    assert found.rival.value == pytest.approx(3.5, abs=0.1)


def test_selu_explodes_and_by_less_than_batch_norm() -> None:
    def slower(r: Row) -> Row:
        m = r.measurement
        slow = r.cell.get("network") == "SELU" and m.name == "growth"
        return row(r.cell, m.name, 0.055 + 0.002 * (m.seed % 3), m.seed) if slow else r

    found = verdicts(Rows.of(map(slower, simulated(True))))
    assert (found["G2"].outcome, found["G2b"].outcome) == (Outcome.REPLICATES, Outcome.WEAKER)


def test_a_correlation_between_normalisations_alone_is_not_one_within_them() -> None:
    """Errors and NLC that differ from norm to norm, and by chance within each."""
    found = list[Row]()
    for r in simulated(False):
        m, norm = r.measurement, "none"
        if r.cell["arm"] == "error":
            norm = design(m.seed, int(r.cell["net"]), 2).norm
            factor = {"none": 1.0, "batch": 3.0, "layer": 9.0}[norm]
            near = (
                0.02 * np.random.default_rng([m.seed, int(r.cell["net"]), m.name == "nonlinearity"]).normal()
            )
            found.append(row(r.cell, m.name, factor * 2**near, m.seed, "", m.condition))
        else:
            found.append(r)
    rows = Rows.of(found)
    assert verdicts(rows)["G5"].outcome not in (Outcome.REPLICATES, Outcome.PARTIALLY)
    assert by_seed(with_nlc(rows), predicted)[1] > 0.8


def test_networks_of_the_right_size_alone_decide_nothing_on_larger_ones() -> None:
    def small(r: Row) -> Row:
        m = r.measurement
        return row(r.cell, m.name, min(m.estimate.value, 2.9), m.seed) if m.name == "nonlinearity" else r

    found = verdicts(Rows.of(map(small, simulated(True))))["G7"]
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("160 of 160 networks" in reason for reason in found.reasons)


def test_winners_at_the_edge_of_the_grid_leave_the_comparison_open() -> None:
    def tilted(r: Row) -> Row:
        m = r.measurement
        if m.name.endswith("_error"):
            worse = 0.01 * math.log10(float(m.condition[5:]))  # ever better towards small rates
            return row(r.cell, m.name, m.estimate.value * 0 + 0.5 + worse, m.seed, "", m.condition)
        return r

    rows = Rows.of(map(tilted, simulated(True)))
    assert all(net.at_edge for net in trained(rows).values())
    assert verdicts(rows)["G5"].outcome is Outcome.INCONCLUSIVE


def test_the_rate_is_chosen_by_validation_and_told_by_the_test_set() -> None:
    cell = {"arm": "error", "net": 3, "deepest": 8}
    errors = {"validation": (0.5, 0.4, 0.2, 0.3, 0.6), "test": (0.1, 0.12, 0.33, 0.4, 0.5)}
    rows = [
        row(cell, f"{name}_error", value, 0, "", f"rate={rate:g}")
        for name, values in errors.items()
        for rate, value in zip(RATES, values, strict=True)
    ]
    found = trained(Rows.of([*rows, row(cell, "nonlinearity", 1.5, 0)]))
    assert found == {(0, 3): Trained(1.5, 0.33, at_edge=False, deepest=8)}


def test_designs_are_drawn_from_seed_and_index_alone() -> None:
    some = [design(seed, index, 12) for seed in range(5) for index in range(16)]
    assert some == [design(seed, index, 12) for seed in range(5) for index in range(16)]
    assert len(set(some)) == len(some)
    assert {one.depth for one in some} == {2, 4, 6, 8, 10, 12}
    assert min(one.gain for one in some) >= 0.5
    assert max(one.gain for one in some) <= 4
    assert design(2, 7, 20).norm == design(2, 7, 2).norm  # figures and notes rely on it


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_of_the_study_can_be_built(network: str) -> None:
    net = plain(inputs=WIDTH, width=WIDTH, depth=50, outputs=WIDTH, seed=0, **NETWORKS[network])
    assert sum(stage.layers for stage in net if isinstance(stage, Stage)) == 50


def measured(cell: Mapping[str, object], seeds: tuple[int, ...]) -> list[Row]:
    task = Task({**cell}, seeds)  # type: ignore[dict-item]
    found = study.measure(task, data=digits.load_digits(), device="cpu")
    return [Row(task.cell, measurement) for measurement in found]


@pytest.fixture(scope="module")
def small() -> Rows:
    rows = list[Row]()
    for network in ("ReLU", "batch norm, ReLU", "residual batch norm, ReLU", "orthogonal batch norm, ReLU"):
        rows += measured({"arm": "scale", "network": network, "depth": 20}, (0, 1))
    for network in ("batch norm, ReLU", "ReLU"):
        rows += measured({"arm": "batch", "network": network, "batch": 32, "depth": 12}, (0,))
    rows += measured({"arm": "error", "net": 0, "deepest": 4, "images": 400, "steps": 15}, (0, 1))
    return Rows.of(rows)


def test_the_smallest_cells_from_end_to_end(small: Rows) -> None:
    growth = small.where(arm="scale", name="growth")
    assert 2 ** growth.where(network="batch norm, ReLU").values().mean() == pytest.approx(1.21, abs=0.02)
    whole = {
        str(n): float(found.values().mean())
        for (n,), found in small.where(layer="0").group_by("network").items()
    }
    assert whole["batch norm, ReLU"] > 20 > 5 > whole["residual batch norm, ReLU"]
    rate = small.where(arm="batch", network="batch norm, ReLU").values()
    assert 2 ** float(rate[0]) == pytest.approx(float(batchnorm_rate("relu", 32)), rel=0.05)
    assert len(trained(small)) == 2
    layers = small.where(network="residual batch norm, ReLU", name="gradient_scale", seed=0).distinct("layer")
    assert {int(layer) for layer in layers} == {0, 1, *range(3, 20, 2), 20}


def test_figures_are_drawn_of_what_there_is(small: Rows) -> None:
    drawn_ = {figure.id: figure for figure in study.figures(small)}
    assert list(drawn_) == ["scales", "skips", "rates", "errors"]
    assert "with skips, " in drawn_["skips"].title
    assert drawn_["scales"].title.endswith(" without")
    assert all(figure.panels[0].series for figure in drawn_.values())
    assert list(study.figures(Rows.of([]))) == []
    assert study.answer(verdicts(Rows.of([]))) == "Not measured yet."


def test_the_study_is_found() -> None:
    assert find("gradient-scale") is study


@pytest.mark.parametrize("arm", ["scale", "batch", "error"])
def test_a_seed_alone_measures_what_it_measures_among_others(arm: str) -> None:
    task = next(task for task in study.presets["quick"].tasks if task.cell["arm"] == arm)
    cell = {**task.cell, **({"depth": 6} if "depth" in task.cell else {})}
    data = digits.load_digits()
    together = list(study.measure(Task(cell, (0, 3)), data=data, device="cpu"))
    apart = [m for seed in (0, 3) for m in study.measure(Task(cell, (seed,)), data=data, device="cpu")]
    assert study.seed_by_seed
    assert [repr(m) for m in together] == [repr(m) for m in apart]
