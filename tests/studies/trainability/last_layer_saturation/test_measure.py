"""What starts preserve against closed forms, statistics against numpy, and one run of the smallest cells."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from levinthal.data import load
from levinthal.lab import Rows
from levinthal.networks.sigmoid import sigmoid_nets
from levinthal.studies import find
from levinthal.studies.trainability.last_layer_saturation import study
from levinthal.studies.trainability.last_layer_saturation.claims.readings import (
    singular_value,
    spread_ratio,
)
from levinthal.studies.trainability.last_layer_saturation.design import Size, preset
from levinthal.studies.trainability.last_layer_saturation.measure import (
    singular_values,
    statistics,
)
from levinthal.vocabulary import Row

DIGITS = load("digits")


def measured(size):
    tasks = preset("tiny", "digits", size).tasks
    return Rows.of(Row(t.cell, m) for t in tasks for m in study.measure(t, data=DIGITS, device="cpu"))


@pytest.mark.parametrize(
    ("start", "passes_on"), [("fan_in_uniform", 1 / 3), ("normalised_uniform", 1.0), ("orthogonal", 1.0)]
)
def test_a_start_passes_on_its_share_of_the_variance(start, passes_on):
    # Var z_{l+1} = n Var(w) E[a_l^2], whatever the activation: exact in the mean over weights
    nets = sigmoid_nets((300, 300, 300, 10), seeds=tuple(range(8)), unit="tanh", initialisation=start)
    (below, _), _ = nets.layers(torch.rand(200, 300, generator=torch.Generator().manual_seed(0)))
    z = nets.weights[1] @ below
    assert float((z.square().mean() / below.square().mean()).detach()) == pytest.approx(passes_on, rel=0.03)


def test_singular_values_are_those_of_autograd_s_jacobian():
    nets = sigmoid_nets((5, 6, 4, 3), seeds=(0, 1), unit="tanh", dtype=torch.float64)
    hidden, _ = nets.layers(torch.rand(3, 5, dtype=torch.float64))
    found = singular_values(nets.weights[1], hidden[1])
    for seed in (0, 1):
        for image in range(3):
            jacobian = torch.autograd.functional.jacobian(
                lambda a, seed=seed: torch.tanh(nets.weights[1][seed] @ a + nets.biases[1][seed]),
                hidden[0][seed, :, image],
            )
            expected = torch.linalg.svdvals(jacobian)
            assert torch.allclose(found[seed, image], expected, atol=1e-12)


def test_singular_values_of_a_start_follow_the_quarter_circle_law():
    # mean singular value of n x n entries of variance v: 8 / (3 pi) sqrt(n v), at a = 0
    for start, scale in (("fan_in_uniform", 1 / math.sqrt(3)), ("normalised_uniform", 1.0)):
        weight = sigmoid_nets((9, 200, 200, 10), seeds=(0, 1), initialisation=start).weights[1].detach()
        found = singular_values(weight, torch.zeros(2, 200, 1)).mean()
        assert float(found) == pytest.approx(8 / (3 * math.pi) * scale, rel=0.01)


def test_statistics_are_numpy_s():
    active = torch.randn(3, 7, 50, generator=torch.Generator().manual_seed(1))
    found = statistics(active)
    for seed, rows in enumerate(active.numpy().reshape(3, -1)):
        assert float(found["mean"][seed]) == pytest.approx(rows.mean(), abs=1e-6)
        assert float(found["sd"][seed]) == pytest.approx(rows.std(ddof=1), rel=1e-5)
        assert float(found["p98"][seed]) == pytest.approx(np.quantile(np.abs(rows), 0.98), rel=1e-5)
        spread = active[seed].numpy().std(axis=1, ddof=1).mean()
        assert float(found["image_sd"][seed]) == pytest.approx(spread, rel=1e-5)


def test_a_unit_that_is_stuck_at_1_has_no_spread_over_images():
    """Its layer has one over units and images: it was taken for a layer that had left saturation."""
    active = torch.zeros(1, 50, 300)
    active[0, 7] = 1.0
    found = statistics(active)
    assert float(found["sd"][0]) == pytest.approx(math.sqrt(0.02 * 0.98), rel=1e-4)
    assert float(found["image_sd"][0]) == 0


def test_the_smallest_study_end_to_end():
    size = Size(width=40, images=200, steps=12, rates=(0.1, 1), seeds=3)
    rows = measured(size)
    assert set(rows.distinct("name")) == {"mean", "sd", "image_sd", "p98", "error", "singular_value"}
    sigmoids = rows.where(name="mean", activation="sigmoid", hidden=5, labels="true")
    assert sigmoids.distinct("layer") == ["1", "2", "3", "4", "5"]
    assert max(sigmoids.distinct("step")) == 12
    assert rows.where(name="error", steps=12).distinct("step") == [12]
    assert np.mean(list(spread_ratio(rows, "fan_in_uniform").values())) == pytest.approx(-0.79, abs=0.15)
    assert abs(np.mean(list(spread_ratio(rows, "normalised_uniform").values()))) < 0.2
    assert np.mean(list(singular_value(rows, "normalised_uniform").values())) == pytest.approx(0.8, abs=0.06)
    assert len(list(study.figures(rows))) == 5


def test_the_paper_s_own_budget_is_run_one_network_at_a_time():
    trained = [task for task in study.presets["paper"].tasks if task.cell["steps"]]
    assert {task.cell["steps"] for task in trained} == {5_000_000}
    assert {(len(task.seeds), len(str(task.cell["rates"]).split())) for task in trained} == {(1, 1)}


def test_initial_networks_are_read_of_many_draws():
    for size in study.presets.values():
        starts = {task.cell["start"]: len(task.seeds) for task in size.tasks if not task.cell["steps"]}
        assert starts == {"fan_in_uniform": 32, "normalised_uniform": 32, "orthogonal": 32}


def test_more_rates_of_sigmoids_are_cells_of_their_own():
    grids = {}
    for task in study.presets["standard"].tasks:
        if task.cell["steps"]:
            grids.setdefault(str(task.cell["activation"]), set()).add(str(task.cell["rates"]))
    usual = "0.01 0.03 0.1 0.3 1"
    assert grids == {"sigmoid": {usual, "3 10"}, "tanh": {usual}, "softsign": {usual}}


def test_the_registry_finds_it():
    assert find("last-layer-saturation") is study
