# mypy: disallow-untyped-calls=False
"""Data and small helpers that the reports about sequences, evaluation, loaders and trainers share."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def split(x: Tensor, y: Tensor, held_out: float = 0.3) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A random split: training inputs and targets, then the held-out ones."""
    order = torch.randperm(len(x))
    cut = int(len(x) * (1 - held_out))
    return x[order[:cut]], y[order[:cut]], x[order[cut:]], y[order[cut:]]


def digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Handwritten digits as images of 1 x 8 x 8 with values from 0 to 1."""
    bunch: Any = datasets.load_digits()
    images = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 16
    return split(images, torch.tensor(bunch.target, dtype=torch.long))


def table(name: str) -> tuple[Tensor, Tensor]:
    """A raw table of scikit-learn: wine, breast_cancer, iris or diabetes."""
    bunch: Any = getattr(datasets, f"load_{name}")()
    regression = name == "diabetes"
    target = torch.tensor(bunch.target, dtype=torch.float32 if regression else torch.long)
    return torch.tensor(bunch.data, dtype=torch.float32), target


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of right classes in evaluation mode."""
    model.eval()
    with torch.no_grad():
        return float((model(x).argmax(-1) == y).float().mean())


def r2(predicted: Tensor, target: Tensor) -> float:
    """The coefficient of determination."""
    rest = float(((predicted - target) ** 2).sum())
    return 1 - rest / float(((target - target.mean()) ** 2).sum())


def words(count: int, length: int, vocabulary: int) -> Tensor:
    """Random tokens from 1 on; 0 is kept for padding."""
    return torch.randint(1, vocabulary, (count, length))


def grammar_text(count: int, length: int, vocabulary: int = 12) -> Tensor:
    """Sentences in which a token follows from the two before it, with 5 % of surprises."""
    text = torch.randint(0, vocabulary, (count, length))
    for t in range(2, length):
        rule = (text[:, t - 1] * 5 + text[:, t - 2] * 3 + 1) % vocabulary
        text[:, t] = torch.where(torch.rand(count) < 0.95, rule, text[:, t])
    return text


def noisy_waves(count: int) -> Tensor:
    """One long series: two waves and noise."""
    t = torch.arange(count, dtype=torch.float32)
    return torch.sin(t * 0.9) + 0.5 * torch.sin(t * 0.37 + 1) + 0.1 * torch.randn(count)
