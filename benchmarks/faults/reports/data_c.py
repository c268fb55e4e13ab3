"""Data and scores that the programs of one writer share: everything from formulas or scikit-learn."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

Split = tuple[Tensor, Tensor, Tensor, Tensor]


def seed_everything(seed: int) -> None:
    """Seed the three generators, as everyone does at the top of a script."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def split(x: Tensor, y: Tensor, seed: int, share: float = 0.7) -> Split:
    """Shuffle and cut into training and test: x, y, x_test, y_test."""
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(100 + seed))
    n = int(len(x) * share)
    a, b = order[:n], order[n:]
    return x[a].clone(), y[a].clone(), x[b].clone(), y[b].clone()


def digits(seed: int, images: bool = False) -> Split:
    """The 8 by 8 digits, scaled to [0, 1]."""
    data: Any = datasets.load_digits()
    x = torch.tensor(data.data / 16.0, dtype=torch.float32)
    if images:
        x = x.reshape(-1, 1, 8, 8)
    return split(x, torch.tensor(data.target, dtype=torch.long), seed)


def table(name: str, seed: int) -> Split:
    """A table of scikit-learn with standardised columns; a real target is standardised too."""
    data: Any = getattr(datasets, f"load_{name}")()
    x = torch.tensor(data.data, dtype=torch.float32)
    x = (x - x.mean(0)) / x.std(0)
    y = torch.tensor(data.target)
    if y.is_floating_point():
        y = (y.float() - y.float().mean()) / y.float().std()
    return split(x, y, seed)


def spirals(seed: int, n: int = 900) -> Split:
    """Two spirals in the plane, one turn and a half each."""
    g = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 2
    t = torch.rand(n, generator=g).sqrt() * 3 * math.pi
    r = t / (3 * math.pi)
    angle = t + y * math.pi
    x = torch.stack([r * angle.cos(), r * angle.sin()], 1) * 2 + 0.03 * torch.randn(n, 2, generator=g)
    return split(x, y, seed)


def waves(seed: int, n: int = 700, length: int = 40) -> Split:
    """Series of one of four kinds: slow sine, fast sine, saw, square; shifted and noisy."""
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(0, 4, (n,), generator=g)
    t = torch.arange(length).float() + torch.rand(n, 1, generator=g) * 20
    kinds = torch.stack([(t * 0.3).sin(), (t * 0.9).sin(), (t % 10) / 5 - 1, (t * 0.5).sin().sign()], 1)
    x = kinds[torch.arange(n), y] + 0.2 * torch.randn(n, length, generator=g)
    return split(x, y, seed)


SYLLABLES = (
    ("ka", "to", "mi", "ru", "shi"),
    ("ov", "ski", "ev", "ina", "dra"),
    ("mac", "ley", "ton", "by", "er"),
    ("elli", "ano", "ucci", "ro", "ina"),
)


def names(seed: int, n: int = 900, length: int = 12) -> Split:
    """Invented names of four languages as numbers of letters, 0 for the empty places at the end."""
    rng = random.Random(seed)
    rows, labels = [], []
    for _ in range(n):
        label = rng.randrange(4)
        text = "".join(rng.choice(SYLLABLES[label]) for _ in range(rng.randint(2, 4)))[:length]
        letters = [ord(c) - 96 if rng.random() > 0.05 else rng.randint(1, 26) for c in text]
        rows.append(letters + [0] * (length - len(letters)))
        labels.append(label)
    return split(torch.tensor(rows), torch.tensor(labels), seed)


def loader(x: Tensor, y: Tensor, batch_size: int = 32) -> DataLoader[tuple[Tensor, ...]]:
    """A shuffled loader over a TensorDataset."""
    return DataLoader(TensorDataset(x, y), batch_size=batch_size, shuffle=True)


def accuracy(model: Callable[..., Tensor], x: Tensor, y: Tensor) -> float:
    """The share of rows whose largest output is the label."""
    if isinstance(model, nn.Module):
        model.eval()
    with torch.no_grad():
        hits = (model(x).argmax(1) == y).float().mean()
    if isinstance(model, nn.Module):
        model.train()
    return float(hits)


def r2(prediction: Tensor, target: Tensor) -> float:
    """The coefficient of determination; -1 at the lowest, also for numbers that are not finite."""
    value = 1 - ((prediction - target) ** 2).sum() / ((target - target.mean()) ** 2).sum()
    return max(-1.0, float(value)) if bool(torch.isfinite(value)) else -1.0


def neighbours(train: Tensor, labels: Tensor, test: Tensor, answers: Tensor, k: int = 5) -> float:
    """The accuracy of the k nearest neighbours in a space of embeddings."""
    if not bool(torch.isfinite(train).all() and torch.isfinite(test).all()):
        return 0.0
    nearest = torch.cdist(test, train).topk(k, largest=False).indices
    return float((labels[nearest].mode(1).values == answers).float().mean())


def energy_distance(a: Tensor, b: Tensor) -> float:
    """How far two clouds of points lie from each other: 0 if alike."""
    if not bool(torch.isfinite(a).all()):
        return 10.0
    value = 2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean()
    return float(value)
