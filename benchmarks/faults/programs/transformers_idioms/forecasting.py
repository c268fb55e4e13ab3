"""A forecast of series by PatchTST."""

from __future__ import annotations

import math

import torch
from accelerate import Accelerator
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.transformers_idioms.common import (
    Rows,
    workplace,
)
from torch import nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import DataLoader
from transformers import (
    PatchTSTConfig,
    PatchTSTForPrediction,
)


def series(count: int, seed: int) -> Rows:
    """Two channels of seasons and trends with noise: 48 values known and 12 to come."""
    random = torch.Generator().manual_seed(seed)
    time = torch.arange(60)[None, :, None]
    phase = 6.28 * torch.rand(count, 1, 2, generator=random)
    slope = 0.05 * torch.randn(count, 1, 2, generator=random)
    noise = 0.15 * torch.randn(count, 60, 2, generator=random)
    values = torch.sin(2 * math.pi * time / torch.tensor([12.0, 20.0]) + phase) + slope * time + noise
    return Rows(past_values=values[:, :48], future_values=values[:, 48:])


def patch_forecast(observer: Observer, seed: int) -> Trained:
    """A PatchTST forecasts twelve steps of two channels; Accelerate's loop with accumulation and evaluation."""
    with workplace(seed):
        train, valid = series(1600, seed), series(200, seed + 1000)
        config = PatchTSTConfig(
            num_input_channels=2,
            context_length=48,
            prediction_length=12,
            patch_length=6,
            patch_stride=6,
            d_model=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            ffn_dim=96,
            loss="mse",
            scaling="std",
        )
        accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
        model = PatchTSTForPrediction(config)
        before = variance_explained(model, valid)
        optimizer = AdamW(model.parameters(), lr=2e-3)
        loader = DataLoader(train, batch_size=16, shuffle=True)
        scheduler = LambdaLR(optimizer, lambda step: 1 / (1 + step / 100))
        model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
        tail: list[float] = []
        curve: list[float] = []
        with observer.watch(model, optimizer):
            for _ in range(3):
                model.train()
                for batch in loader:
                    with accelerator.accumulate(model):
                        loss = model(**batch).loss
                        accelerator.backward(loss)
                        optimizer.step()
                        scheduler.step()
                        optimizer.zero_grad()
                    tail.append(loss.item())
                model.eval()
                curve.append(variance_explained(model, valid))
        score = variance_explained(model, valid)
        extra = {"losses": tail[-5:], "curve": curve}
    return Trained((model,), (optimizer,), score, max(before, 0.0), 0.85, extra)


@torch.no_grad()
def variance_explained(model: nn.Module, rows: Rows) -> float:
    """The share of the variance of what comes that the forecast explains."""
    training = model.training
    model.eval()
    future = rows.columns["future_values"]
    guess = model(past_values=rows.columns["past_values"]).prediction_outputs
    model.train(training)
    return 1 - ((guess - future).square().mean() / future.var()).item()


PROGRAMS = (
    Program(
        "transformers_patch_forecast",
        "Accelerate, forecast of series",
        ("transformers", "accelerate"),
        patch_forecast,
    ),
)
