"""Targets that outputs cannot reach: beside each fault, healthy runs whose numbers are nearly the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.field.loops import drawn, findings, warned
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import check
from levinthal.clinic.recording.target_fit import FIT, target_fit

X = torch.randn(1000, 8, generator=drawn())
CLASS = X[:, :4].argmax(1)
YES = (X[:, 0] + X[:, 1] > 0).float()[:, None]
REAL = X[:, :1] * 2 + X[:, 1:2]
SEVERAL = (X[:, :4] > 0.3).float()
ONE_HOT = functional.one_hot(CLASS, 4).float()
Loss = Callable[[Tensor, Tensor], Tensor]
Case = tuple[str, int, Tensor, Loss]
BINARY = functional.binary_cross_entropy_with_logits


def network(outputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, outputs))


def run(outputs: int, targets: Tensor, loss: Loss, rate: float = 3e-3, steps: int = 150) -> dict:
    torch.manual_seed(0)
    model = network(outputs)

    def step(i: int) -> Tensor:
        at = torch.randint(0, len(X), (32,))
        return loss(model(X[at]), targets[at])

    return findings(model, torch.optim.Adam(model.parameters(), rate), step, steps=steps)


def squares(z: Tensor, y: Tensor) -> Tensor:
    return ((z - y) ** 2).mean()


def masked(z: Tensor, y: Tensor) -> Tensor:
    return (BINARY(z, y, reduction="none") * (y >= 0)).mean()


def weighted(z: Tensor, y: Tensor) -> Tensor:
    return BINARY(z, y, weight=(y >= 0).float())


def squashed(loss: Loss, function: Callable[[Tensor], Tensor]) -> Loss:
    return lambda z, y: loss(function(z), y)


SOME_MISSING = torch.where(torch.rand(1000, 1, generator=drawn(1)) < 0.3, -1.0, YES)
OUTLIER = torch.where(torch.arange(1000)[:, None] % 100 == 0, 60.0, torch.sigmoid(REAL))
FAULTY: dict[str, Case] = {
    "labels -1 and 1 under a binary cross-entropy": ("TARGET_OUT_OF_RANGE", 1, 2 * YES - 1, BINARY),
    "class indices on one sigmoid": ("TARGET_OUT_OF_RANGE", 1, CLASS.float()[:, None], BINARY),
    "the same without reduction": (
        "TARGET_OUT_OF_RANGE",
        1,
        2 * YES - 1,
        lambda z, y: BINARY(z, y, reduction="none").mean(),
    ),
    "a sigmoid for targets up to 100": (
        "TARGET_OUT_OF_RANGE",
        1,
        20 * REAL + 40,
        squashed(functional.mse_loss, torch.sigmoid),
    ),
    "a ReLU for standardised targets": (
        "TARGET_OUT_OF_RANGE",
        1,
        REAL - 1.0,
        squashed(functional.smooth_l1_loss, torch.relu),
    ),
    "a tanh, and a difference by hand": ("TARGET_OUT_OF_RANGE", 1, 3 * REAL, squashed(squares, torch.tanh)),
    "labels 0 and 1 of a soft margin": ("TARGET_OUT_OF_RANGE", 1, YES, functional.soft_margin_loss),
    "several labels under a softmax": ("SEVERAL_LABELS", 4, SEVERAL, functional.cross_entropy),
    "several labels of probabilities": (
        "SEVERAL_LABELS",
        4,
        SEVERAL,
        squashed(functional.binary_cross_entropy, lambda z: z.softmax(1)),
    ),
    "targets of a million": ("TARGET_SCALE", 1, 1e6 * REAL, functional.mse_loss),
    "targets about 500": ("TARGET_SCALE", 1, 500 + REAL, functional.l1_loss),
    "targets of thousands by hand": ("TARGET_SCALE", 1, 3e3 * REAL, squares),
}
NEARLY: dict[str, Case] = {
    "labels 0 and 1": ("TARGET_OUT_OF_RANGE", 1, YES, BINARY),
    "soft labels of an adversary": ("TARGET_OUT_OF_RANGE", 1, 1.2 * YES, BINARY),
    "missing labels with a mask": ("TARGET_OUT_OF_RANGE", 1, SOME_MISSING, masked),
    "missing labels with weights": ("TARGET_OUT_OF_RANGE", 1, SOME_MISSING, weighted),
    "a sigmoid that is scaled": (
        "TARGET_OUT_OF_RANGE",
        1,
        5 * REAL.sigmoid(),
        squashed(functional.mse_loss, lambda z: 5 * z.sigmoid()),
    ),
    "a few outliers": ("TARGET_OUT_OF_RANGE", 1, OUTLIER, squashed(functional.mse_loss, torch.sigmoid)),
    "a ReLU for noisy counts": (
        "TARGET_OUT_OF_RANGE",
        1,
        REAL.relu() + 0.2 * X[:, 2:3],
        squashed(functional.mse_loss, torch.relu),
    ),
    "a ReLU inside of the network": ("TARGET_OUT_OF_RANGE", 1, REAL, functional.mse_loss),
    "labels -1 and 1 of a soft margin": (
        "TARGET_OUT_OF_RANGE",
        1,
        2 * YES - 1,
        functional.soft_margin_loss,
    ),
    "one label a row": ("SEVERAL_LABELS", 4, ONE_HOT, functional.cross_entropy),
    "smoothed labels": ("SEVERAL_LABELS", 4, 0.9 * ONE_HOT + 0.025, functional.cross_entropy),
    "mixed rows": ("SEVERAL_LABELS", 4, 0.7 * ONE_HOT + 0.3 * ONE_HOT.flip(0), functional.cross_entropy),
    "several labels and binary logits": ("SEVERAL_LABELS", 4, SEVERAL, BINARY),
    "standardised targets": ("TARGET_SCALE", 1, REAL, functional.mse_loss),
    "a model that undoes the scale": (
        "TARGET_SCALE",
        1,
        500 + 100 * REAL,
        lambda z, y: functional.mse_loss(500 + 100 * z, y) / 1e4,
    ),
}


def test_targets_that_noise_moves_out_of_the_range_do_no_harm() -> None:
    noise = 1.5 * torch.randn(1000, 1, generator=drawn(2))
    found = run(1, REAL.relu() + noise, squashed(functional.mse_loss, torch.relu), rate=1e-2, steps=300)
    assert found["TARGET_OUT_OF_RANGE"].severity == "info"


@pytest.mark.parametrize("name", FAULTY)
def test_the_cause_comes_first(name: str) -> None:
    code, *case = FAULTY[name]
    found = run(*case)
    assert next(iter(found)) == code, found
    assert found[code].severity != "info"


@pytest.mark.parametrize("name", NEARLY)
def test_a_run_that_nearly_does_so_is_not_reported(name: str) -> None:
    code, *case = NEARLY[name]
    found = run(*case)
    assert code not in found
    assert set(warned(found)) <= ({"UNDERFIT"} if "missing" in name else set())


@pytest.mark.parametrize("name", [name for name, case in FAULTY.items() if case[0] != "TARGET_SCALE"])
def test_it_is_seen_before_training_too(name: str) -> None:
    code, outputs, targets, loss = FAULTY[name]
    torch.manual_seed(0)
    assert code in [f.code for f in check(network(outputs), loss, (X[:64], targets[:64])).findings]


@pytest.mark.parametrize("name", NEARLY)
def test_a_healthy_loss_has_no_fault_before_training(name: str) -> None:
    code, outputs, targets, loss = NEARLY[name]
    torch.manual_seed(0)
    assert code not in [f.code for f in check(network(outputs), loss, (X[:64], targets[:64])).findings]


def test_a_range_that_nearly_suffices_is_info() -> None:
    """Of targets from 0 to 1.4 a sigmoid explains most."""
    loss = squashed(functional.mse_loss, torch.sigmoid)
    found = run(1, 0.5 + 0.9 * torch.tanh(2 * REAL), loss, rate=1e-2, steps=400)
    assert found["TARGET_OUT_OF_RANGE"].severity == "info"


def test_items_of_a_catalogue_may_share_a_softmax() -> None:
    many = (torch.rand(1000, 300, generator=drawn(2)) < 0.02).float()
    assert run(300, many, functional.cross_entropy)["SEVERAL_LABELS"].severity == "info"


@pytest.mark.parametrize("rate", [0.3, 1e-2])
def test_large_targets_that_are_learnt_are_info(rate: float) -> None:
    found = run(1, 40 * REAL, functional.mse_loss, rate=rate, steps=600)
    assert found["TARGET_SCALE"].severity == "info"


@pytest.mark.parametrize("loss", [functional.mse_loss, squares, functional.l1_loss])
def test_targets_with_an_offset_do_not_make_the_outputs_too_large(loss: Loss) -> None:
    found = run(1, 30 + REAL, loss, rate=1e-3)
    assert "FIRST_LOSS_TOO_LARGE" not in found


def test_targets_of_one_value_and_no_targets_are_read() -> None:
    fit = target_fit("mse_loss", torch.ones(4), "Sigmoid")
    assert fit is not None
    assert fit.tolist()[: FIT.index("unreachable")] == [1.0, 1.0, 0.0]
    assert target_fit("mse_loss", torch.ones(0), "") is None
    assert target_fit("cross_entropy", torch.ones(4, dtype=torch.long), "") is None
