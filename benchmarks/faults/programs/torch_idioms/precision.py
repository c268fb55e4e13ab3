"""Half of the digits: bfloat16 weights with float32 masters by hand, and autocast with accumulation."""

from __future__ import annotations

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import accuracy, digit_vectors, outputs, seed_all, tabular
from torch import Tensor, nn
from torch.nn import functional


class GatedNetwork(nn.Module):
    """A SwiGLU network."""

    def __init__(self, inputs: int, dim: int, classes: int) -> None:
        super().__init__()
        self.gate, self.value = nn.Linear(inputs, dim), nn.Linear(inputs, dim)
        self.mix, self.norm = nn.Linear(dim, dim), nn.LayerNorm(dim)
        self.head = nn.Linear(dim, classes)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        h = functional.silu(self.gate(x)) * self.value(x)
        return self.head(self.norm(h + functional.silu(self.mix(h))))


def master_weights(observer: Observer, seed: int) -> Trained:
    """A bfloat16 network on digits: the optimiser steps float32 copies, which are copied back after each step."""
    seed_all(seed)
    data = digit_vectors()
    model = GatedNetwork(64, 128, 10).to(torch.bfloat16)
    masters = [p.detach().clone().float().requires_grad_() for p in model.parameters()]
    optimizer = torch.optim.AdamW(masters, lr=2e-3, weight_decay=0.01)
    test_x = data.test_x.bfloat16()
    before, losses = accuracy(model, test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for _epoch in range(10):
            model.train()
            for x, y in data.loader(64):
                loss = functional.cross_entropy(model(x.bfloat16()).float(), y)
                model.zero_grad()
                loss.backward()
                for master, p in zip(masters, model.parameters(), strict=True):
                    assert p.grad is not None
                    master.grad = p.grad.float()
                nn.utils.clip_grad_norm_(masters, 1.0)
                optimizer.step()
                with torch.no_grad():
                    for master, p in zip(masters, model.parameters(), strict=True):
                        p.copy_(master)
                losses.append(loss.item())
            accuracy(model, test_x, data.test_y)
    score = accuracy(model, test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.85, extra)


def accumulated_autocast(observer: Observer, seed: int) -> Trained:
    """A tumour classifier with weighted binary cross-entropy: autocast, four batches to a step, clipping."""
    seed_all(seed)
    data = tabular("breast_cancer")
    model = nn.Sequential(
        nn.Linear(30, 64),
        nn.BatchNorm1d(64),
        nn.PReLU(),
        nn.Dropout(0.2),
        nn.Linear(64, 32),
        nn.PReLU(),
        nn.Linear(32, 1),
    )
    optimizer = torch.optim.RAdam(model.parameters(), lr=1e-2, weight_decay=1e-4)
    weight = (1 - data.train_y.float().mean()) / data.train_y.float().mean()
    criterion = nn.BCEWithLogitsLoss(pos_weight=weight)

    def balanced() -> float:
        said, real = outputs(model, data.test_x).squeeze(1) > 0, data.test_y == 1
        return 0.5 * ((said & real).sum() / real.sum() + (~said & ~real).sum() / (~real).sum()).item()

    loader = data.loader(16)
    before, losses = balanced(), []
    with observer.watch(model, optimizer):
        for _epoch in range(15):
            model.train()
            for index, (x, y) in enumerate(loader):
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    loss = criterion(model(x).squeeze(1), y.float()) / 4
                loss.backward()
                if index % 4 == 3 or index + 1 == len(loader):
                    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    optimizer.zero_grad()
                losses.append(4 * loss.item())
            balanced()
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), balanced(), max(before, 0.5), 0.85, extra)


PROGRAMS = (
    Program("bf16-float32-masters", "bfloat16 weights, float32 masters by hand", (), master_weights),
    Program(
        "autocast-accumulation-bce", "bfloat16 autocast, gradient accumulation", (), accumulated_autocast
    ),
)
