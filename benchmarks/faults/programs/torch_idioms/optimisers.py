"""Ways to step: inside the backward pass, fused, by foreach, with a closure."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import (
    accuracy,
    digit_vectors,
    english,
    friedman,
    outputs,
    seed_all,
    text_batch,
)
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR


def perceptron(*widths: int) -> nn.Sequential:
    """Linear layers with GELU and a layer norm between them."""
    layers: list[nn.Module] = []
    for inner, outer in pairwise(widths):
        layers += [nn.Linear(inner, outer), nn.LayerNorm(outer), nn.GELU()]
    return nn.Sequential(*layers[:-2])


def step_in_backward(observer: Observer, seed: int) -> Trained:
    """An MLP on digits, each parameter stepped by its own Adam as soon as its gradient is there."""
    seed_all(seed)
    data, model = digit_vectors(), perceptron(64, 256, 256, 10)
    optimizers = {p: torch.optim.Adam([p], lr=1e-3, foreach=False) for p in model.parameters()}

    def step(parameter: Tensor) -> None:
        optimizers[parameter].step()  # type: ignore[index]
        optimizers[parameter].zero_grad()  # type: ignore[index]

    handles = [p.register_post_accumulate_grad_hook(step) for p in model.parameters()]
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, list(optimizers.values())):
        for _epoch in range(10):
            for x, y in data.loader(64):
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                losses.append(loss.item())
    for handle in handles:
        handle.remove()
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), tuple(optimizers.values()), score, max(before, 0.1), 0.85, extra)


class BagOfLetters(nn.Module):
    """The next letter from the eight before it: embeddings side by side, then an MLP (Bengio's model)."""

    def __init__(self, letters: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(letters, 16)
        self.mlp = nn.Sequential(nn.Linear(128, 512), nn.Tanh(), nn.Dropout(0.1), nn.Linear(512, letters))

    def forward(self, ids: Tensor) -> Tensor:
        """The forward pass."""
        return self.mlp(self.embed(ids).flatten(1))


def fused_adamw(observer: Observer, seed: int) -> Trained:
    """A neural n-gram model of English letters under bfloat16 autocast, by fused AdamW."""
    seed_all(seed)
    train, test, alphabet = english()
    model = BagOfLetters(len(alphabet))
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.01, fused=True)
    scheduler = CosineAnnealingLR(optimizer, T_max=250)
    windows = test.unfold(0, 9, 1)

    @torch.no_grad()
    def held_out() -> float:
        model.eval()
        value = -functional.cross_entropy(model(windows[:, :8]), windows[:, 8]).item()
        model.train()
        return value

    before, losses = held_out(), []
    with observer.watch(model, optimizer):
        for _step in range(250):
            x, y = text_batch(train, 256, 8)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                loss = functional.cross_entropy(model(x), y[:, -1])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            losses.append(loss.item())
    extra = {"losses": losses[-10:], "outputs": outputs(model, windows[:4, :8])}
    return Trained((model,), (optimizer,), held_out(), max(before, -math.log(len(alphabet))), -2.8, extra)


def foreach_sgd(observer: Observer, seed: int) -> Trained:
    """Friedman's regression with Huber's loss, by foreach SGD with momentum and a plateau schedule."""
    seed_all(seed)
    data, model = friedman(), perceptron(10, 256, 128, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-3, foreach=True)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3)
    spread = data.test_y.var().item()

    def explained() -> float:
        return 1 - functional.mse_loss(outputs(model, data.test_x).squeeze(1), data.test_y).item() / spread

    before, losses = explained(), []
    with observer.watch(model, optimizer):
        for _epoch in range(16):
            model.train()
            for x, y in data.loader(64):
                optimizer.zero_grad()
                loss = functional.smooth_l1_loss(model(x).squeeze(1), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            scheduler.step(1 - explained())
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), explained(), max(before, 0.0), 0.7, extra)


class SineCells(nn.Module):
    """Two LSTM cells and a linear layer, step by step, as in PyTorch's example of time sequences."""

    def __init__(self, hidden: int = 24) -> None:
        super().__init__()
        self.hidden = hidden
        self.lstm1, self.lstm2 = nn.LSTMCell(1, hidden), nn.LSTMCell(hidden, hidden)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, series: Tensor) -> Tensor:
        """The forward pass."""
        zeros = torch.zeros(len(series), self.hidden, dtype=series.dtype)
        h1, c1, h2, c2, outs = zeros, zeros, zeros, zeros, []
        for value in series.split(1, dim=1):
            h1, c1 = self.lstm1(value, (h1, c1))
            h2, c2 = self.lstm2(h1, (h2, c2))
            outs.append(self.linear(h2))
        return torch.cat(outs, dim=1)


def lbfgs_closure(observer: Observer, seed: int) -> Trained:
    """LSTM cells in double precision learn to continue sines, by L-BFGS with a closure on the whole batch."""
    seed_all(seed)
    shifts = 8 * torch.rand(40, 1, dtype=torch.float64)
    series = torch.sin((torch.arange(41, dtype=torch.float64) + 4 * shifts) / 4)
    train, test = series[8:], series[:8]
    model, criterion = SineCells().double(), nn.MSELoss()
    optimizer = torch.optim.LBFGS(model.parameters(), lr=0.8, max_iter=3, history_size=20)
    spread, losses = test.var().item(), []

    def explained() -> float:
        return 1 - criterion(outputs(model, test[:, :-1])[:, 5:], test[:, 6:]).item() / spread

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = criterion(model(train[:, :-1]), train[:, 1:])
        loss.backward()
        return loss

    before = explained()
    with observer.watch(model, optimizer):
        for _step in range(60):
            model.train()
            losses.append(optimizer.step(closure).item())  # type: ignore[arg-type]
    extra = {"losses": losses[-10:], "outputs": outputs(model, test[:2, :-1])}
    return Trained((model,), (optimizer,), explained(), max(before, 0.0), 0.9, extra)


PROGRAMS = (
    Program("adam-step-in-backward", "register_post_accumulate_grad_hook", (), step_in_backward),
    Program("fused-adamw-autocast", "fused AdamW, bfloat16 autocast", (), fused_adamw),
    Program("foreach-sgd-plateau", "foreach SGD, ReduceLROnPlateau", (), foreach_sgd),
    Program("lbfgs-sine-double", "L-BFGS with a closure, double precision", (), lbfgs_closure),
)
