"""The claims on trained networks, on made-up rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from tests.studies.trainability.gradient_scale.made_up import Change, changed, row, simulated, verdicts

from levinthal.lab import Rows
from levinthal.studies.trainability.gradient_scale.claims.errors import (
    Trained,
    by_seed,
    excess_error,
    predicted,
    trained,
    with_nlc,
)
from levinthal.studies.trainability.gradient_scale.design import RATES, design
from levinthal.vocabulary import Cell, Outcome, Row


def errors(nlc: Callable[[int], float], error: Callable[[int], float]) -> Change:
    """NLC and errors by the number of the network."""

    def change(r: Row) -> Row:
        m = r.measurement
        if r.cell["arm"] != "error":
            return r
        net = int(r.cell["net"])
        if m.name == "nonlinearity":
            return row(r.cell, m.name, nlc(net), m.seed)
        near = 1 + 0.02 * ((m.seed + net) % 3) + 0.1 * abs(math.log10(float(m.condition[5:])) + 2)
        return row(r.cell, m.name, error(net) * near, m.seed, "", m.condition)

    return change


def test_a_right_size_is_essential_where_the_best_networks_have_it() -> None:
    """Most networks of the right size may be bad for another reason: the sentence is about the best."""

    def nlc(net: int) -> float:
        return 1.5 if net < 12 else 10.0

    best_above = errors(nlc, lambda net: 0.01 if net in (12, 13) else 0.05 if net < 12 else 0.2)
    assert changed(best_above, "G7")["G7"].outcome is Outcome.DOES_NOT_REPLICATE
    best_right = errors(nlc, lambda net: 0.02 if net < 3 else 0.8 if net < 12 else 0.2)
    assert changed(best_right, "G7")["G7"].outcome is Outcome.REPLICATES


def test_networks_that_depth_tells_apart_as_well_are_shown_beside_nlc() -> None:
    """NLC and errors follow depth: deeper networks have the larger NLC, and the larger error."""

    def change(r: Row) -> Row:
        if r.cell["arm"] != "error":
            return r
        depth = design(r.measurement.seed, int(r.cell["net"]), int(r.cell["deepest"])).depth
        return errors(lambda _: 0.5 * depth, lambda _: 0.01 * 1.5**depth)(r)

    found = changed(change, "G7")["G7"]
    assert found.effect is not None
    assert found.rival is not None
    assert found.rival.value > found.effect.value / 2 > 0.5


def test_an_error_of_none_of_the_test_images_counts_as_that_of_one() -> None:
    nets = {(0, k): Trained(1.5 if k < 2 else 10.0, 0.0 if k < 2 else 2 / 600, False, 12) for k in range(4)}
    assert excess_error(nets) == 1


def test_errors_that_follow_depth_are_told_beside_nlc() -> None:
    def change(r: Row) -> Row:
        m = r.measurement
        if r.cell["arm"] != "error":
            return r
        depth = design(m.seed, int(r.cell["net"]), int(r.cell["deepest"])).depth
        by_depth = errors(lambda net: 1.2 ** (depth + 0.1 * (net % 3)), lambda _: 0.01 * 1.2**depth)
        return by_depth(r)

    found = changed(change, "G5")["G5"]
    assert found.effect is not None
    assert found.effect.value > 0.9
    assert found.rival is not None
    assert found.rival.value > 0.9


def test_networks_without_nlc_are_counted() -> None:
    found = changed(
        errors(lambda net: math.nan if net == 3 else 1.0 + net, lambda net: 0.01 * (1 + net)), "G5"
    )
    assert any("8 of 160 networks have no finite NLC" in reason for reason in found["G5"].reasons)


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
    effect = verdicts(rows, "G5")["G5"].effect
    assert effect is not None
    assert abs(effect.value) < 0.25
    assert by_seed(with_nlc(rows), predicted)[1] > 0.8


def test_networks_of_the_right_size_alone_decide_nothing_on_larger_ones() -> None:
    def small(r: Row) -> Row:
        m = r.measurement
        return row(r.cell, m.name, min(m.estimate.value, 2.9), m.seed) if m.name == "nonlinearity" else r

    found = changed(small, "G7")["G7"]
    assert found.outcome is Outcome.INCONCLUSIVE
    assert any("160 of 160 networks" in reason for reason in found.reasons)
    assert any("0 of 8 seeds have 2 networks or more" in reason for reason in found.reasons)
    assert any("deeper networks is needed" in reason for reason in found.reasons)


def test_errors_that_rise_above_the_right_size_alone_are_not_denied() -> None:
    """As the source has it; but six of seven networks are right-sized, and the correlation is low."""

    def change(r: Row) -> Row:
        draw = np.random.default_rng([2, r.measurement.seed, int(r.cell.get("net", 0))]).normal(size=2)
        nlc = math.exp(abs(0.75 * draw[0]))
        return errors(lambda _: nlc, lambda _: 0.05 * max(nlc / 3, 1) ** 2 * math.exp(0.2 * draw[1]))(r)

    found = changed(change, "G5", "G7")
    assert found["G5"].effect is not None
    assert found["G5"].effect.value < 0.4
    assert found["G5"].outcome is Outcome.REPORTED
    assert "denies nothing" in found["G5"].claim.effect
    assert found["G7"].outcome in (Outcome.REPLICATES, Outcome.PARTIALLY)
    assert not any("is needed to decide" in reason for reason in found["G7"].reasons)


def test_winners_at_the_edge_of_the_grid_leave_the_comparison_open() -> None:
    def tilted(r: Row) -> Row:
        m = r.measurement
        if m.name.endswith("_error"):
            worse = 0.01 * math.log10(float(m.condition[5:]))  # ever better towards small rates
            return row(r.cell, m.name, m.estimate.value * 0 + 0.5 + worse, m.seed, "", m.condition)
        return r

    rows = Rows.of(map(tilted, simulated(True)))
    assert all(net.at_edge for net in trained(rows).values())
    assert verdicts(rows, "G7")["G7"].outcome is Outcome.INCONCLUSIVE
    assert any("100% of 160" in reason for reason in verdicts(rows, "G7")["G7"].reasons)


def test_the_rate_is_chosen_by_validation_and_told_by_the_test_set() -> None:
    cell: Cell = {"arm": "error", "net": 3, "deepest": 8}
    errors = {"validation": (0.5, 0.4, 0.2, 0.3, 0.6), "test": (0.1, 0.12, 0.33, 0.4, 0.5)}
    rows = [
        row(cell, f"{name}_error", value, 0, "", f"rate={rate:g}")
        for name, values in errors.items()
        for rate, value in zip(RATES, values, strict=True)
    ]
    found = trained(Rows.of([*rows, row(cell, "nonlinearity", 1.5, 0)]))
    assert found == {(0, 3): Trained(1.5, 0.33, at_edge=False, deepest=8)}
