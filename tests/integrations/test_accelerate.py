"""A loop of Accelerate's own objects: `levinthal.watch` as it is, with what `prepare` returns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from tests.clinic.same_runs import Program, same
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

X, Y = torch.randn(5 * 32, 16), torch.randint(4, (5 * 32,))
MANY = 3000
"""Rows of validation, more than a watch reads."""


@pytest.fixture
def accelerate() -> Iterator[Any]:
    accelerate = pytest.importorskip("accelerate")
    yield accelerate
    accelerate.state.AcceleratorState._reset_state(True)
    accelerate.state.GradientState._reset_state()


def program(accelerator: Any) -> Program:
    """Accumulates two batches, and the last of five alone; clips."""

    def made() -> Any:
        whole = nn.Sequential(nn.Linear(16, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 4))
        data = DataLoader(TensorDataset(X, Y), 32, shuffle=True)
        model, optimizer, loader = accelerator.prepare(
            whole, torch.optim.Adam(whole.parameters(), 1e-2), data
        )

        def batches() -> Iterator[Any]:
            while True:
                yield from loader

        rows = batches()

        def step(_: int) -> tuple[Tensor, bool]:
            inputs, labels = next(rows)
            with accelerator.accumulate(model):
                loss = functional.cross_entropy(model(inputs), labels)
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 0.5)
                optimizer.step()
                optimizer.zero_grad()
            return loss, accelerator.sync_gradients

        return model, optimizer, step

    return made


@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_a_prepared_loop_is_watched_and_stays_the_same_to_the_bit(accelerate: Any, precision: str) -> None:
    accelerator = accelerate.Accelerator(cpu=True, mixed_precision=precision, gradient_accumulation_steps=2)
    held = accelerator.prepare(
        DataLoader(TensorDataset(torch.randn(MANY, 16), torch.randint(4, (MANY,))), 64)
    )
    w = same(program(accelerator), steps=20, every=1, validation=held)
    assert (w.trouble, w.unseen) == ("", ())
    assert len(w.history) == 12  # of five batches three steps
    assert accelerator.gradient_state.active_dataloader is not held
    assert w.history.validation is not None
    assert len(w.history.validation.evaluations) > 1
