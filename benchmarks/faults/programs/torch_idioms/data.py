"""Seeds, the small data sets that the programs train on, and the scores that several of them share."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator
from importlib import resources
from typing import NamedTuple

import numpy as np
import torch
from sklearn import datasets
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset


class Split(NamedTuple):
    """Inputs and targets to train on, and those held out."""

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor

    def loader(self, batch_size: int, drop_last: bool = True) -> DataLoader[tuple[Tensor, ...]]:
        """Shuffled batches of the training part."""
        dataset = TensorDataset(self.train_x, self.train_y)
        return DataLoader(dataset, batch_size=batch_size, shuffle=True, drop_last=drop_last)


def seed_all(seed: int) -> None:
    """Seed every generator that a program may draw from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def split(x: Tensor, y: Tensor, held_out: float = 0.25, classes: bool = True) -> Split:
    """Hold out a quarter, the same for every seed."""
    kept, out = train_test_split(
        np.arange(len(x)), test_size=held_out, random_state=0, stratify=y.numpy() if classes else None
    )
    return Split(x[kept], y[kept], x[out], y[out])


def digit_images() -> Split:
    """1797 handwritten digits of 8 by 8 pixels, in one channel, normalised."""
    bunch = datasets.load_digits()
    x = torch.tensor(bunch.images, dtype=torch.float32).unsqueeze(1) / 16.0
    return split((x - 0.3) / 0.38, torch.tensor(bunch.target))


def digit_vectors() -> Split:
    """The same digits as vectors of 64 numbers."""
    data = digit_images()
    return Split(data.train_x.flatten(1), data.train_y, data.test_x.flatten(1), data.test_y)


def tabular(name: str) -> Split:
    """`wine`, `breast_cancer` or `diabetes`, standardised by the training part; a regression's target too."""
    bunch = getattr(datasets, f"load_{name}")()
    classes = name != "diabetes"
    y = torch.tensor(bunch.target, dtype=torch.long if classes else torch.float32)
    data = split(torch.tensor(bunch.data, dtype=torch.float32), y, classes=classes)
    mean, std = data.train_x.mean(0), data.train_x.std(0)
    if not classes:
        centre, spread = data.train_y.mean(), data.train_y.std()
        data = data._replace(train_y=(data.train_y - centre) / spread, test_y=(data.test_y - centre) / spread)
    return data._replace(train_x=(data.train_x - mean) / std, test_x=(data.test_x - mean) / std)


def friedman() -> Split:
    """Friedman's first regression problem, the target standardised."""
    x, y = datasets.make_friedman1(2000, n_features=10, noise=1.0, random_state=0)
    target = torch.tensor(y, dtype=torch.float32)
    return split(
        torch.tensor(x, dtype=torch.float32) * 2 - 1, (target - target.mean()) / target.std(), classes=False
    )


def english() -> tuple[Tensor, Tensor, str]:
    """The descriptions that scikit-learn's data sets carry, as characters: nine blocks of ten, the tenth, the alphabet."""
    files = sorted(resources.files("sklearn.datasets.descr").iterdir(), key=lambda file: file.name)
    text = "\n".join(file.read_text("utf-8") for file in files if file.name.endswith(".rst"))
    text = re.sub(r"[^a-z0-9 \n.,:;()'-]", "", re.sub(r" +", " ", text.lower()))
    alphabet = "".join(sorted(set(text)))
    ids = torch.tensor([alphabet.index(letter) for letter in text])
    blocks = ids.split(400)
    kept = torch.cat([block for i, block in enumerate(blocks) if i % 10])
    return kept, torch.cat(blocks[::10]), alphabet


def text_batch(ids: Tensor, batch_size: int, length: int) -> tuple[Tensor, Tensor]:
    """Random windows of a text and the same shifted by one."""
    starts = torch.randint(len(ids) - length - 1, (batch_size,)).tolist()
    return (
        torch.stack([ids[s : s + length] for s in starts]),
        torch.stack([ids[s + 1 : s + length + 1] for s in starts]),
    )


def shifted(x: Tensor) -> Tensor:
    """Images moved by up to one pixel, one move for the batch: the usual cheap augmentation."""
    down, right = random.randint(-1, 1), random.randint(-1, 1)
    padded = nn.functional.pad(x, (1, 1, 1, 1), value=float(x.min()))
    return padded[..., 1 + down : 9 + down, 1 + right : 9 + right]


def warmup_cosine(warmup: int, total: int) -> Callable[[int], float]:
    """The factor of a learning rate that rises for some steps and then falls by a cosine."""

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))

    return factor


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of right answers, in evaluation mode; the mode is put back."""
    was = model.training
    model.eval()
    right = (model(x).argmax(-1) == y).float().mean().item()
    model.train(was)
    return right


@torch.no_grad()
def outputs(model: nn.Module, *inputs: Tensor) -> Tensor:
    """What the trained model says of a few fixed inputs."""
    model.eval()
    result: Tensor = model(*inputs)
    return result.detach().clone()


def endless(loader: DataLoader[tuple[Tensor, ...]]) -> Iterator[list[Tensor]]:
    """A loader's batches for ever."""
    while True:
        yield from loader  # type: ignore[misc]
