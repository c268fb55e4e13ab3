"""The measurement, its networks and the figures."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from tests.studies.trainability.gradient_scale.made_up import verdicts

from levinthal.data import digits
from levinthal.lab import Rows
from levinthal.networks.plain import Stage, plain
from levinthal.probes.depth_scale import batchnorm_rate
from levinthal.studies import find
from levinthal.studies.trainability.gradient_scale import study
from levinthal.studies.trainability.gradient_scale.claims.errors import (
    trained,
)
from levinthal.studies.trainability.gradient_scale.design import NETWORKS, WIDTH, design
from levinthal.vocabulary import Row, Task


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
