"""What the programs share: seeds, small data, a distance between samples and the features of a probe."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor


def seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def digits(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The digits of scikit-learn as `(n, 1, 8, 8)` in [0, 1]: train images, train labels, test images, test labels."""
    X, y = load_digits(return_X_y=True)
    parts = train_test_split((X / 16).astype(np.float32), y, test_size=0.2, stratify=y, random_state=seed)
    train_x, test_x, train_y, test_y = (torch.from_numpy(part) for part in parts)
    return train_x.view(-1, 1, 8, 8), train_y.long(), test_x.view(-1, 1, 8, 8), test_y.long()


def epochs(n: int, batch_size: int, steps: int) -> Iterator[Tensor]:
    """Indices of shuffled minibatches, epoch after epoch, the last incomplete one dropped."""
    done = 0
    while done < steps:
        for index in torch.randperm(n).split(batch_size):
            if len(index) == batch_size and done < steps:
                done += 1
                yield index


def energy_distance(a: Tensor, b: Tensor) -> float:
    """The energy distance between two samples: 0 where the distributions are the same."""
    a, b = a.detach().flatten(1), b.detach().flatten(1)
    return float(2 * torch.cdist(a, b).mean() - torch.cdist(a, a).mean() - torch.cdist(b, b).mean())


def explained(prediction: Tensor, target: Tensor) -> float:
    """The share of the target's variance, around its mean over the samples, that a prediction explains."""
    residual = (prediction.detach() - target).pow(2).mean()
    return float(1 - residual / (target - target.mean(0)).pow(2).mean())


def neighbour_accuracy(train: Tensor, train_y: Tensor, test: Tensor, test_y: Tensor, k: int = 5) -> float:
    """How often the majority of the `k` nearest neighbours by cosine has the right class."""
    similar = torch.nn.functional.normalize(test, dim=1) @ torch.nn.functional.normalize(train, dim=1).T
    votes = train_y[similar.topk(k, dim=1).indices].mode(dim=1).values
    return float((votes == test_y).float().mean())
