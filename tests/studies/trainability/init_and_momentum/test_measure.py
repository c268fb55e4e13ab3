from __future__ import annotations

import pytest
import torch

from levinthal.data.digits import load_digits
from levinthal.errors import InputError
from levinthal.lab import Rows
from levinthal.networks.initial import generator
from levinthal.studies import find
from levinthal.studies.trainability.init_and_momentum import study
from levinthal.studies.trainability.init_and_momentum.measure import (
    CODERS,
    _measured,
    autoencoders,
    error,
    mean_image_error,
    small,
    sparse,
    tiny_as_zero,
)
from levinthal.vocabulary import Row, Task

DIGITS = load_digits()


def run(rule: str = "nesterov", momentum: float = 0.9, seeds: tuple[int, ...] = (0, 3), **more) -> Rows:
    cell = {"init": "sparse", "scale": 1.0, "rule": rule, "momentum": momentum, "images": 150, "steps": 30,
            "batch": 50, "rates": "0.1 0.3"} | more  # fmt: skip
    found = study.measure(Task(cell, seeds), data=DIGITS, device="cpu")
    return Rows.of(Row(cell, one) for one in found)


def test_a_sparse_unit_reads_fifteen_others_with_unit_weights() -> None:
    weights = sparse(400, 60, generator(0, "test"))
    assert (weights != 0).sum(1).tolist() == [15] * 400
    assert weights[weights != 0].std() == pytest.approx(1, abs=0.03)
    assert (weights != 0).double().mean(0).std() < 0.05  # no input is preferred
    assert (sparse(5, 8, generator(0, "test")) != 0).all()
    assert small(300, 60, generator(0, "test")).std() == pytest.approx(0.01, rel=0.03)


def test_scales_of_a_seed_are_one_draw_and_seeds_are_their_own() -> None:
    one, four = (autoencoders(CODERS[64], (2, 5), "sparse", scale) for scale in (1.0, 4.0))
    alone = autoencoders(CODERS[64], (5,), "sparse", 1.0)
    for a, b, c in zip(one.weights, four.weights, alone.weights, strict=True):
        torch.testing.assert_close(4 * a, b)
        assert torch.equal(a[1], c[0])
        assert not torch.equal(a[0], a[1])
    assert all(bias.abs().max() == 0 for bias in one.biases)
    with pytest.raises(InputError, match="sprase"):
        autoencoders(CODERS[64], (0,), "sprase", 1.0)


def test_errors_in_closed_form() -> None:
    images = torch.tensor([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    assert mean_image_error(images) == 0.5  # two pixels of variance 1/4
    assert error(torch.zeros(3, 4, 2), images).tolist() == [0.5] * 3
    assert error(100 * (2 * images - 1)[None], images).item() == pytest.approx(0, abs=1e-12)


def test_arms_share_their_start() -> None:
    arms = (("none", 0.0, 0.1), ("classical", 0.9, 0.1), ("nesterov", 0.99, 0.3))
    starts = [run(r, most).where(name="error", step=0, rate=rate).by_seed() for r, most, rate in arms]
    assert starts[0][0] != starts[0][3]
    assert all(one == pytest.approx(starts[0]) for one in starts)


def test_a_seed_is_the_same_alone_and_in_company() -> None:
    together = run().where(name="error", seed=3).values()
    assert run(seeds=(3,)).where(name="error").values() == pytest.approx(together, rel=1e-4)


def test_momentum_speeds_up_even_a_short_run() -> None:
    last = {
        most: run("classical", most).where(name="error", step=30, rate=0.3).values() for most in (0.0, 0.9)
    }
    assert (last[0.9] < last[0.0]).all()
    baseline = run().where(name="mean_image_error")
    assert baseline.values() == pytest.approx(mean_image_error(torch.tensor(DIGITS.train_inputs[:150])))


def test_presets_hold_both_starts_with_every_momentum() -> None:
    for preset in study.presets.values():
        cells = {(t.cell["init"], t.cell["scale"], t.cell["rule"], t.cell["momentum"]) for t in preset.tasks}
        assert len(cells) == 14
        seeds = {(tuple(t.cell.values()), seed) for t in preset.tasks for seed in t.seeds}
        assert len(seeds) == sum(len(t.seeds) for t in preset.tasks)
        assert {seed for _, seed in seeds} == set(range(8))


def test_the_long_preset_is_the_papers_budget_in_small_tasks() -> None:
    for task in study.presets["long"].tasks:
        assert task.cell.items() >= {"steps": 750_000, "batch": 200, "period": 250}.items()
        assert len(task.seeds) == len(str(task.cell["rates"]).split()) == 1


def test_the_period_of_the_schedule_is_the_cells() -> None:
    slow, fast, usual = (run(steps=120, rates="0.1", **more).where(name="error", step=120).values()
                         for more in ({"period": 100}, {"period": 1}, {}))  # fmt: skip
    assert not (slow == fast).any()
    assert (fast == usual).all()


def test_the_registry_finds_it() -> None:
    assert find("init-and-momentum") is study


def test_tiny_numbers_are_zero_while_measuring_and_only_then() -> None:
    tiny = torch.tensor(1e-40)
    with tiny_as_zero():
        assert (tiny * 1).item() == 0
    assert (tiny * 1).item() > 0


def test_no_number_depends_on_tiny_ones() -> None:
    cell = {"init": "sparse", "scale": 4.0, "rule": "nesterov", "momentum": 0.99, "images": 150, "steps": 60,
            "batch": 50, "rates": "0.3 10"}  # fmt: skip
    task = Task(cell, (0, 3))
    assert list(study.measure(task, data=DIGITS, device="cpu")) == list(_measured(task, DIGITS, "cpu"))
