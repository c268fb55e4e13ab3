"""Histories written by hand: what a watch would have written down, with numbers that are known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from levinthal.clinic.findings.finding import found
from levinthal.clinic.recording.history import History
from levinthal.clinic.recording.sample import BATCH, TENSOR, LayerStats, LossCall, Sample
from levinthal.clinic.recording.training_setup import TrainingSetup
from levinthal.clinic.rules.catalogue import CATALOGUE
from levinthal.vocabulary import Finding

CLASSES = 4


def finding(code: str, *seen: Any, **more: Any) -> Finding:
    """A finding of this code."""
    return found(CATALOGUE[code], *seen, **more)


def setup(depth: int = 2) -> TrainingSetup:
    """`depth` linear layers of 4 units under plain gradient descent."""
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(depth)))
    return TrainingSetup.of(model, (torch.optim.SGD(model.parameters(), 0.1),))


def history(losses: Sequence[float], depth: int = 2, decay: float = 0.1, every: int = 10) -> History:
    """One sample a loss: a weight's gradient is `decay`^(layers above), a step changes a matrix by 1 %."""
    found = History()
    for k, loss in enumerate(losses):
        sample = Sample(every * k, batch_size=8, loss=torch.tensor(loss), rates=(0.1,) * (2 * depth))
        numbers = {"mean": 0.5, "std": 1.0, "fingerprint": float(k)}
        sample.batch = torch.tensor([numbers.get(column, 0.0) for column in BATCH])
        sample.batch_sum = torch.zeros(())
        sample.names = tuple(name for i in range(depth) for name in (str(2 * i), str(2 * i + 1)))
        sample.kinds = ("Linear", "ReLU") * depth
        sample.layers = [read for i in range(depth) for read in layers(2.0**i)]
        rows = [row for i in range(depth) for row in tensors(decay ** (depth - 1 - i))]
        sample.tensors = torch.tensor(rows)
        counts = torch.full((CLASSES,), 2)
        rows_of_loss, value = torch.tensor([1.0, -1.0, 0.0, 4.0, 2.0]), torch.tensor(loss)
        sample.losses = [
            LossCall("cross_entropy", "mean", (8, CLASSES), (8,), rows_of_loss, counts, None, value)
        ]
        found.add(sample)
    return found


def layers(rms: float) -> tuple[LayerStats, LayerStats]:
    """A linear layer whose output has this root mean square, and a ReLU of which a quarter is dead."""
    norm = torch.tensor(rms * math.sqrt(32))
    return LayerStats(norm, 32), LayerStats(norm, 32, torch.tensor(16), torch.tensor(3), 32, 4, False)


def tensors(slope: float) -> tuple[list[float], list[float]]:
    """The columns of a matrix of 16 weights, each with this gradient, and of its bias."""
    matrix = {"gradient": 4 * slope, "weight": 2.0, "update": 0.02}
    vector = {"gradient": slope, "weight": 1.0, "update": 0.5}
    first, second = ([known.get(column, 0.0) for column in TENSOR] for known in (matrix, vector))
    return first, second
