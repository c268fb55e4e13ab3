"""Targets that are not one class or one number: several tasks, labels, quantiles and counts."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from benchmarks.faults.program import Observer, Program, Trained
from sklearn.datasets import (
    make_multilabel_classification,
)
from sklearn.metrics import d2_tweedie_score, f1_score
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from .common import digits, epochs, seed_everything


class MultiTask(nn.Module):
    """A shared trunk, a head of classes, a head of the centre of the ink, and a learnt log variance of each task."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(256, 64),
            nn.ReLU(inplace=True),
            nn.Dropout(0.1),
        )
        self.classify, self.locate = nn.Linear(64, 10), nn.Linear(64, 2)
        self.log_vars = nn.Parameter(torch.zeros(2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and the centre."""
        h = self.trunk(x)
        return self.classify(h), self.locate(h)


def multi_task_uncertainty(observer: Observer, seed: int) -> Trained:
    """Class and centre of digits together, weighted by homoscedastic uncertainty (Kendall et al.)."""
    seed_everything(seed)
    train, train_y, test, test_y = digits(seed)
    grid = torch.stack(torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")).flatten(1)

    def centre(x: Tensor) -> Tensor:
        return 4 * (x.flatten(1) @ grid.T / x.flatten(1).sum(1, keepdim=True) - 3.5)

    model = MultiTask()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    loader = DataLoader(TensorDataset(train, train_y, centre(train)), batch_size=64, shuffle=True)
    with observer.watch(model, optimizer):
        for _ in range(12):
            model.train()
            for x, y, place in loader:
                logits, where = model(x)
                losses = torch.stack((F.cross_entropy(logits, y), 0.5 * F.mse_loss(where, place)))
                loss = (losses * torch.exp(-model.log_vars) + 0.5 * model.log_vars).sum()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
    model.eval()
    with torch.no_grad():
        logits, where = model(test)
    accuracy = float((logits.argmax(1) == test_y).float().mean())
    fit = 1 - float(F.mse_loss(where, centre(test)) / centre(test).var())
    extra = {"losses": losses.detach(), "log_vars": model.log_vars.detach(), "logits": logits[:4]}
    return Trained((model,), (optimizer,), (accuracy + fit) / 2, 0.1, 0.75, extra)


def multi_label(observer: Observer, seed: int) -> Trained:
    """Several labels per sample by binary cross-entropy with weights of the positives; GELU, LayerNorm, AdamW."""
    seed_everything(seed)
    X, Y = make_multilabel_classification(3000, 40, n_classes=8, n_labels=2, length=80, random_state=seed)
    x, y = torch.tensor(np.log1p(X), dtype=torch.float32), torch.tensor(Y, dtype=torch.float32)
    x = (x - x[:2400].mean(0)) / x[:2400].std(0)
    model = nn.Sequential(
        nn.Linear(40, 96),
        nn.LayerNorm(96),
        nn.GELU(),
        nn.Dropout(0.2),
        nn.Linear(96, 96),
        nn.LayerNorm(96),
        nn.GELU(),
        nn.Linear(96, 8),
    )
    positive = y[:2400].mean(0)
    criterion = nn.BCEWithLogitsLoss(pos_weight=((1 - positive) / positive).sqrt())
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.01)
    with observer.watch(model, optimizer):
        for index in epochs(2400, 64, 300):
            loss = criterion(model(x[index]), y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = model(x[2400:])
    score = float(f1_score(Y[2400:], (logits > 0).numpy(), average="macro"))
    before = float(f1_score(Y[2400:], np.ones_like(Y[2400:]), average="macro"))
    return Trained(
        (model,), (optimizer,), score, before, before + 0.15, {"loss": loss.detach(), "logits": logits[:4]}
    )


def quantiles(observer: Observer, seed: int) -> Trained:
    """Five quantiles of a heteroscedastic target by the pinball loss."""
    seed_everything(seed)
    x = torch.rand(3000, 1) * 2 - 1
    y = torch.sin(4 * x) + (0.1 + 0.4 * (x + 1)) * torch.randn(3000, 1)
    levels = torch.tensor([0.05, 0.25, 0.5, 0.75, 0.95])

    def pinball(prediction: Tensor, target: Tensor) -> Tensor:
        error = target - prediction
        return torch.maximum(levels * error, (levels - 1) * error).mean()

    model = nn.Sequential(nn.Linear(1, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 5))
    optimizer = torch.optim.NAdam(model.parameters(), lr=3e-3)
    with observer.watch(model, optimizer):
        for index in epochs(2400, 100, 360):
            optimizer.zero_grad()
            loss = pinball(model(x[index]), y[index])
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        predicted = model(x[2400:])
    constant = pinball(torch.quantile(y[:2400], levels, dim=0).T, y[2400:])
    score = 1 - float(pinball(predicted, y[2400:]) / constant)
    cover = float(((y[2400:] > predicted[:, :1]) & (y[2400:] < predicted[:, 4:])).float().mean())
    extra = {"loss": loss.detach(), "cover": cover, "quantiles": predicted[:8]}
    return Trained((model,), (optimizer,), score, 0.0, 0.2, extra)


def poisson_counts(observer: Observer, seed: int) -> Trained:
    """Counts with an exposure: a Poisson likelihood whose rate is the network's exponential."""
    seed_everything(seed)
    x, exposure = torch.randn(3000, 8), 0.5 + torch.rand(3000)
    rate = (0.5 + 0.6 * x[:, 0] - 0.5 * x[:, 1] * (x[:, 2] > 0) + 0.4 * torch.sin(2 * x[:, 3])).exp()
    y = torch.poisson(rate * exposure)
    model = nn.Sequential(nn.Linear(8, 48), nn.ELU(), nn.Linear(48, 48), nn.ELU(), nn.Linear(48, 1))
    nn.init.zeros_(model[-1].weight)
    nn.init.constant_(model[-1].bias, float((y[:2400].sum() / exposure[:2400].sum()).log()))
    criterion = nn.PoissonNLLLoss(log_input=True)
    optimizer = torch.optim.Adamax(model.parameters(), lr=5e-3)
    with observer.watch(model, optimizer):
        for index in epochs(2400, 120, 300):
            log_rate = model(x[index]).squeeze(1) + exposure[index].log()
            loss = criterion(log_rate, y[index])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
    with torch.no_grad():
        predicted = model(x[2400:]).squeeze(1).exp() * exposure[2400:]
    score = float(d2_tweedie_score(y[2400:].numpy(), predicted.numpy(), power=1))
    return Trained((model,), (optimizer,), score, 0.0, 0.3, {"loss": loss.detach(), "rates": predicted[:8]})


PROGRAMS = (
    Program("multi-task-uncertainty", "multi-task, learnt weights", (), multi_task_uncertainty),
    Program("multi-label", "multi-label classification", (), multi_label),
    Program("quantile-pinball", "quantile regression", (), quantiles),
    Program("poisson-counts", "count regression", (), poisson_counts),
)
