from __future__ import annotations

import math

import pytest
import torch

from levinthal.data.digits import load_digits
from levinthal.lab import Rows
from levinthal.networks.losses import cross_entropy
from levinthal.networks.sigmoid import sigmoid_nets
from levinthal.probes.parameters import gradients
from levinthal.studies import find
from levinthal.studies.trainability.layer_rescaling import study
from levinthal.studies.trainability.layer_rescaling.design import RATES
from levinthal.studies.trainability.layer_rescaling.measure import fall, imbalance, random_factors
from levinthal.training.layerwise import equalising, norms, rescaled
from levinthal.vocabulary import Row, Task

DIGITS = load_digits()


def run(
    rule: str, hidden: int = 2, rates: str = "0.1 1 10", steps: int = 6, seeds: tuple[int, ...] = (0, 3)
) -> Rows:
    cell = {"rule": rule, "hidden": hidden, "images": 200, "steps": steps, "rates": rates}
    task = Task(cell, seeds)
    return Rows.of(Row(cell, m) for m in study.measure(task, data=DIGITS, device="cpu"))


def test_the_fall_is_the_slope_along_the_rescaled_gradient() -> None:
    nets = sigmoid_nets((5, 4, 3, 10), seeds=(0, 1), dtype=torch.float64)
    x = torch.rand(20, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = torch.arange(20) % 10
    slopes = list(gradients(nets, x, y, cross_entropy).values())
    before = [weight.detach().clone() for weight in nets.parameters()]
    for factors in (equalising(slopes), *random_factors((0, 1), 3)[:3]):
        move = rescaled(slopes, factors)
        expected = (factors * norms(slopes) ** 2).sum(1) / norms(move).norm(dim=1)
        torch.testing.assert_close(fall(nets, move, x, y), expected, rtol=1e-5, atol=0)
    for weight, original in zip(nets.parameters(), before, strict=True):
        torch.testing.assert_close(weight.detach(), original, rtol=0, atol=1e-12)


def test_imbalance_in_decades() -> None:
    assert imbalance(torch.tensor([[1.0, 100.0, 10.0], [2.0, 2.0, 2.0]])).tolist() == [2.0, 0.0]


def test_factors_are_a_seeds_own() -> None:
    torch.testing.assert_close(random_factors((4, 0), 3)[:, 1], random_factors((0,), 3)[:, 0])
    assert (random_factors((0, 1), 5) >= 1).all()


def test_every_arm_starts_from_one_network_and_speeds_equalised_start_equal() -> None:
    rows = {rule: run(rule) for rule in RATES}
    starts = {tuple(r.where(name="training_loss", step=0, rate=0.1).by_seed().items()) for r in rows.values()}
    assert len(starts) == 1
    fixed = rows["fixed"].where(name="imbalance", step=0)
    assert fixed.values() == pytest.approx(0, abs=1e-5)
    assert (rows["plain"].where(name="imbalance", step=0).values() > 0.2).all()
    assert (rows["fixed"].where(name="batch_imbalance").values() > 0).all()
    assert len(rows["tracked"].where(name="imbalance")) == 0


def test_a_seed_is_the_same_alone_and_in_company() -> None:
    both, alone = run("tracked"), run("tracked", seeds=(3,))
    together = both.where(seed=3, name="training_loss").values()
    assert alone.where(name="training_loss").values() == pytest.approx(together, rel=1e-4)


def test_a_run_that_diverges_counts_as_endless_loss() -> None:
    rows = run("lars", rates="0.1 1 1000", steps=40)
    last = rows.where(name="training_loss", step=40, rate=1000).values()
    assert all(loss > 2.3 or math.isinf(loss) for loss in last)


def test_rescaled_gradients_go_downhill_and_shuffled_ones_half_the_time() -> None:
    rows = run("directions", hidden=3)
    assert rows.where(factors=("equalising", "random")).values().tolist() == [1.0] * 4
    assert 0.1 < rows.where(factors="shuffled").values().mean() < 0.9


def test_presets_hold_every_rule_at_every_depth() -> None:
    for preset in study.presets.values():
        cells = {(task.cell["rule"], task.cell["hidden"]) for task in preset.tasks}
        assert len(cells) == len(preset.tasks)
        assert {rule for rule, _ in cells} == {*RATES, "directions"}
        assert all(len(task.seeds) >= 5 for task in preset.tasks)


def test_the_registry_finds_it() -> None:
    assert find("layer-rescaling") is study
