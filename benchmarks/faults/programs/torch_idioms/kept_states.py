"""States kept during a training: the best by deepcopy, a file in memory, snapshots of a cyclic schedule."""

from __future__ import annotations

import copy
import io

import torch
from benchmarks.faults.program import Observer, Program, Trained
from benchmarks.faults.programs.torch_idioms.data import (
    accuracy,
    digit_images,
    digit_vectors,
    outputs,
    seed_all,
)
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import CosineAnnealingLR, CosineAnnealingWarmRestarts


def early_stopping(observer: Observer, seed: int) -> Trained:
    """A network on digits, stopped early; the best model by validation is kept by deepcopy."""
    seed_all(seed)
    data = digit_vectors()
    val_x, val_y, train_x, train_y = (
        data.train_x[:300],
        data.train_y[:300],
        data.train_x[300:],
        data.train_y[300:],
    )
    model = nn.Sequential(
        nn.Linear(64, 384),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(384, 384),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(384, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    before, losses = accuracy(model, data.test_x, data.test_y), []
    best, best_loss, patience = copy.deepcopy(model), float("inf"), 0
    with observer.watch(model, optimizer):
        for _epoch in range(24):
            model.train()
            for rows in torch.randperm(len(train_x)).split(64):
                loss = functional.cross_entropy(model(train_x[rows]), train_y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            model.eval()
            with torch.no_grad():
                val_loss = functional.cross_entropy(model(val_x), val_y).item()
            if val_loss < best_loss:
                best, best_loss, patience = copy.deepcopy(model), val_loss, 0
            else:
                patience += 1
                if patience == 4:
                    break
    score = accuracy(best, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(best, data.test_x[:8])}
    return Trained((model, best), (optimizer,), score, max(before, 0.1), 0.88, extra)


def checkpoints_in_memory(observer: Observer, seed: int) -> Trained:
    """A convolutional network on digits: everything is saved by `torch.save` each epoch, and the best loaded back."""
    seed_all(seed)
    data, epochs = digit_images(), 6
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(128, 10),
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    scheduler = CosineAnnealingLR(optimizer, T_max=epochs)
    before, losses, best, best_file = accuracy(model, data.test_x, data.test_y), [], 0.0, b""
    with observer.watch(model, optimizer):
        for epoch in range(epochs):
            model.train()
            for x, y in data.loader(32):
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                losses.append(loss.item())
            scheduler.step()
            value = accuracy(model, data.test_x, data.test_y)
            file = io.BytesIO()
            torch.save(
                {
                    "epoch": epoch,
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "scheduler": scheduler.state_dict(),
                },
                file,
            )
            if value >= best:
                best, best_file = value, file.getvalue()
    checkpoint = torch.load(io.BytesIO(best_file), weights_only=True)
    model.load_state_dict(checkpoint["model"])
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "epoch": checkpoint["epoch"], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.88, extra)


def resumed(observer: Observer, seed: int) -> Trained:
    """A training that was interrupted: half is done before, the watched half goes on from the file in memory."""
    seed_all(seed)
    data, file = digit_vectors(), io.BytesIO()
    losses: list[float] = []

    def build() -> tuple[nn.Module, torch.optim.Optimizer, CosineAnnealingLR]:
        model = nn.Sequential(
            nn.Linear(64, 96),
            nn.BatchNorm1d(96),
            nn.ELU(),
            nn.Linear(96, 48),
            nn.BatchNorm1d(48),
            nn.ELU(),
            nn.Linear(48, 10),
        )
        optimizer = torch.optim.Adamax(model.parameters(), lr=4e-3)
        return model, optimizer, CosineAnnealingLR(optimizer, T_max=16)

    def epoch_of(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        model.train()
        for x, y in data.loader(64):
            optimizer.zero_grad()
            loss = functional.cross_entropy(model(x), y, label_smoothing=0.05)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())

    model, optimizer, scheduler = build()
    before = accuracy(model, data.test_x, data.test_y)
    for _epoch in range(2):
        epoch_of(model, optimizer)
        scheduler.step()
    torch.save([model.state_dict(), optimizer.state_dict(), scheduler.state_dict()], file)

    model, optimizer, scheduler = build()
    file.seek(0)
    for owner, state in zip((model, optimizer, scheduler), torch.load(file, weights_only=False), strict=True):
        owner.load_state_dict(state)
    with observer.watch(model, optimizer):
        for _epoch in range(2, 16):
            epoch_of(model, optimizer)
            scheduler.step()
            accuracy(model, data.test_x, data.test_y)
    score = accuracy(model, data.test_x, data.test_y)
    extra = {"losses": losses[-10:], "outputs": outputs(model, data.test_x[:8])}
    return Trained((model,), (optimizer,), score, max(before, 0.1), 0.9, extra)


class Maxout(nn.Module):
    """Two layers, each the maximum of three linear ones."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(64, 192), nn.Linear(64, 192), nn.Linear(64, 10)
        self.drop = nn.Dropout(0.2)

    def forward(self, x: Tensor) -> Tensor:
        """The forward pass."""
        for layer in (self.first, self.second):
            x = self.drop(layer(x).unflatten(-1, (64, 3)).amax(-1))
        return self.head(x)


def snapshots(observer: Observer, seed: int) -> Trained:
    """A snapshot ensemble: warm restarts of a maxout network on digits, a state kept at the end of each cycle."""
    seed_all(seed)
    data, cycle = digit_vectors(), 4
    model, kept = Maxout(), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    loader = data.loader(64)
    scheduler = CosineAnnealingWarmRestarts(optimizer, T_0=cycle * len(loader))
    before, losses = accuracy(model, data.test_x, data.test_y), []
    with observer.watch(model, optimizer):
        for epoch in range(3 * cycle):
            model.train()
            for x, y in loader:
                optimizer.zero_grad()
                loss = functional.cross_entropy(model(x), y)
                loss.backward()
                optimizer.step()
                scheduler.step()
                losses.append(loss.item())
            if (epoch + 1) % cycle == 0:
                kept.append({k: v.detach().clone() for k, v in model.state_dict().items()})
    probabilities = torch.zeros(len(data.test_x), 10)
    for state in kept:
        model.load_state_dict(state)
        probabilities += outputs(model, data.test_x).softmax(-1) / len(kept)
    score = (probabilities.argmax(-1) == data.test_y).float().mean().item()
    return Trained(
        (model,),
        (optimizer,),
        score,
        max(before, 0.1),
        0.88,
        {"losses": losses[-10:], "outputs": probabilities[:8]},
    )


PROGRAMS = (
    Program("early-stopping-deepcopy", "deepcopy of the best model", (), early_stopping),
    Program("checkpoints-in-memory", "torch.save each epoch, the best loaded", (), checkpoints_in_memory),
    Program("resumed-training", "a training resumed from a checkpoint", (), resumed),
    Program("snapshot-ensemble-warm-restarts", "warm restarts, snapshots of the state", (), snapshots),
)
