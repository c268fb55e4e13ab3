"""Data by formula or from scikit-learn, and small measures, for the programs of this writer."""

from __future__ import annotations

import random

import numpy as np
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

Split = tuple[Tensor, Tensor, Tensor, Tensor]


def seed_everything(seed: int) -> None:
    """Seed python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def digits(seed: int) -> Split:
    """Images (n, 1, 8, 8) in [0, 1] and labels: train, train labels, test, test labels."""
    x, y = load_digits(return_X_y=True)
    a, b, ya, yb = train_test_split(x / 16.0, y, test_size=0.25, random_state=seed, stratify=y)
    shape = (-1, 1, 8, 8)
    return (
        torch.tensor(a, dtype=torch.float32).view(shape),
        torch.tensor(ya),
        torch.tensor(b, dtype=torch.float32).view(shape),
        torch.tensor(yb),
    )


def table(name: str, seed: int) -> Split:
    """A standardised table of scikit-learn: wine, cancer or diabetes."""
    loader = {"wine": load_wine, "cancer": load_breast_cancer, "diabetes": load_diabetes}[name]
    x, y = loader(return_X_y=True)
    a, b, ya, yb = train_test_split(x, y, test_size=0.3, random_state=seed)
    mean, std = a.mean(0), a.std(0)
    kind = torch.float32 if name == "diabetes" else torch.int64
    return (
        torch.tensor((a - mean) / std, dtype=torch.float32),
        torch.tensor(ya, dtype=kind),
        torch.tensor((b - mean) / std, dtype=torch.float32),
        torch.tensor(yb, dtype=kind),
    )


def houses(n: int, seed: int) -> tuple[Tensor, Tensor]:
    """Six features in [0, 1] and a price in thousands: a smooth function of four of them, with noise."""
    g = torch.Generator().manual_seed(seed + 100)
    x = torch.rand(n, 6, generator=g)
    y = 180 + 90 * x[:, 0] + 60 * x[:, 1] * x[:, 2] - 50 * (x[:, 3] - 0.3) ** 2
    return x, y + 2 * torch.randn(n, generator=g)


def blobs(n: int, seed: int, size: int = 16) -> tuple[Tensor, Tensor, Tensor]:
    """Noisy images (n, 1, s, s) with one bright rectangle, its mask and its box (x1, y1, x2, y2)."""
    rng = np.random.default_rng(seed + 200)
    image = rng.normal(0.25, 0.12, (n, size, size))
    mask = np.zeros((n, size, size))
    box = np.zeros((n, 4))
    for i in range(n):
        w, h = rng.integers(3, size // 2 + 1, 2)
        x1, y1 = rng.integers(0, size - w + 1), rng.integers(0, size - h + 1)
        mask[i, y1 : y1 + h, x1 : x1 + w] = 1
        box[i] = x1, y1, x1 + w, y1 + h
    image = (image + 0.5 * mask).clip(0, 1)
    f = torch.float32
    return (
        torch.tensor(image, dtype=f).unsqueeze(1),
        torch.tensor(mask, dtype=f).unsqueeze(1),
        torch.tensor(box, dtype=f),
    )


def reviews(n: int, seed: int, length: int = 10) -> tuple[Tensor, Tensor]:
    """Sentences of tokens 3..29 with good (1) or bad (2) and maybe a not (0): the label is the sense."""
    g = torch.Generator().manual_seed(seed + 300)
    x = torch.randint(3, 30, (n, length), generator=g)
    good = torch.randint(0, 2, (n,), generator=g)
    negated = torch.randint(0, 2, (n,), generator=g)
    where = torch.rand(n, length, generator=g).argsort(1)
    x[torch.arange(n), where[:, 0]] = 2 - good
    rows = torch.arange(n)[negated == 1]
    x[rows, where[negated == 1, 1]] = 0
    return x, good ^ negated


def marked(n: int, seed: int, length: int = 12) -> tuple[Tensor, Tensor]:
    """Series (n, t, 2) of values and a mark; the target is the value at the mark."""
    g = torch.Generator().manual_seed(seed + 400)
    values = torch.randn(n, length, generator=g)
    where = torch.randint(0, length, (n,), generator=g)
    mark = nn.functional.one_hot(where, length).float()
    return torch.stack([values, mark], 2), values.gather(1, where[:, None]).squeeze(1)


def waves(n: int, seed: int, length: int = 20) -> tuple[Tensor, Tensor]:
    """Windows of sine waves of unlike period and phase, with the next value as target."""
    g = torch.Generator().manual_seed(seed + 500)
    speed = 0.3 + 0.5 * torch.rand(n, 1, generator=g)
    phase = 6.3 * torch.rand(n, 1, generator=g)
    series = torch.sin(speed * torch.arange(length + 1) + phase)
    series = series + 0.03 * torch.randn(n, length + 1, generator=g)
    return series[:, :-1], series[:, -1]


def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of rows whose highest output is the label."""
    model.eval()
    with torch.no_grad():
        return float((model(x).argmax(1) == y).float().mean())


def r2(prediction: Tensor, target: Tensor) -> float:
    """The coefficient of determination; at least -1 to keep numbers readable."""
    if not bool(torch.isfinite(prediction).all()):
        return -1.0
    error = ((prediction.reshape(-1) - target.reshape(-1)) ** 2).mean()
    return max(-1.0, float(1 - error / target.reshape(-1).var(unbiased=False)))


def mask_iou(prediction: Tensor, target: Tensor) -> float:
    """The intersection over union of two sets of binary masks."""
    p, t = prediction.bool(), target.bool()
    return float((p & t).sum() / (p | t).sum().clamp(min=1))


def box_iou(a: Tensor, b: Tensor) -> Tensor:
    """The intersection over union, row by row, of boxes (x1, y1, x2, y2)."""
    wh = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    inter = wh[:, 0] * wh[:, 1]
    area_a = (a[:, 2] - a[:, 0]).clamp(min=0) * (a[:, 3] - a[:, 1]).clamp(min=0)
    area_b = (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    return inter / (area_a + area_b - inter).clamp(min=1e-6)
