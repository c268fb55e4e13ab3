"""Data that are normalised again at each epoch; beside them data that drift on purpose."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.clinic.field.loops import drawn
from torch import Tensor, nn
from torch.nn import functional

from levinthal.clinic import watch
from levinthal.vocabulary import Finding

ROWS, BATCH, STEPS = 600, 50, 96
INPUTS = torch.randn(ROWS, 16, generator=drawn())
LABELS = INPUTS[:, :4].argmax(1)
Read = Callable[[Tensor, Tensor, int], Tensor]
"""(all inputs, rows, step) -> the batch."""


def seen(read: Read, data: Tensor | None = None, rate: float = 0.01) -> dict[str, Finding]:
    """Code -> finding of a loop over shuffled epochs of 12 steps."""
    torch.manual_seed(0)
    held = (INPUTS * 0.3 + 0.1) if data is None else data.clone()
    model = nn.Sequential(nn.Flatten(), nn.Linear(held[0].numel(), 32), nn.ReLU(), nn.Linear(32, 4))
    optimizer = torch.optim.SGD(model.parameters(), rate)
    order = [torch.randperm(ROWS, generator=drawn(epoch)) for epoch in range(STEPS * BATCH // ROWS)]
    with watch(model, optimizer, every=3) as w:
        for step, rows in enumerate(torch.cat(order).split(BATCH)):
            optimizer.zero_grad()
            functional.cross_entropy(model(read(held, rows, step)), LABELS[rows]).backward()
            optimizer.step()
    assert (w.trouble, w.failed_rules) == ("", ())
    return {f.code: f for f in w.findings()}


def again(data: Tensor, rows: Tensor, _: int) -> Tensor:
    data[rows] = (data[rows] - 0.1) / 0.3
    return data[rows]


def divided(data: Tensor, rows: Tensor, _: int) -> Tensor:
    data[rows] = data[rows] / 2.0
    return data[rows]


def lowered(data: Tensor, rows: Tensor, _: int) -> Tensor:
    data[rows] -= 1.5
    return data[rows]


IMAGES = INPUTS.view(ROWS, 1, 4, 4).repeat(1, 3, 2, 2) * torch.tensor([0.2, 0.3, 0.4])[None, :, None, None]
SPREAD = torch.tensor([0.2, 0.25, 0.3])[None, :, None, None]


def by_channel(data: Tensor, rows: Tensor, _: int) -> Tensor:
    data[rows] = (data[rows] - 0.4) / SPREAD
    return data[rows]


FAULTY: dict[str, tuple[Read, Tensor | None]] = {
    "normalised again at each epoch": (again, None),
    "divided again": (divided, None),
    "the mean removed again": (lowered, None),
    "images, by channel": (by_channel, IMAGES),
}


@pytest.mark.parametrize("name", FAULTY)
def test_data_changed_in_place_are_a_warning_and_the_cause(name: str) -> None:
    found = seen(*FAULTY[name])
    first = found["DATA_DRIFT"]
    assert first.severity != "info"
    assert first.follows is None
    assert all(
        f.follows == "DATA_DRIFT" for code, f in found.items() if code in ("INPUT_SCALE", "LR_TOO_HIGH")
    )


def fresh(step: int) -> Tensor:
    return torch.randn(BATCH, 16, generator=drawn(step))


HEALTHY: dict[str, Read] = {
    "normalised once": lambda data, rows, _: (data[rows] - 0.1) / 0.3,
    "a stream that grows": lambda _, __, step: fresh(step) * 1.03**step,
    "a curriculum from small to large rows": lambda data, _, step: data[
        data.std(1).argsort()[step * 5 : step * 5 + BATCH]
    ],
    "random contrast": lambda data, rows, step: data[rows] * (0.2 + 3 * torch.rand(1, generator=drawn(step))),
    "noise that grows": lambda data, rows, step: data[rows] + step / 20 * fresh(step),
    "one category a row, at a growing weight": lambda _, rows, step: (
        functional.one_hot(LABELS[rows], 16) * 1.05**step
    ),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_data_that_drift_on_purpose_are_left_alone(name: str) -> None:
    assert "DATA_DRIFT" not in seen(HEALTHY[name])
